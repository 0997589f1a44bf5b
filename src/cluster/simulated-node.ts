import { arch, hostname, release } from 'node:os';
import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import type { KeyPair } from '../base/certificates.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createInformerFactory } from '../client/informer-factory.ts';
import { defaultConfiguration, withinGrace } from '../kubelet/configuration.ts';
import { startKubelet } from '../kubelet/kubelet.ts';
import type { WorkSink } from '../ledger/entry.ts';
import type { Kubelet } from '../kubelet/options.ts';
import { SimulatedRuntime } from '../sim/simulated-runtime.ts';

export interface SimulatedNodeOptions {
  readonly name: string;
  /** Acts as `system:node:NAME`. */
  readonly client: Client;
  readonly podCidr: string;
  readonly dnsAddress: string;
  /** Absent: the node serves no logs and no exec. */
  readonly serving?: { readonly keyPair: KeyPair; readonly authority: string };
  /** Where the kubelet tells of its work; default nowhere. */
  readonly work?: WorkSink;
  /** Logs and volumes of its pods. */
  readonly folder: string;
  /** CPUs and bytes that the node says it has; default 8 and 16 GiB. */
  readonly cpus?: number;
  readonly memoryBytes?: number;
  /** After so long without a sign of life the node counts as dead. */
  readonly nodeGraceSeconds?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface SimulatedNode extends AsyncDisposable {
  readonly kubelet: Kubelet;
  readonly runtime: SimulatedRuntime;
}

const GIB = 1024 ** 3;

/** A node without containers: the real kubelet on the simulated runtime. Needs neither Linux nor root. */
export async function startSimulatedNode(options: SimulatedNodeOptions): Promise<SimulatedNode> {
  const { name, client, clock, random, log, folder, serving, podCidr, cpus = 8, memoryBytes = 16 * GIB } = options;
  await using onFailure = new AsyncDisposableStack();
  const stack = onFailure.use(new AsyncDisposableStack());
  const rootDir = join(folder, 'kubelet');
  mkdirSync(rootDir, { recursive: true });
  const runtime = stack.use(new SimulatedRuntime({ clock, random, podCidr, pullMs: 300 }));
  const informers = stack.use(createInformerFactory({ client, clock, random, log: log.child('informer') }));
  const kubelet = stack.use(await startKubelet({
    nodeName: name, client, informers, runtime, clock, random, log: log.child('kubelet'), rootDir, nodeAddress: '127.0.0.1', podCidr,
    clusterDns: [options.dnsAddress], clusterDomain: 'cluster.local', port: 0, listenAddress: '127.0.0.1',
    ...(serving && { servingKeyPair: serving.keyPair, clientAuthority: serving.authority }),
    machine: async () => ({
      cpus, memoryBytes, storageBytes: 100 * GIB, storageAvailableBytes: 90 * GIB, memoryAvailableBytes: memoryBytes, machineId: name, systemUuid: name, bootId: hostname(),
      kernelVersion: release(), osImage: 'simulated', architecture: arch() === 'x64' ? 'amd64' : arch(),
    }),
    probeNetwork: runtime.network, configuration: withinGrace(defaultConfiguration, options.nodeGraceSeconds), ...(options.work && { work: options.work }),
    containersReadFiles: false, cgroups: { version: 'none', remove: async () => { /* Simulated pods have no cgroups. */ } },
  }));
  await kubelet.untilReady();
  const running = stack.move();
  return { kubelet, runtime, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
