import { systemClock, type Clock } from '../base/clock.ts';
import { GrpcConnection, type CallOptions } from '../base/grpc/connection.ts';
import { GrpcError } from '../base/grpc/grpc-error.ts';
import type { Method } from '../base/grpc/service.ts';
import { runtimeEvents } from './runtime-events.ts';
import { ImageViews, snapshotterOf } from './image-views.ts';
import { CONTAINERD_HEADERS, containerdContainers, containerdSnapshots, imageService, runtimeService } from './protocol.ts';
import { runtimeInventory, type ContainerRecord, type RuntimeInventory } from './runtime-inventory.ts';
import { RuntimeError, type CriRuntime, type ExecSyncResult, type ImageSpec, type RuntimeErrorCode } from './runtime.ts';

const CODES: Readonly<Record<number, RuntimeErrorCode>> = {
  1: 'Canceled', 2: 'Unknown', 3: 'InvalidArgument', 4: 'DeadlineExceeded', 5: 'NotFound', 6: 'AlreadyExists', 7: 'PermissionDenied',
  8: 'ResourceExhausted', 9: 'FailedPrecondition', 10: 'Aborted', 11: 'OutOfRange', 12: 'Unimplemented', 13: 'Internal', 14: 'Unavailable',
  15: 'DataLoss', 16: 'Unauthenticated',
};

/** What a call's GrpcError means to who called; everything else stays what it is. */
export function toRuntimeError(error: unknown): unknown {
  return error instanceof GrpcError ? new RuntimeError(CODES[error.code] ?? 'Unknown', error.details) : error;
}

const MINUTE = 60_000;
const LONGEST_MESSAGE = 32 * 2 ** 20;

/** How long a call may take, in milliseconds, before it counts as failed; upstream's kubelet gives most calls 2 minutes and pulls none. */
const TIMEOUTS: Readonly<Record<string, number>> = { RunPodSandbox: 4 * MINUTE, PullImage: 60 * MINUTE };

/** A containerd that is asked for more than the runtime interface has. */
export interface ConnectedRuntime extends CriRuntime, AsyncDisposable {
  /** All that containerd knows of, begun and half-made things included. */
  inventory(): Promise<RuntimeInventory>;
  /** When the oldest sandbox that is being made right now was asked for, as `clock.monotonic()` tells; undefined: none is. */
  oldestSandboxRequestMs(): number | undefined;
}

/**
 * A runtime behind a unix socket. Connects when first used and again when the connection breaks; while the runtime is away, calls
 * reject with Unavailable. Disposing closes the connection and ends all `events()`. `onAway` is called, and waited for, each time the event
 * stream finds the runtime away: who can start it again may.
 */
