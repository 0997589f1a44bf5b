import type { Clock } from '../../base/clock.ts';
import { GrpcConnection } from '../../base/grpc/connection.ts';
import type { Service } from '../../base/grpc/service.ts';
import { toRuntimeError } from '../../cri/connect.ts';

/** Upstream: csiTimeout. */
const CALL_MS = 2 * 60_000;

/** One gRPC service behind a unix socket. Calls reject with a RuntimeError, whose message is the driver's own. */
export class PluginSocket implements Disposable {
  readonly #connection: GrpcConnection;
  readonly #service: Service;

  constructor(path: string, service: Service, clock: Clock) {
    this.#connection = new GrpcConnection(`unix:${path}`, clock);
    this.#service = service;
  }

  async call<R>(name: string, request: object, timeoutMs = CALL_MS): Promise<R> {
    try {
      return await this.#connection.call<R>(this.#service[name]!, request, { timeoutMs });
    } catch (error) {
      throw toRuntimeError(error);
    }
  }

  /** Calls a method that answers with many messages; resolves when the plugin ends them. Rejects with a RuntimeError, or with the signal's reason. */
  async stream<R>(name: string, request: object, signal: AbortSignal, onMessage: (message: R) => void): Promise<void> {
    try {
      await this.#connection.stream<R>(this.#service[name]!, request, { signal }, onMessage);
    } catch (error) {
      throw signal.aborted ? error : toRuntimeError(error);
    }
  }

  /** Connects now, and again whenever the connection breaks, and tells of each change. */
  followConnection(told: (isConnected: boolean) => void): void {
    this.#connection.followConnection(told);
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}
