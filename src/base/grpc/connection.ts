import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { Clock } from '../clock.ts';
import { frame, messageReader } from './framing.ts';
import { GrpcError, GrpcStatus } from './grpc-error.ts';
import type { Method } from './service.ts';

export interface CallOptions {
  /** The server is told of it, too. Without it the call may take for ever. */
  readonly timeoutMs?: number;
  /** Rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a stream that broke off means. Upstream: gRPC over HTTP2, "HTTP2 Transport Mapping, Errors". */
const OF_RESETS: Readonly<Record<number, number>> = {
  [constants.NGHTTP2_REFUSED_STREAM]: GrpcStatus.Unavailable, [constants.NGHTTP2_CANCEL]: GrpcStatus.Canceled,
  [constants.NGHTTP2_ENHANCE_YOUR_CALM]: GrpcStatus.ResourceExhausted, [constants.NGHTTP2_INADEQUATE_SECURITY]: GrpcStatus.PermissionDenied,
};
/** What an answer means that is not gRPC's. Upstream: "HTTP to gRPC Status Code Mapping". */
const OF_HTTP: Readonly<Record<number, number>> = {
  400: GrpcStatus.Internal, 401: GrpcStatus.Unauthenticated, 403: GrpcStatus.PermissionDenied, 404: GrpcStatus.Unimplemented,
  429: GrpcStatus.Unavailable, 502: GrpcStatus.Unavailable, 503: GrpcStatus.Unavailable, 504: GrpcStatus.Unavailable,
};
const WINDOW_BYTES = 2 ** 20;
const RECONNECT_MS = 1_000;

/**
 * A client of one gRPC server, without TLS. Connects when first used, and again after the connection broke; while the server is away, calls reject with Unavailable.
 * It does what calls between programs of one machine need, and no more: a whole client library (names resolved, loads balanced, calls tried again, interceptors)
 * took a third of the processor time of a node that starts pods.
 */
export class GrpcConnection implements Disposable {
  readonly #target: string;
  readonly #clock: Clock;
  readonly #largestMessage: number;
  readonly #userAgent: string;
  #session: ClientHttp2Session | undefined;
  #told: ((isConnected: boolean) => void) | undefined;
  #again: Disposable | undefined;
  #ended = false;

  /** `target`: `unix:PATH`, `unix:///PATH` or `HOST:PORT`. */
  constructor(target: string, clock: Clock, { largestMessage = 4 * 2 ** 20, userAgent = 'wherry' } = {}) {
    this.#target = target;
    this.#clock = clock;
    this.#largestMessage = largestMessage;
    this.#userAgent = userAgent;
  }

  /** Rejects with GrpcError. */
  async call<R>(method: Method, request: object, options: CallOptions = {}): Promise<R> {
    let answer: Buffer | undefined;
    await this.#run(method, request, options, (message) => { answer = message; });
    if (!answer) throw new GrpcError(GrpcStatus.Internal, 'the answer holds no message');
    return method.responseDeserialize(answer) as R;
  }

  /** Calls a method that answers with many messages; resolves when the server ends them, rejects with GrpcError. */
  stream<R>(method: Method, request: object, options: CallOptions, onMessage: (message: R) => void): Promise<void> {
    return this.#run(method, request, options, (message) => onMessage(method.responseDeserialize(message) as R));
  }

  /** Connects now, and again whenever the connection breaks, and tells of each change. */
  followConnection(told: (isConnected: boolean) => void): void {
    this.#told = told;
    this.#connected();
  }

