import { setUpVolumes } from '../volumes/set-up-volumes.ts';
import type { MountedVolume } from '../volumes/volume-type.ts';
import { fieldContext } from './launch.ts';
import type { PodView } from './pod-view.ts';

/** A token that is about to expire is asked for again after a failure so often (milliseconds). */
const RETRY_MS = 60_000;

/** A pod's volumes: set up once, and brought up to date when what they show changes. */
export class PodVolumes implements Disposable {
  #mounted: ReadonlyMap<string, MountedVolume> | undefined;
  #timer: Disposable | undefined;
  #ended = false;
  /** Set-ups come one after the other: two at once would write the same folders. */
  #last: Promise<void> = Promise.resolve();
  readonly #state: PodView;

  constructor(state: PodView) {
    this.#state = state;
  }

  /** undefined: not set up yet. */
  get mounted(): ReadonlyMap<string, MountedVolume> | undefined {
    return this.#mounted;
  }

  /** Rejects with a VolumeError. */
  setUp(): Promise<void> {
    this.#last = this.#last.catch(() => { /* Told to who asked for it. */ }).then(() => this.#setUp());
    return this.#last;
  }

  /** Resolves when nothing of them is being set up. */
  async settled(): Promise<void> {
    await this.#last.catch(() => { /* Told to who asked for it. */ });
  }

  async #setUp(): Promise<void> {
    if (this.#ended) return;
    const { uid, pod, observation, context } = this.#state;
    const { client, objects, tokens, clock, random, volumeGround: ground } = context;
    const fields = fieldContext(pod, observation.sandboxes[0]?.ips ?? [], context);
    this.#mounted = await setUpVolumes(pod, context.podDirectory(uid), { client, objects, tokens, clock, random, ground, fields });
    const times = [...this.#mounted.values()].flatMap((volume) => volume.refreshAtMs ?? []);
    if (times.length > 0) this.#schedule(Math.max(1000, Math.min(...times) - clock.now()));
  }

  /** Brings the content up to date, where there is any or was before the kubelet restarted. */
  async refresh(): Promise<void> {
    if (this.#ended || (!this.#mounted && this.#state.observation.sandboxes.length === 0)) return;
    try {
      await this.setUp();
    } catch (error) {
      if (this.#ended) return;
      this.#state.log.warn('cannot bring the volumes up to date', { error });
      if (this.#mounted) this.#schedule(RETRY_MS);
    }
  }

  /** Ends the refreshing; the volumes stay. */
  [Symbol.dispose](): void {
    this.#ended = true;
    this.#timer?.[Symbol.dispose]();
  }

  #schedule(milliseconds: number): void {
    this.#timer?.[Symbol.dispose]();
    if (!this.#ended) this.#timer = this.#state.context.clock.timer(milliseconds, () => void this.refresh());
  }
}
