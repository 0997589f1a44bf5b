import { rmSync } from 'node:fs';
import { Server, ServerCredentials, status as grpcStatus, type ServerWritableStream, type UntypedHandleCall, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { imageService, runtimeService } from '../cri/protocol.ts';
import { isRuntimeError, type CriRuntime, type RuntimeErrorCode } from '../cri/runtime.ts';

const NUMBERS: Partial<Record<RuntimeErrorCode, number>> = {
  Canceled: 1, InvalidArgument: 3, DeadlineExceeded: 4, NotFound: 5, AlreadyExists: 6, PermissionDenied: 7, ResourceExhausted: 8, FailedPrecondition: 9,
  Aborted: 10, OutOfRange: 11, Unimplemented: 12, Internal: 13, Unavailable: 14, DataLoss: 15, Unauthenticated: 16,
};

const EVENT_TYPES = { created: 'CONTAINER_CREATED_EVENT', started: 'CONTAINER_STARTED_EVENT', stopped: 'CONTAINER_STOPPED_EVENT', deleted: 'CONTAINER_DELETED_EVENT' };

/* The messages of requests are decoded with every field present, so they are read here without doubt. */
type Request = any;

const done = async (work: Promise<void>): Promise<object> => {
  await work;
  return {};
};

/** One answer a method of the protocol. */
function methods(runtime: CriRuntime): Record<string, (request: Request) => Promise<object>> {
  return {
    Version: () => runtime.version(),
    Status: (q) => runtime.status(q.verbose),
    RuntimeConfig: () => runtime.runtimeConfig(),
    RunPodSandbox: async (q) => ({ podSandboxId: await runtime.runPodSandbox(q.config, q.runtimeHandler) }),
    StopPodSandbox: (q) => done(runtime.stopPodSandbox(q.podSandboxId)),
    RemovePodSandbox: (q) => done(runtime.removePodSandbox(q.podSandboxId)),
    PodSandboxStatus: async (q) => ({ status: await runtime.podSandboxStatus(q.podSandboxId) }),
    ListPodSandbox: async (q) => ({ items: await runtime.listPodSandbox(q.filter) }),
    CreateContainer: async (q) => ({ containerId: await runtime.createContainer(q.podSandboxId, q.config, q.sandboxConfig) }),
    StartContainer: (q) => done(runtime.startContainer(q.containerId)),
    StopContainer: (q) => done(runtime.stopContainer(q.containerId, q.timeout)),
    RemoveContainer: (q) => done(runtime.removeContainer(q.containerId)),
    ListContainers: async (q) => ({ containers: await runtime.listContainers(q.filter) }),
    ContainerStatus: async (q) => ({ status: await runtime.containerStatus(q.containerId) }),
    UpdateContainerResources: (q) => done(runtime.updateContainerResources(q.containerId, q.linux)),
    ReopenContainerLog: (q) => done(runtime.reopenContainerLog(q.containerId)),
    ExecSync: (q) => runtime.execSync(q.containerId, q.cmd, q.timeout),
    Exec: async (q) => ({ url: await runtime.exec(q) }),
    Attach: async (q) => ({ url: await runtime.attach(q) }),
    PortForward: async (q) => ({ url: await runtime.portForward(q.podSandboxId, q.port) }),
    ContainerStats: async (q) => ({ stats: await runtime.containerStats(q.containerId) }),
    ListContainerStats: async (q) => ({ stats: await runtime.listContainerStats(q.filter) }),
    PodSandboxStats: async (q) => ({ stats: await runtime.podSandboxStats(q.podSandboxId) }),
    ListPodSandboxStats: async () => ({ stats: await runtime.listPodSandboxStats() }),
    PullImage: async (q) => ({ imageRef: await runtime.pullImage(q.image, q.auth, q.sandboxConfig) }),
    ListImages: async () => ({ images: await runtime.listImages() }),
    ImageStatus: async (q) => ({ image: await runtime.imageStatus(q.image) }),
    RemoveImage: (q) => done(runtime.removeImage(q.image)),
    ImageFsInfo: async () => ({ imageFilesystems: await runtime.imageFsInfo() }),
  };
}

type Callback = (error: { code: number; details: string } | null, response?: object) => void;

function unary(answer: (request: Request) => Promise<object>): UntypedHandleCall {
  const reply = async (request: Request, done: Callback): Promise<void> => {
    try {
      done(null, await answer(request));
    } catch (error) {
      if (isRuntimeError(error)) done({ code: NUMBERS[error.code] ?? grpcStatus.UNKNOWN, details: error.description });
      else done({ code: grpcStatus.UNKNOWN, details: error instanceof Error ? error.message : String(error) });
    }
  };
  return (call: { request: Request }, callback: Callback) => void reply(call.request, callback);
}

/** Serves `runtime` on a unix socket as containerd serves its own; resolves when it listens. */
export async function serveRuntime(runtime: CriRuntime, socketPath: string): Promise<AsyncDisposable> {
  const server = new Server();
  const implementation: UntypedServiceImplementation = Object.fromEntries(Object.entries(methods(runtime)).map(([name, answer]) => [name, unary(answer)]));
  const ended = new AbortController();
  const streamEvents = async (call: ServerWritableStream<object, object>): Promise<void> => {
    const cancelled = new AbortController();
    call.on('cancelled', () => cancelled.abort());
    for await (const event of runtime.events(AbortSignal.any([ended.signal, cancelled.signal]))) {
      if (event.type !== 'resync') call.write({ containerId: event.id, containerEventType: EVENT_TYPES[event.type] });
    }
    call.end();
  };
  const getContainerEvents: UntypedHandleCall = (call: ServerWritableStream<object, object>) => void streamEvents(call);
  for (const service of [runtimeService, imageService]) {
    const own = Object.keys(service).filter((name) => name === 'GetContainerEvents' || implementation[name]);
    server.addService(Object.fromEntries(own.map((name) => [name, service[name]!])),
      Object.fromEntries(own.map((name) => [name, name === 'GetContainerEvents' ? getContainerEvents : implementation[name]!])));
  }
  rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
  });
  return {
    async [Symbol.asyncDispose]() {
      ended.abort();
      server.forceShutdown();
    },
  };
}
