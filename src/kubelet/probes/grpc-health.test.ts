import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { grpcHealth } from './grpc-health.ts';

/** A health service in raw bytes: request {1: service}, answer {1: status}. */
async function healthServer(answers: Record<string, number>): Promise<string> {
  const server = new Server();
  const bytes = { requestSerialize: Buffer.from, requestDeserialize: (b: Buffer) => b, responseSerialize: (b: Buffer) => b, responseDeserialize: (b: Buffer) => b } as never;
  server.addService({ Check: { path: '/grpc.health.v1.Health/Check', requestStream: false, responseStream: false, ...(bytes as object) } as never }, {
    Check: (call: { request: Buffer }, callback: (error: object | null, answer?: Buffer) => void) => {
      const answer = answers[call.request.subarray(2).toString()];
      if (answer === undefined) callback({ code: status.NOT_FOUND, details: 'unknown service' });
      else if (answer >= 0) callback(null, Buffer.from([8, answer]));
    },
  } as never);
  const port = await new Promise<number>((resolve, reject) => server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))));
  onTestFinished(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

test('asks a server for its health', async () => {
  const address = await healthServer({ '': 1, sick: 2, silent: -1 });
  expect(await grpcHealth(address, '', 1000)).toBe('SERVING');
  expect(await grpcHealth(address, 'sick', 1000)).toBe('NOT_SERVING');
  await expect(grpcHealth(address, 'none', 1000)).rejects.toThrow('error: health rpc probe failed: unknown service');
  await expect(grpcHealth(address, 'silent', 100)).rejects.toThrow(/^timeout: failed to connect service .* within 0.1s/);
  await expect(grpcHealth('127.0.0.1:1', '', 200)).rejects.toThrow(/^timeout: failed to connect service "127.0.0.1:1" within 0.2s/);
});
