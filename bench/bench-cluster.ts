// A cluster of its own for a benchmark: real containers, nothing leaves the machine, deleted at the end.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pod } from '../src/api/generated/core-v1.ts';
import { clientOf } from '../src/cluster/cluster-client.ts';
import { groundOf } from '../src/cluster/launch.ts';
import { Profile } from '../src/cluster/profile.ts';
import { connectRuntime } from '../src/cri/connect.ts';
import type { ContainerConfig, CriRuntime, PodSandboxConfig } from '../src/cri/runtime.ts';
import { containerConfig } from '../src/kubelet/container/container-config.ts';
import { sandboxConfig } from '../src/kubelet/container/sandbox-config.ts';
import { cgroupMode, findRuntime, removeCgroup } from '../src/machine/index.ts';
import { systemClock } from '../src/base/clock.ts';
import type { HttpClient } from '../src/client/http-client.ts';
import { ClusterUnderTest } from '../src/testing/cluster-under-test.ts';

/** Of the pods that no kubelet keeps. */
const BARE_CGROUP = '/wherry-bench';

export const IMAGE = 'docker.io/msung99/maestro:0.1.0';

export class BenchCluster extends ClusterUnderTest {
  readonly #closing = new AsyncDisposableStack();

  /** Starts it and loads the sample image into every node. */
  static async start(nodes: number): Promise<BenchCluster> {
    const cluster = new BenchCluster('bench');
    await cluster.start('--nodes', String(nodes));
    await cluster.loadSampleImage(IMAGE);
    return cluster;
  }

  override client(): HttpClient {
    const profile = new Profile(this.profile, this.dataDir);
    return this.#closing.use(clientOf(profile, profile.mustRead()));
  }

  /** The containerd of a node, spoken to directly, as the floor under every pod. */
  runtime(index = 0): CriRuntime {
    const profile = new Profile(this.profile, this.dataDir);
    const config = profile.mustRead();
    const ground = groundOf(profile, config, config.nodes[index]!);
    return this.#closing.use(connectRuntime(findRuntime(ground, { clock: systemClock })!.socket, systemClock));
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#closing.disposeAsync();
    await super[Symbol.asyncDispose]();
    // containerd leaves the parents that it was told to use.
    await removeCgroup(BARE_CGROUP, { clock: systemClock });
  }
}

let serial = 0;

/** RunPodSandbox, CreateContainer and StartContainer with nothing around them, asking for as little as there is. Resolves to how to end the pod. */
export async function barePod(runtime: CriRuntime, folder: string): Promise<() => Promise<void>> {
  const name = `bare-${serial++}`;
  const sandbox: PodSandboxConfig = {
    metadata: { name, uid: `${name}-uid`, namespace: 'bench', attempt: 0 }, hostname: name, logDirectory: join(folder, name),
    labels: {}, annotations: {}, linux: { cgroupParent: `${BARE_CGROUP}/${name}` },
  };
  return startBare(runtime, sandbox, { metadata: { name: 'maestro', attempt: 0 }, image: { image: IMAGE }, logPath: 'maestro.log', linux: {} });
}

/** The same three calls with what the kubelet asks for: `like` is a pod as the API holds it; cgroups, DNS, variables and mounts are of the same kind. */
export async function samePod(runtime: CriRuntime, folder: string, like: Pod): Promise<() => Promise<void>> {
  const name = `bare-${serial++}`;
  const pod: Pod = { ...like, metadata: { ...like.metadata, name, uid: `${name}-uid`, namespace: 'bench' } };
  const sandbox = sandboxConfig(pod, 0, {
    dns: { clusterDns: ['10.96.0.10'], clusterDomain: 'cluster.local', host: { servers: [], searches: [], options: [] } }, podLogsDir: join(folder, 'bare-logs'), cgroupRoot: BARE_CGROUP,
  });
  const own = join(folder, name);
  mkdirSync(join(own, 'token'), { recursive: true });
  mkdirSync(join(sandbox.logDirectory!, 'maestro'), { recursive: true });
  for (const file of ['hosts', 'message']) writeFileSync(join(own, file), '');
  const mount = (containerPath: string, file: string, readonly = false) => ({ containerPath, hostPath: join(own, file), readonly });
  return startBare(runtime, sandbox, containerConfig({
    pod, container: pod.spec.containers[0]!, restartCount: 0, image: (await runtime.imageStatus({ image: IMAGE }))!, memoryCapacity: 2 ** 33, cgroupVersion: cgroupMode() === 'v2' ? 'v2' : 'v1',
    environment: Object.fromEntries(['SERVICE_HOST', 'SERVICE_PORT', 'SERVICE_PORT_HTTPS', 'PORT', 'PORT_443_TCP', 'PORT_443_TCP_PROTO', 'PORT_443_TCP_PORT', 'PORT_443_TCP_ADDR'].map((key) => [`KUBERNETES_${key}`, '10.96.0.1'])),
    mounts: [mount('/var/run/secrets/kubernetes.io/serviceaccount', 'token', true), mount('/etc/hosts', 'hosts'), mount('/dev/termination-log', 'message')],
  }));
}

async function startBare(runtime: CriRuntime, sandbox: PodSandboxConfig, config: ContainerConfig): Promise<() => Promise<void>> {
  const id = await runtime.runPodSandbox(sandbox);
  const container = await runtime.createContainer(id, config, sandbox);
  await runtime.startContainer(container);
  return async () => {
    await runtime.stopPodSandbox(id);
    await runtime.removePodSandbox(id);
  };
}
