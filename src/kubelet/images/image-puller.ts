import type { Pod } from '../../api/generated/core-v1.ts';
import { isLatestImage } from '../../api/pod/image-name.ts';
import type { Clock } from '../../base/clock.ts';
import type { AuthConfig, CriRuntime, Image, PodSandboxConfig } from '../../cri/runtime.ts';
import type { WorkSink } from '../../ledger/entry.ts';
import { ContainerStartError } from '../container/config-error.ts';
import type { ReferencedObjects } from '../referenced-objects.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import { aboutPod } from '../pod/noted.ts';
import { goDuration, RestartBackoff } from '../pod/restart-backoff.ts';
import { normalizeImageName } from './image-name.ts';
import { pullCredentials } from './pull-secrets.ts';

export type ImageEvent = (type: 'Normal' | 'Warning', reason: string, message: string) => void;

export interface PullRequest {
  readonly pod: Pod;
  readonly container: Pick<AnyContainer, 'image' | 'imagePullPolicy'>;
  readonly sandboxConfig: PodSandboxConfig;
  readonly event: ImageEvent;
  readonly signal: AbortSignal;
  /** Called before a pull begins. */
  readonly pulling?: () => void;
}

/** An image that was there is taken to be there for so long. */
const PRESENT_MS = 1000;
/** How long `ErrImagePull` stands before it becomes `ImagePullBackOff`. */
const SHOWN_MS = 2000;

/** Makes images ready for containers, by their pull policy, with back-off after failures. Upstream: kubelet/images. */
export class ImagePuller {
  readonly #runtime: CriRuntime;
  readonly #clock: Clock;
  readonly #objects: ReferencedObjects;
  readonly #backoff = new RestartBackoff();
  /** Last failures, by pod and image: shown while backing off. */
  readonly #failures = new Map<string, { readonly message: string; readonly atMs: number }>();
  /** Pulls under way, shared by all that want the same with the same credentials. */
  readonly #pulls = new Map<string, Promise<string>>();
  /** Images asked for of late, by name. Pods that start together are often of one image. */
  readonly #present = new Map<string, { readonly image: Promise<Image | undefined>; readonly atMs: number }>();
  readonly #changed: () => void;
  readonly #work: WorkSink;

  constructor(options: { runtime: CriRuntime; clock: Clock; objects: ReferencedObjects; work: WorkSink; changed: () => void }) {
    this.#work = options.work;
    this.#runtime = options.runtime;
    this.#clock = options.clock;
    this.#objects = options.objects;
    this.#changed = options.changed;
  }

  /** Looks for an image that `ensure` will soon be asked for. */
  anticipate({ image = '', imagePullPolicy = 'Always' }: PullRequest['container']): void {
    if (imagePullPolicy === 'Always') return;
    try {
      this.#find(normalizeImageName(image)).catch(() => { /* Who needs it asks again, and is told. */ });
    } catch {
      // No name of an image: `ensure` says so.
    }
  }

  /** Resolves with the image, present on this node; rejects with a ContainerStartError otherwise. */
  async ensure(request: PullRequest): Promise<Image> {
    const { pod, container, event } = request;
    const requested = container.image ?? '';
    let name: string;
    try {
      name = normalizeImageName(requested);
    } catch (error) {
      const message = `Failed to apply default image tag "${requested}": ${(error as Error).message}`;
      event('Warning', 'InspectFailed', message);
      throw new ContainerStartError('InvalidImageName', message);
    }
    const policy = container.imagePullPolicy ?? (isLatestImage(requested) ? 'Always' : 'IfNotPresent');
    if (policy !== 'Always') {
      const present = await this.#find(name);
      if (present) {
        event('Normal', 'Pulled', `Container image "${requested}" already present on machine and can be accessed by the pod`);
        this.#work.note({ work: 'pull', about: aboutPod(pod), by: 'kubelet', tookMs: 0, facts: { image: requested, present: true } });
        return present;
      }
      if (policy === 'Never') {
        const message = `Container image "${requested}" is not present with pull policy of Never`;
        event('Warning', 'ErrImageNeverPull', message);
        throw new ContainerStartError('ErrImageNeverPull', message);
      }
    }
    const key = `${pod.metadata.uid}_${requested}`;
    this.#refuseWhileBackingOff(key, requested, event);
    return this.#pull(request, name, key);
  }

