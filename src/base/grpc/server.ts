import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { frame, messageReader } from './framing.ts';
import { GrpcError, GrpcStatus } from './grpc-error.ts';
import type { Method, Service } from './service.ts';

/** One a method. Rejecting with GrpcError answers its code, anything else Unknown. */
export type Handlers = Readonly<Record<string, (request: any) => Promise<object> | object>>;

const LARGEST_MESSAGE = 4 * 2 ** 20;

/** A gRPC server whose methods answer once, without TLS, on a unix socket. */
export class GrpcServer implements AsyncDisposable {
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #methods = new Map<string, { readonly method: Method; readonly answer: (request: any) => Promise<object> | object }>();

  /** Every handler's method must be the service's. */
  constructor(service: Service, handlers: Handlers) {
    for (const [name, answer] of Object.entries(handlers)) this.#methods.set(service[name]!.path, { method: service[name]!, answer });
    this.#server = createServer();
    this.#server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
      // Who called has gone: there is nobody to tell.
      session.on('error', () => undefined);
    });
    this.#server.on('stream', (stream, headers) => this.#serve(stream, headers[':path'] ?? ''));
  }

  /** `onFault`: the socket cannot be listened on, now or later. */
  listen(path: string, onListening: () => void, onFault: (error: Error) => void): void {
    this.#server.on('error', onFault);
    this.#server.listen(path, onListening);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => { this.#server.close(() => resolve()); });
    for (const session of this.#sessions) session.destroy();
    await closed;
  }

  #serve(stream: ServerHttp2Stream, path: string): void {
    // Reset by who called.
    stream.on('error', () => undefined);
    let request: Buffer | undefined;
    const refuse = (fault: GrpcError): void => {
      if (stream.destroyed || stream.headersSent) return;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': fault.code, 'grpc-message': escaped(fault.details) }, { endStream: true });
    };
    stream.on('data', messageReader(LARGEST_MESSAGE, (message) => { request = message; }, refuse));
    stream.on('end', () => void this.#answer(path, request).then((answer) => {
      if (stream.destroyed || stream.headersSent) return;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': 0 }));
      stream.end(frame(answer));
    }, (error: unknown) => refuse(error instanceof GrpcError ? error : new GrpcError(GrpcStatus.Unknown, error instanceof Error ? error.message : String(error)))));
  }

  async #answer(path: string, request: Buffer | undefined): Promise<Buffer> {
    const known = this.#methods.get(path);
    if (!known) throw new GrpcError(GrpcStatus.Unimplemented, `unknown method ${path}`);
    if (!request) throw new GrpcError(GrpcStatus.Internal, 'the request holds no message');
    const { method: { requestDeserialize, responseSerialize }, answer } = known;
    return responseSerialize(await answer(requestDeserialize(request)));
  }
}

/** What is not printable ASCII, and the sign of escaping itself, percent-encoded. Upstream: gRPC over HTTP2, Status-Message. */
function escaped(text: string): string {
  return text.toWellFormed().replace(/[^ -$&-~]+/gu, encodeURIComponent);
}