export function connectRuntime(socketPath: string, clock: Clock = systemClock, onAway?: () => Promise<void>): ConnectedRuntime {
  const connection = new GrpcConnection(`unix:${socketPath}`, clock, { largestMessage: LONGEST_MESSAGE });
  const ended = new AbortController();
  const methods = { ...runtimeService, ...imageService };

  async function invoke<R>(method: Method, request: object, options: CallOptions = {}): Promise<R> {
    try {
      return await connection.call<R>(method, request, { ...options, timeoutMs: options.timeoutMs ?? 2 * MINUTE });
    } catch (error) {
      throw toRuntimeError(error);
    }
  }
  const call = <R>(name: string, request: object, options: CallOptions = {}): Promise<R> => invoke(methods[name]!, request, { ...options, timeoutMs: options.timeoutMs ?? TIMEOUTS[name] });
  /** For calls that answer a single field. */
  const pick = async <K extends string, R>(field: K, answer: Promise<Record<K, R>>): Promise<R> => (await answer)[field];
  const nothing = async (answer: Promise<unknown>): Promise<void> => void (await answer);

  const imageViews = new ImageViews((method, request) => invoke(containerdSnapshots[method]!, request, { headers: CONTAINERD_HEADERS }));
  const verboseImage = (image: ImageSpec): Promise<Readonly<Record<string, string>>> => pick('info', call('ImageStatus', { image, verbose: true }));
  /** In the order in which they began. */
  const sandboxRequests = new Set<{ readonly beganMs: number }>();
  let known: string | undefined;
  const snapshotter = async (): Promise<string> => known ??= snapshotterOf(await runtime.imageFsInfo());

  const runtime: CriRuntime = {
    version: () => call('Version', { version: 'v1' }),
    status: (verbose = false) => call('Status', { verbose }),
    runtimeConfig: () => call('RuntimeConfig', {}),
    async runPodSandbox(config, runtimeHandler = '') {
      const request = { beganMs: clock.monotonic() };
      sandboxRequests.add(request);
      try {
        return await pick<'podSandboxId', string>('podSandboxId', call('RunPodSandbox', { config, runtimeHandler }));
      } finally {
        sandboxRequests.delete(request);
      }
    },
    stopPodSandbox: (podSandboxId) => nothing(call('StopPodSandbox', { podSandboxId })),
    removePodSandbox: (podSandboxId) => nothing(call('RemovePodSandbox', { podSandboxId })),
    podSandboxStatus: (podSandboxId) => pick('status', call('PodSandboxStatus', { podSandboxId })),
    listPodSandbox: (filter) => pick('items', call('ListPodSandbox', { filter })),
    createContainer: (podSandboxId, config, sandboxConfig) => pick('containerId', call('CreateContainer', { podSandboxId, config, sandboxConfig })),
    startContainer: (containerId) => nothing(call('StartContainer', { containerId })),
    stopContainer: (containerId, timeout) => nothing(call('StopContainer', { containerId, timeout }, { timeoutMs: timeout * 1000 + 2 * MINUTE })),
    removeContainer: (containerId) => nothing(call('RemoveContainer', { containerId })),
    listContainers: (filter) => pick('containers', call('ListContainers', { filter })),
    containerStatus: (containerId) => pick('status', call('ContainerStatus', { containerId })),
    updateContainerResources: (containerId, linux) => nothing(call('UpdateContainerResources', { containerId, linux })),
    reopenContainerLog: (containerId) => nothing(call('ReopenContainerLog', { containerId })),
    // The runtime's own time-out does not fire while a child of the command holds its output: the call's deadline does.
    execSync: (containerId, cmd, timeout) =>
      call<ExecSyncResult>('ExecSync', { containerId, cmd, timeout }, { timeoutMs: timeout > 0 ? timeout * 1000 + 100 : 24 * 60 * MINUTE }),
    exec: (request) => pick('url', call('Exec', request)),
    attach: (request) => pick('url', call('Attach', request)),
    portForward: (podSandboxId, port) => pick('url', call('PortForward', { podSandboxId, port })),
    containerStats: (containerId) => pick('stats', call('ContainerStats', { containerId })),
    listContainerStats: (filter) => pick('stats', call('ListContainerStats', { filter })),
    podSandboxStats: (podSandboxId) => pick('stats', call('PodSandboxStats', { podSandboxId })),
    listPodSandboxStats: () => pick('stats', call('ListPodSandboxStats', {})),
    pullImage: (image, auth, sandboxConfig, signal) => pick('imageRef', call('PullImage', { image, auth, sandboxConfig }, { signal })),
    listImages: () => pick('images', call('ListImages', {})),
    imageStatus: async (image) => (await call<{ image: never }>('ImageStatus', { image })).image ?? undefined,
    removeImage: (image) => nothing(call('RemoveImage', { image })),
    imageFsInfo: () => pick('imageFilesystems', call('ImageFsInfo', {})),
    viewImage: async (image, key) => imageViews.view(await verboseImage(image), await snapshotter(), key),
    releaseImageView: async (key) => imageViews.release(await snapshotter(), key),
    events: (signal) => runtimeEvents(connection, runtime, clock, AbortSignal.any([signal, ended.signal]), onAway),
  };
  return {
    ...runtime,
    async inventory() {
      const [{ containers }, sandboxes] = await Promise.all([
        invoke<{ containers: readonly ContainerRecord[] }>(containerdContainers['List']!, {}, { headers: CONTAINERD_HEADERS }), runtime.listPodSandbox(),
      ]);
      return runtimeInventory(containers, sandboxes);
    },
    oldestSandboxRequestMs: () => sandboxRequests.values().next().value?.beganMs,
    async [Symbol.asyncDispose]() {
      ended.abort();
      connection[Symbol.dispose]();
    },
  };
}
