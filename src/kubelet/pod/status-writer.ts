import { pods } from '../../api/generated/resources.ts';
import type { Pod, PodStatus } from '../../api/generated/core-v1.ts';
import { isReason } from '../../api/errors.ts';
import { sleepOn, type Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { nextTurn } from '../../base/next-turn.ts';
import type { Client } from '../../client/client.ts';
import { shareUnchanged } from '../../client/share-unchanged.ts';
import { isEqual } from './equal.ts';
import { statusPatch } from './status-patch.ts';

interface Entry {
  readonly key: { readonly namespace: string; readonly name: string };
  /** What the API is known to hold. */
  stored: PodStatus;
  wanted: PodStatus;
  /** Of the last answer to a write: what was seen before it is old. */
  version: bigint;
  /** The pod in the API, by its uid there; undefined: a static pod that nothing stands for yet. */
  target: string | undefined;
  writing: Promise<void> | undefined;
}

/** Versions of one object can be compared since Kubernetes 1.35. */
const versionOf = (pod: Pod): bigint => (/^\d+$/.test(pod.metadata.resourceVersion) ? BigInt(pod.metadata.resourceVersion) : 0n);

const isStatic = (pod: Pod): boolean => (pod.metadata.annotations?.['kubernetes.io/config.source'] ?? 'api') !== 'api' && pod.metadata.annotations?.['kubernetes.io/config.mirror'] === undefined;

const RETRY_MS = [100, 200, 500, 1000, 2000, 5000];

/**
 * Brings statuses to the API: one write a pod at a time, always the newest, when this turn of the event loop is over; what changes in one turn,
 * or while a write is under way, goes out together. Upstream: kubelet/status.
 */
export class StatusWriter {
  readonly #entries = new Map<string, Entry>();
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #ended = new AbortController();
  readonly #changed: ((before: PodStatus, after: PodStatus) => void) | undefined;

  /** `changed` hears of every status that is set, and what it was before. */
  constructor(options: { client: Client; clock: Clock; log: Log; changed?: (before: PodStatus, after: PodStatus) => void }) {
    this.#changed = options.changed;
    this.#client = options.client;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** The status last asked for. */
  get(uid: string): PodStatus | undefined {
    return this.#entries.get(uid)?.wanted;
  }

  set(pod: Pod, status: PodStatus): void {
    const { uid, namespace, name } = pod.metadata;
    let entry = this.#entries.get(uid);
    this.#changed?.(entry?.wanted ?? pod.status ?? {}, status);
    if (!entry) {
      entry = { key: { namespace, name }, stored: pod.status ?? {}, wanted: status, version: versionOf(pod), target: isStatic(pod) ? undefined : uid, writing: undefined };
      this.#entries.set(uid, entry);
    }
    // What the API holds already is in memory once.
    entry.wanted = shareUnchanged(entry.stored, status);
    this.#flush(entry);
  }

  /** Takes note of what the API holds now, and answers whether that is what was last asked for. When somebody else overwrote what is ours, the next `set` writes it again. */
  refresh(pod: Pod): boolean {
    const entry = this.#entries.get(pod.metadata.uid);
    if (!entry || entry.writing || versionOf(pod) < entry.version) return false;
    entry.version = versionOf(pod);
    entry.stored = shareUnchanged(entry.stored, pod.status ?? {});
    return entry.stored === entry.wanted;
  }

  /** A static pod's status goes to what stands for it in the API. */
  retarget(uid: string, mirror: Pod | undefined): void {
    const entry = this.#entries.get(uid);
    if (!entry || (entry.target === mirror?.metadata.uid && (entry.writing || !mirror || versionOf(mirror) <= entry.version))) return;
    entry.target = mirror?.metadata.uid;
    if (!mirror) return;
    entry.version = versionOf(mirror);
    entry.stored = mirror.status ?? {};
    this.#flush(entry);
  }

  /** Resolves when the API holds what was last asked for, or the pod is gone. */
  async settled(uid: string): Promise<void> {
    for (let entry = this.#entries.get(uid); entry?.writing; entry = this.#entries.get(uid)) await entry.writing;
  }

  forget(uid: string): void {
    this.#entries.delete(uid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await Promise.all([...this.#entries.values()].map((entry) => entry.writing));
  }

  #flush(entry: Entry): void {
    if (entry.writing || entry.target === undefined || isEqual(entry.stored, entry.wanted)) return;
    entry.writing = this.#write(entry).finally(() => {
      entry.writing = undefined;
    });
  }

  async #write(entry: Entry): Promise<void> {
    await nextTurn();
    for (let failures = 0; !this.#ended.signal.aborted;) {
      const wanted = entry.wanted;
      const { target } = entry;
      const body = target === undefined ? undefined : statusPatch(target, entry.stored, wanted);
      if (!body) return;
      try {
        const answer = await this.#client.patch(pods, entry.key, { type: 'application/strategic-merge-patch+json', body }, { subresource: 'status' });
        failures = 0;
        if (entry.target !== target) continue;
        entry.stored = answer.status ?? {};
        entry.version = versionOf(answer);
        if (entry.wanted !== wanted) continue;
        entry.wanted = shareUnchanged(entry.stored, wanted);
        return;
      } catch (error) {
        // Gone, or replaced by a pod of the same name: nobody is left to tell.
        if (isReason(error, 'NotFound') || (isReason(error, 'Conflict') && /uid/i.test(error.message))) {
          if (entry.target !== target) continue;
          return;
        }
        const wait = RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]!;
        this.#log.warn('cannot write the status of a pod', { pod: `${entry.key.namespace}/${entry.key.name}`, error, retryInMs: wait });
        await sleepOn(this.#clock, wait, this.#ended.signal).catch(() => undefined);
      }
    }
  }
}
