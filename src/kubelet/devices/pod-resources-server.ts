import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Pod } from '../../api/generated/core-v1.ts';
import { GrpcServer } from '../../base/grpc/server.ts';
import type { Log } from '../../base/log.ts';
import type { PodDevices } from './pod-devices.ts';
import { podResourcesService } from './pod-resources-protocol.ts';
import { podResources } from './pod-resources.ts';

export interface PodResourcesServerOptions {
  /** Of the socket. */
  readonly path: string;
  readonly devices: Pick<PodDevices, 'claimsOf'>;
  /** Those that are not over. */
  readonly pods: () => readonly Pod[];
  readonly log: Log;
}

/** Tells programs of the node (collectors of metrics) which pod has which devices, by gRPC on a socket. */
export class PodResourcesServer implements AsyncDisposable {
  readonly #options: PodResourcesServerOptions;
  readonly #server: GrpcServer;

  constructor(options: PodResourcesServerOptions) {
    const { pods, devices } = options;
    this.#options = options;
    this.#server = new GrpcServer(podResourcesService, {
      List: () => ({ podResources: pods().map((pod) => podResources(pod, devices)) }),
      GetAllocatableResources: () => ({}),
      Get: ({ podName, podNamespace }: { readonly podName: string; readonly podNamespace: string }) => {
        const pod = pods().find(({ metadata: { name, namespace } }) => name === podName && namespace === podNamespace);
        if (!pod) throw new Error(`pod ${podName} in namespace ${podNamespace} not found`);
        return { podResources: podResources(pod, devices) };
      },
    });
  }

  start(): void {
    const { path, log } = this.#options;
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    // Of a kubelet that was killed.
    rmSync(path, { force: true });
    this.#server.listen(path, () => chmodSync(path, 0o660), (error) => log.warn('the resources of pods are not told', { error }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}
