import { systemClock } from '../../base/clock.ts';
import { GrpcConnection } from '../../base/grpc/connection.ts';
import { GrpcError, GrpcStatus } from '../../base/grpc/grpc-error.ts';
import { MessageTypes } from '../../base/grpc/message-types.ts';
import { service as grpcService } from '../../base/grpc/service.ts';

const types = new MessageTypes({ HealthCheckRequest: 'service=1:string', HealthCheckResponse: 'status=1:ServingStatus' }, { ServingStatus: 'UNKNOWN=0 SERVING=1 NOT_SERVING=2 SERVICE_UNKNOWN=3' });
const health = grpcService('grpc.health.v1.Health', types, { Check: { request: 'HealthCheckRequest', response: 'HealthCheckResponse' } });

/** Asks a gRPC server, `HOST:PORT`, for its health. Upstream: pkg/probe/grpc, same words. */
export async function grpcHealth(address: string, service: string, timeoutMs: number): Promise<string> {
  using connection = new GrpcConnection(address, systemClock, { userAgent: 'kube-probe/1.36' });
  try {
    return (await connection.call<{ status: string }>(health['Check']!, { service }, { timeoutMs })).status;
  } catch (error) {
    if (!(error instanceof GrpcError)) throw error;
    if (error.code === GrpcStatus.Unimplemented) throw new Error('this server does not implement the grpc health protocol (grpc.health.v1.Health)', { cause: error });
    if (error.code === GrpcStatus.DeadlineExceeded || error.code === GrpcStatus.Unavailable) throw new Error(`timeout: failed to connect service "${address}" within ${timeoutMs / 1000}s: ${error.details}`, { cause: error });
    throw new Error(`error: health rpc probe failed: ${error.details}`, { cause: error });
  }
}
