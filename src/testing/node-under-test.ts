import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { silentLog } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createInformerFactory } from '../client/informer-factory.ts';
import { startKubelet } from '../kubelet/kubelet.ts';
import type { Kubelet, KubeletOptions } from '../kubelet/options.ts';
import { SimulatedRuntime, type SimulatedRuntimeOptions } from '../sim/simulated-runtime.ts';
import { startTestApiServer } from './api-server.ts';
import { FakeClock } from './fake-clock.ts';

export const machineUnderTest: KubeletOptions['machine'] = async () => ({
  cpus: 4, memoryBytes: 8 * 2 ** 30, storageBytes: 100 * 2 ** 30, storageAvailableBytes: 90 * 2 ** 30, memoryAvailableBytes: 6 * 2 ** 30, machineId: 'm', systemUuid: 's', bootId: 'b',
  kernelVersion: '6.1.0', osImage: 'Debian', architecture: 'amd64',
});

export interface NodeUnderTest {
  readonly clock: FakeClock;
  readonly admin: Client;
  readonly runtime: SimulatedRuntime;
  readonly rootDir: string;
  /** Starts a kubelet of the node `boat`; the next one takes up what the one before left. */
  start(changes?: Partial<KubeletOptions>): Promise<{ readonly kubelet: Kubelet; stop(): Promise<void> }>;
}

/** An API server in memory, a simulated runtime and a stopped clock, all ended with the test. */
export async function nodeUnderTest(simulation: Partial<SimulatedRuntimeOptions> = {}): Promise<NodeUnderTest> {
  const clock = new FakeClock();
  const api = await startTestApiServer({ clock });
  onTestFinished(() => api[Symbol.asyncDispose]());
  const { admin } = api;
  const rootDir = mkdtempSync(join(tmpdir(), 'kubelet-'));
  onTestFinished(() => rmSync(rootDir, { recursive: true, force: true }));
  const random = seededRandom(7);
  const runtime = new SimulatedRuntime({ clock, random, podCidr: '10.244.1.0/24', hostAddress: '10.231.0.11', ...simulation });
  return {
    clock, admin, runtime, rootDir,
    async start(changes = {}) {
      const client = api.client({ name: 'system:node:boat', groups: ['system:nodes', 'system:authenticated'] }, 'kubelet');
      const informers = createInformerFactory({ client, clock, random, log: silentLog });
      const kubelet = await startKubelet({
        nodeName: 'boat', client, informers, runtime, clock, random, log: silentLog, rootDir, nodeAddress: '10.231.0.11', podCidr: '10.244.1.0/24', clusterDns: ['10.96.0.10'],
        clusterDomain: 'cluster.local', port: 10250, machine: machineUnderTest, cgroups: { version: 'none', remove: async () => undefined },
        probeNetwork: runtime.network, ...changes,
      });
      let over = false;
      const stop = async (): Promise<void> => {
        if (over) return;
        over = true;
        await kubelet[Symbol.asyncDispose]();
        await informers[Symbol.asyncDispose]();
      };
      onTestFinished(stop);
      return { kubelet, stop };
    },
  };
}
