import type { Clock } from '../base/clock.ts';
import type { GrpcConnection } from '../base/grpc/connection.ts';
import { GrpcError, GrpcStatus } from '../base/grpc/grpc-error.ts';
import { CONTAINERD_HEADERS, containerdEvents, runtimeService } from './protocol.ts';
import { isRuntimeError, type CriRuntime, type RuntimeEvent } from './runtime.ts';
import { taskEvent } from './task-event.ts';

interface Envelope {
  readonly topic: string;
  readonly event: { readonly typeUrl: string; readonly value: Uint8Array } | null;
}

const CRI_EVENTS: Readonly<Record<string, RuntimeEvent['type']>> = {
  CONTAINER_CREATED_EVENT: 'created', CONTAINER_STARTED_EVENT: 'started', CONTAINER_STOPPED_EVENT: 'stopped', CONTAINER_DELETED_EVENT: 'deleted',
};

/** Where neither event service exists, `resync` is sent this often (milliseconds), as upstream's relist. */
const RELIST_MS = 1000;

/** One subscription; resolves when the runtime ends it. */
type Source = (signal: AbortSignal, onMessage: (message: object) => void) => Promise<void>;

/**
 * Events from the first of these the runtime has: containerd's event service (containerd's CRI events came late and are off in
 * many releases), the CRI's GetContainerEvents, or a `resync` a second.
 */
export async function* runtimeEvents(connection: GrpcConnection, runtime: CriRuntime, clock: Clock, signal: AbortSignal, onAway?: () => Promise<void>): AsyncGenerator<RuntimeEvent> {
  const filters = ['exit', 'start'].map((topic) => `topic=="/tasks/${topic}",namespace=="k8s.io"`);
  const sources: Source[] = [
    (ended, onMessage) => connection.stream(containerdEvents['Subscribe']!, { filters }, { signal: ended, headers: CONTAINERD_HEADERS }, onMessage),
    (ended, onMessage) => connection.stream(runtimeService['GetContainerEvents']!, {}, { signal: ended }, onMessage),
  ];
  let backoff = 50;
  while (!signal.aborted) {
    if (sources.length === 0) {
      yield { type: 'resync' };
      await clock.sleep(RELIST_MS, signal).catch(() => undefined);
      continue;
    }
    const ended = new AbortController();
    try {
      for await (const event of queued(sources[0]!, runtime, clock, AbortSignal.any([signal, ended.signal]))) {
        // A subscription that breaks off before it told anything is no sign of health.
        if (event.type !== 'resync') backoff = 50;
        yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof GrpcError && error.code === GrpcStatus.Unimplemented) sources.shift();
      else {
        await onAway?.();
        // The runtime is away: try again, ever more slowly; `resync` comes when it answers.
        await clock.sleep(backoff, signal).catch(() => undefined);
        backoff = Math.min(backoff * 2, 2000);
      }
    } finally {
      ended.abort();
    }
  }
}

/** One subscription as a sequence: `resync` once the runtime answers, then its events, exits held back until the status agrees. */
async function* queued(subscribe: Source, runtime: CriRuntime, clock: Clock, signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
  const queue: RuntimeEvent[] = [];
  let wake: (() => void) | undefined;
  let failure: unknown;
  let ended = false;
  const push = (event: RuntimeEvent): void => {
    queue.push(event);
    wake?.();
  };
  const onMessage = (message: object): void => {
    const event = 'topic' in message ? taskEvent(message as Envelope) : criEvent(message as { containerEventType: string; containerId: string });
    if (!event) return;
    if (event.type === 'stopped' && 'topic' in message) void settled(runtime, clock, event.id, signal).then(() => push(event));
    else push(event);
  };
  subscribe(signal, onMessage).then(() => {
    ended = true;
    wake?.();
  }, (error: unknown) => {
    failure = error;
    wake?.();
  });
  // An answer to a later call on the same connection means that the subscription has reached the runtime.
  runtime.version().then(() => push({ type: 'resync' }), (error: unknown) => {
    failure ??= error;
    wake?.();
  });
  for (;;) {
    while (queue.length > 0) yield queue.shift()!;
    if (failure) throw failure;
    if (ended) return;
    await new Promise<void>((resolve) => { wake = resolve; });
    wake = undefined;
  }
}

function criEvent(message: { readonly containerEventType: string; readonly containerId: string }): RuntimeEvent | undefined {
  const type = CRI_EVENTS[message.containerEventType];
  return type && type !== 'resync' ? { type, id: message.containerId } : undefined;
}

const SETTLE_MS = [0, 2, 5, 10, 20, 50, 100, 200, 400, 800, 1600];

/** Whether the runtime takes a container for ended, or a sandbox; undefined where it has none of that id. */
type HasEnded = (runtime: CriRuntime, id: string) => Promise<boolean | undefined>;
const containerHasEnded: HasEnded = async (runtime, id) => known(async () => (await runtime.containerStatus(id)).state !== 'CONTAINER_RUNNING');
const sandboxHasEnded: HasEnded = async (runtime, id) => known(async () => (await runtime.podSandboxStatus(id)).state === 'SANDBOX_NOTREADY');

async function known<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isRuntimeError(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** containerd publishes an exit before its CRI part has noted it: waits (about 3 s at most) until the status says so, or nothing is there any more. */
async function settled(runtime: CriRuntime, clock: Clock, id: string, signal: AbortSignal): Promise<void> {
  // The event does not tell a container from a sandbox.
  let hasEnded = containerHasEnded;
  for (const wait of SETTLE_MS) {
    try {
      if (wait > 0) await clock.sleep(wait, signal);
      let ended = await hasEnded(runtime, id);
      if (ended === undefined && hasEnded === containerHasEnded) {
        hasEnded = sandboxHasEnded;
        ended = await hasEnded(runtime, id);
      }
      if (ended ?? true) return;
    } catch (error) {
      // The runtime went away: the resync that follows tells more.
      if (isRuntimeError(error) || signal.aborted) return;
      throw error;
    }
  }
}
