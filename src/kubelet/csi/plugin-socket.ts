import type { ServiceDefinition } from '@grpc/proto-loader';
import type { Clock } from '../../base/clock.ts';
import { GrpcSocket } from '../../base/grpc-socket.ts';
import { toRuntimeError } from '../../cri/connect.ts';

/** Upstream: csiTimeout. */
const CALL_MS = 2 * 60_000;

/** One gRPC service behind a unix socket. Calls reject with a RuntimeError, whose message is the driver's own. */
export class PluginSocket implements Disposable {
  readonly #socket: GrpcSocket;

  constructor(path: string, service: ServiceDefinition, clock: Clock) {
    this.#socket = new GrpcSocket(`unix:${path}`, service, clock);
  }

  async call<R>(name: string, request: object, timeoutMs = CALL_MS): Promise<R> {
    try {
      return await this.#socket.call<R>(name, request, timeoutMs);
    } catch (error) {
      throw toRuntimeError(error);
    }
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}
