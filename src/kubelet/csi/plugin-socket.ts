import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { MethodDefinition, ServiceDefinition } from '@grpc/proto-loader';
import type { Clock } from '../../base/clock.ts';
import { toRuntimeError } from '../../cri/connect.ts';
import { RuntimeError } from '../../cri/runtime.ts';

/** Upstream: csiTimeout. */
const CALL_MS = 2 * 60_000;

/** One gRPC service behind a unix socket. Calls reject with a RuntimeError, whose message is the driver's own. */
export class PluginSocket implements Disposable {
  readonly #client: Client;
  readonly #service: ServiceDefinition;
  readonly #clock: Clock;

  constructor(path: string, service: ServiceDefinition, clock: Clock) {
    this.#client = new Client(`unix:${path}`, credentials.createInsecure(), { 'grpc.default_authority': 'localhost', 'grpc.enable_http_proxy': 0, 'grpc.service_config_disable_resolution': 1 });
    this.#service = service;
    this.#clock = clock;
  }

  call<R>(name: string, request: object, timeoutMs = CALL_MS): Promise<R> {
    const method = this.#service[name] as MethodDefinition<object, object>;
    return new Promise((resolve, reject) => {
      const running = this.#client.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, request, new Metadata(), (error, response) => {
        limit[Symbol.dispose]();
        if (error) reject(toRuntimeError(error));
        else resolve(response as R);
      });
      const limit = this.#clock.timer(timeoutMs, () => {
        running.cancel();
        reject(new RuntimeError('DeadlineExceeded', 'context deadline exceeded'));
      });
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