  #run({ path, requestSerialize }: Method, request: object, { timeoutMs, signal, headers }: CallOptions, onMessage: (message: Buffer) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      if (this.#ended) return reject(new GrpcError(GrpcStatus.Unavailable, 'the connection was closed here'));
      const framed = frame(requestSerialize(request));
      const session = this.#connected();
      const stream = session.request({
        ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', 'user-agent': this.#userAgent,
        ...(timeoutMs !== undefined && { 'grpc-timeout': `${Math.ceil(timeoutMs)}m` }), ...headers,
      });
      /** Why the call ends early, where it is for a reason of ours. */
      let stopped: unknown;
      const stop = (reason: unknown): void => {
        stopped ??= reason;
        stream.close(constants.NGHTTP2_CANCEL);
      };
      const timer = timeoutMs === undefined ? undefined : this.#clock.timer(timeoutMs, () => stop(new GrpcError(GrpcStatus.DeadlineExceeded, 'context deadline exceeded')));
      const onAbort = (): void => stop(signal!.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      let ended: IncomingHttpHeaders | undefined;
      let failure: Error | undefined;
      stream.on('response', (answered) => {
        if (answered['grpc-status'] !== undefined || answered[':status'] !== 200) ended = answered;
      });
      stream.on('trailers', (trailers) => { ended = trailers; });
      stream.on('data', messageReader(this.#largestMessage, (message) => {
        try {
          onMessage(message);
        } catch (error) {
          stop(error);
        }
      }, stop));
      stream.on('error', (error) => { failure = error; });
      stream.once('close', () => {
        timer?.[Symbol.dispose]();
        signal?.removeEventListener('abort', onAbort);
        const fault = stopped ?? faultOf(ended, session.destroyed ? undefined : stream.rstCode, failure);
        if (fault) reject(fault as Error);
        else resolve();
      });
      stream.end(framed);
    });
  }

  #connected(): ClientHttp2Session {
    if (this.#session && !this.#session.closed && !this.#session.destroyed) return this.#session;
    const session = connect('http://localhost', {
      createConnection: () => connectSocket(socketAddress(this.#target)), maxSessionMemory: 1_000, settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
    });
    // Each call that is under way is told by its own stream.
    session.on('error', () => undefined);
    session.once('connect', () => {
      session.setLocalWindowSize(WINDOW_BYTES);
      this.#told?.(true);
    });
    session.once('close', () => {
      if (this.#ended || !this.#told || this.#session !== session) return;
      this.#told(false);
      this.#again = this.#clock.timer(RECONNECT_MS, () => this.#connected());
    });
    this.#session = session;
    return session;
  }

  /** Ends what is under way. */
  [Symbol.dispose](): void {
    this.#ended = true;
    this.#again?.[Symbol.dispose]();
    this.#session?.destroy();
  }
}

/** `unix:PATH` or `HOST:PORT` as node:net takes it. */
function socketAddress(target: string): { path: string } | { host: string; port: number } {
  if (target.startsWith('unix:')) return { path: target.slice('unix:'.length).replace(/^\/\/(?=\/)/, '') };
  const { hostname, port } = new URL(`tcp://${target}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** `reset`: what the stream was closed with; undefined where the connection went. Answers undefined where the call is in order. */
function faultOf(ended: IncomingHttpHeaders | undefined, reset: number | undefined, failure: Error | undefined): GrpcError | undefined {
  if (ended?.['grpc-status'] !== undefined) {
    const code = Number(ended['grpc-status']);
    return code === 0 ? undefined : new GrpcError(code, unescaped(String(ended['grpc-message'] ?? '')));
  }
  const status = ended?.[':status'];
  if (status !== undefined) return new GrpcError(OF_HTTP[Number(status)] ?? GrpcStatus.Unknown, `the server answered with HTTP status ${String(status)}`);
  // Both may come as an error, too.
  const cause = failure && 'cause' in failure && failure.cause instanceof Error ? failure.cause : failure;
  if (!reset) return new GrpcError(GrpcStatus.Unavailable, cause?.message ?? 'the connection ended before the answer', { cause });
  return new GrpcError(OF_RESETS[reset] ?? GrpcStatus.Internal, cause?.message ?? `the server reset the call (${reset})`, { cause });
}

/** `grpc-message` has its bytes percent-encoded; what is not is left as it is. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
