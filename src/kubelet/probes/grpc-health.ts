import { Client, credentials, status as codes, type ServiceError } from '@grpc/grpc-js';
import { fromJSON, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';

let method: MethodDefinition<object, object> | undefined;

/** `grpc.health.v1.Health/Check`, as a table. */
function checkMethod(): MethodDefinition<object, object> {
  method ??= (fromJSON({
    nested: {
      grpc: {
        nested: {
          health: {
            nested: {
              v1: {
                nested: {
                  HealthCheckRequest: { fields: { service: { type: 'string', id: 1 } } },
                  HealthCheckResponse: {
                    fields: { status: { type: 'ServingStatus', id: 1 } },
                    nested: { ServingStatus: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } } },
                  },
                  Health: { methods: { Check: { requestType: 'HealthCheckRequest', responseType: 'HealthCheckResponse' } } },
                },
              },
            },
          },
        },
      },
    },
  } as Parameters<typeof fromJSON>[0], { enums: String, defaults: true })['grpc.health.v1.Health'] as ServiceDefinition)['Check'] as MethodDefinition<object, object>;
  return method;
}

/** Asks a gRPC server for its health. Upstream: pkg/probe/grpc, same words. */
export function grpcHealth(address: string, service: string, timeoutMs: number): Promise<string> {
  const check = checkMethod();
  const client = new Client(address, credentials.createInsecure(), { 'grpc.enable_http_proxy': 0, 'grpc.primary_user_agent': 'kube-probe/1.36' });
  const timeUp = AbortSignal.timeout(timeoutMs);
  return new Promise<string>((resolve, reject) => {
    const call = client.makeUnaryRequest(check.path, check.requestSerialize, check.responseDeserialize, { service }, (error: ServiceError | null, answer?: object) => {
      if (!error) return resolve((answer as { status: string }).status);
      if (error.code === codes.UNIMPLEMENTED) return reject(new Error('this server does not implement the grpc health protocol (grpc.health.v1.Health)'));
      if (timeUp.aborted || error.code === codes.UNAVAILABLE) return reject(new Error(`timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: ${error.details}`));
      reject(new Error(`error: health rpc probe failed: ${error.details}`));
    });
    timeUp.addEventListener('abort', () => call.cancel(), { once: true });
  }).finally(() => client.close());
}