  #find(name: string): Promise<Image | undefined> {
    const nowMs = this.#clock.monotonic();
    const known = this.#present.get(name);
    if (known && nowMs - known.atMs < PRESENT_MS) return known.image;
    for (const [old, { atMs }] of this.#present) if (nowMs - atMs >= PRESENT_MS) this.#present.delete(old);
    const image = this.#runtime.imageStatus({ image: name });
    this.#present.set(name, { image, atMs: nowMs });
    const forget = (found?: Image): void => void (!found && this.#present.delete(name));
    image.then(forget, () => forget());
    return image;
  }

  forgetPod(uid: string): void {
    this.#backoff.forget(`${uid}_`);
    for (const key of this.#failures.keys()) if (key.startsWith(`${uid}_`)) this.#failures.delete(key);
  }

  #refuseWhileBackingOff(key: string, requested: string, event: ImageEvent): void {
    const failure = this.#failures.get(key);
    if (!failure) return;
    const untilMs = failure.atMs + this.#backoff.delayMs(key, failure.atMs);
    if (untilMs <= this.#clock.now()) return;
    const message = `Back-off pulling image "${requested}"`;
    event('Normal', 'BackOff', message);
    throw new ContainerStartError('ImagePullBackOff', `${message}: ErrImagePull: ${failure.message}`, untilMs);
  }

  async #pull(request: PullRequest, name: string, key: string): Promise<Image> {
    const { pod, container, sandboxConfig, event, signal } = request;
    const requested = container.image ?? '';
    event('Normal', 'Pulling', `Pulling image "${requested}"`);
    request.pulling?.();
    const asked = this.#clock.monotonic();
    try {
      const credentials = await pullCredentials(pod, name, this.#objects);
      const started = this.#clock.monotonic();
      const reference = await this.#tryEach(name, credentials.length > 0 ? credentials : [undefined], sandboxConfig, signal);
      const ended = this.#clock.monotonic();
      const image = (await this.#runtime.imageStatus({ image: reference })) ?? (await this.#runtime.imageStatus({ image: name }));
      if (!image) throw new Error(`image "${name}" is gone after its pull`);
      event('Normal', 'Pulled', `Successfully pulled image "${requested}" in ${goDuration(Math.floor(ended - started))} (${goDuration(Math.floor(ended - asked))} including waiting). Image size: ${image.size} bytes.`);
      this.#work.note({ work: 'pull', about: aboutPod(pod), by: 'kubelet', tookMs: ended - asked, facts: { image: name, bytes: image.size } });
      this.#failures.delete(key);
      this.#changed();
      return image;
    } catch (error) {
      if (signal.aborted) throw error;
      const { message } = error as Error;
      event('Warning', 'Failed', `Failed to pull image "${requested}": ${message}`);
      this.#work.note({ work: 'pull', about: aboutPod(pod), by: 'kubelet', tookMs: this.#clock.monotonic() - asked, facts: { image: name }, error: message });
      const nowMs = this.#clock.now();
      this.#backoff.next(key, nowMs, nowMs);
      this.#failures.set(key, { message, atMs: nowMs });
      const [, unavailable] = /RegistryUnavailable(?::\s*(.*))?/.exec(message) ?? [];
      if (unavailable !== undefined) throw new ContainerStartError('RegistryUnavailable', `image pull failed for ${requested} because the registry is unavailable: ${unavailable}`, nowMs + SHOWN_MS);
      // Asked again soon, which finds the back-off: so the status goes from ErrImagePull to ImagePullBackOff as people know it.
      throw new ContainerStartError('ErrImagePull', message, nowMs + SHOWN_MS);
    }
  }

  async #tryEach(name: string, credentials: readonly (AuthConfig | undefined)[], sandboxConfig: PodSandboxConfig, signal: AbortSignal): Promise<string> {
    let failure: unknown;
    for (const auth of credentials) {
      const key = `${name} ${JSON.stringify(auth ?? null)}`;
      let pull = this.#pulls.get(key);
      if (!pull) {
        pull = this.#runtime.pullImage({ image: name }, auth, sandboxConfig).finally(() => this.#pulls.delete(key));
        this.#pulls.set(key, pull);
      }
      try {
        return await abortable(pull, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        failure = error;
      }
    }
    throw failure;
  }
}

/** Stops waiting when the signal aborts; what is waited for goes on. */
function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
