import type { Pod } from '../../api/generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { EventType } from '../../client/event-recorder.ts';
import { isRuntimeError, type CriRuntime, type Image } from '../../cri/runtime.ts';
import type { ImageCollection } from '../configuration.ts';
import type { MachineFacts } from '../machine-facts.ts';
import { normalizeImageName } from './image-name.ts';

export interface ImageCollectorOptions {
  readonly runtime: Pick<CriRuntime, 'listImages' | 'listContainers' | 'removeImage'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly machine: () => Promise<MachineFacts>;
  readonly settings: ImageCollection;
  /** Never removed: sandboxes need it. */
  readonly pinned: readonly string[];
  /** Pods of this node: the images of their volumes are in use too. */
  readonly pods: () => readonly Pod[];
  readonly tell: (type: EventType, reason: string, message: string) => void;
  /** Images have been removed. */
  readonly changed: () => void;
}

export interface ImageRecord {
  readonly image: Image;
  readonly firstSeenMs: number;
  /** Now, for images in use. 0: never. */
  readonly lastUsedMs: number;
}

/** How often the disk is looked at, in milliseconds. */
const PERIOD_MS = 5 * 60_000;

/** How many bytes of images must go; 0: none. */
export function bytesToFree({ highPercent, lowPercent, roomyBytes }: ImageCollection, { available, capacity }: { readonly available: number; readonly capacity: number }): number {
  if (capacity === 0 || highPercent >= 100 || available >= roomyBytes) return 0;
  const usedPercent = 100 - Math.floor((Math.min(available, capacity) * 100) / capacity);
  return usedPercent < highPercent ? 0 : Math.max(0, Math.min(Math.floor((capacity * (100 - lowPercent)) / 100), roomyBytes) - available);
}

/** The images to remove for so many bytes: the longest unused first, none that is in use or has only just come. Upstream: images/image_gc_manager.go freeSpace. */
export function imagesToRemove(records: readonly ImageRecord[], bytes: number, minAgeMs: number, nowMs: number): readonly Image[] {
  const removable = records.filter(({ firstSeenMs, lastUsedMs }) => lastUsedMs < nowMs && nowMs - firstSeenMs >= minAgeMs)
    .toSorted((a, b) => a.lastUsedMs - b.lastUsedMs || a.firstSeenMs - b.firstSeenMs);
  const chosen: Image[] = [];
  let freed = 0;
  for (const { image } of removable) {
    if (freed >= bytes) break;
    chosen.push(image);
    freed += image.size;
  }
  return chosen;
}

/** Removes images that nobody uses: when the disk fills up, and where so set, when they get old. */
export class ImageCollector {
  readonly #options: ImageCollectorOptions;
  readonly #startedMs: number;
  #lastRunMs: number;
  /** What was there at the beginning may be old. */
  #detected = false;
  /** By image id. */
  readonly #records = new Map<string, { readonly firstSeenMs: number; readonly lastUsedMs: number }>();

  constructor(options: ImageCollectorOptions) {
    this.#options = options;
    this.#startedMs = options.clock.now();
    this.#lastRunMs = this.#startedMs;
  }

  /** To be called now and then; looks every five minutes. */
  async lookNowAndThen(): Promise<void> {
    const { clock, settings: { highPercent, maxAgeMs } } = this.#options;
    if (!this.#detected) await this.#detect(clock.now());
    if (clock.now() - this.#lastRunMs < PERIOD_MS || (highPercent >= 100 && maxAgeMs === 0)) return;
    this.#lastRunMs = clock.now();
    await this.collect();
  }

  async collect(): Promise<void> {
    const { clock, settings, machine, tell } = this.#options;
    const now = clock.now();
    let records = await this.#detect(now);
    if (settings.maxAgeMs > 0 && now - this.#startedMs > settings.maxAgeMs) {
      const old = records.filter(({ lastUsedMs }) => now - lastUsedMs > settings.maxAgeMs);
      await this.#remove(old.map(({ image }) => image));
      records = records.filter((record) => !old.includes(record));
    }
    const { storageAvailableBytes: available, storageBytes: capacity } = await machine();
    const wanted = bytesToFree(settings, { available, capacity });
    if (wanted === 0) return;
    const freed = await this.#remove(imagesToRemove(records, wanted, settings.minAgeMs, now));
    if (freed >= wanted) return;
    const usedPercent = 100 - Math.floor((available * 100) / capacity);
    tell('Warning', 'FreeDiskSpaceFailed', `Insufficient free disk space on the node's image filesystem (${usedPercent}% of ${sizeText(capacity)} used). `
      + `Failed to free sufficient space by deleting unused images (freed ${freed} bytes). Investigate disk usage, as it could be used by active images, logs, volumes, or other data.`);
  }

  /** All that nobody uses, but those that have only just come. */
  async removeUnused(): Promise<void> {
    const now = this.#options.clock.now();
    await this.#remove(imagesToRemove(await this.#detect(now), Infinity, this.#options.settings.minAgeMs, now));
  }

  async #detect(nowMs: number): Promise<readonly ImageRecord[]> {
    const { runtime, pods, pinned } = this.#options;
    const [images, containers] = await Promise.all([runtime.listImages(), runtime.listContainers()]);
    const used = new Set(containers.flatMap(({ image, imageRef }) => [image.image, imageRef]));
    for (const { spec } of pods()) for (const { image } of spec.volumes ?? []) if (image?.reference) used.add(normalizedOrSelf(image.reference));
    const records = images.filter((image) => !image.pinned && !image.repoTags.some((tag) => pinned.includes(tag))).map((image): ImageRecord => {
      const known = this.#records.get(image.id) ?? { firstSeenMs: this.#detected ? nowMs : 0, lastUsedMs: 0 };
      const isUsed = [image.id, ...image.repoTags, ...image.repoDigests].some((name) => used.has(name));
      return { image, ...known, ...(isUsed && { lastUsedMs: nowMs }) };
    });
    this.#detected = true;
    this.#records.clear();
    for (const { image, firstSeenMs, lastUsedMs } of records) this.#records.set(image.id, { firstSeenMs, lastUsedMs });
    return records;
  }

  /** Answers the bytes that were freed. */
  async #remove(images: readonly Image[]): Promise<number> {
    const { runtime, log, changed } = this.#options;
    let freed = 0;
    for (const image of images) {
      log.info('removing an unused image', { image: image.repoTags[0] ?? image.id, bytes: image.size });
      try {
        await runtime.removeImage({ image: image.id });
        this.#records.delete(image.id);
        freed += image.size;
      } catch (error) {
        if (!isRuntimeError(error)) throw error;
        log.warn('cannot remove an image', { image: image.id, error });
      }
    }
    if (freed > 0) changed();
    return freed;
  }
}

function normalizedOrSelf(reference: string): string {
  try {
    return normalizeImageName(reference);
  } catch {
    // No name of any image, then.
    return reference;
  }
}

/** `93.7 GiB`. Upstream: image_gc_manager.go formatSize. */
function sizeText(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${['', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
}
