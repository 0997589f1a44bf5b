import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import type { MethodDefinition, ServiceDefinition } from '@grpc/proto-loader';
import type { Clock } from './clock.ts';

/** One gRPC service of a plugin of this machine. Connects when first used, and again when the connection breaks. */
export class GrpcSocket implements Disposable {
  readonly #client: Client;
  readonly #service: ServiceDefinition;
  readonly #clock: Clock;

  /** `target`: `unix:PATH` or `unix:///PATH`. */
  constructor(target: string, service: ServiceDefinition, clock: Clock) {
    this.#client = new Client(target, credentials.createInsecure(), { 'grpc.default_authority': 'localhost', 'grpc.enable_http_proxy': 0, 'grpc.service_config_disable_resolution': 1 });
    this.#service = service;
    this.#clock = clock;
  }

  /** Rejects with gRPC's ServiceError, also where the answer takes longer than `timeoutMs`. */
  call<R>(name: string, request: object, timeoutMs: number): Promise<R> {
    const method = this.#service[name] as MethodDefinition<object, object>;
    return new Promise((resolve, reject) => {
      const running = this.#client.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, request, new Metadata(), (error, response) => {
        limit[Symbol.dispose]();
        if (error) reject(error);
        else resolve(response as R);
      });
      const limit = this.#clock.timer(timeoutMs, () => {
        running.cancel();
        reject(deadlineExceeded());
      });
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

function deadlineExceeded(): ServiceError {
  const details = 'context deadline exceeded';
  return Object.assign(new Error(`${status.DEADLINE_EXCEEDED} DEADLINE_EXCEEDED: ${details}`), { code: status.DEADLINE_EXCEEDED, details, metadata: new Metadata() });
}
