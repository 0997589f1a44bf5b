// A cluster of its own for a benchmark: real containers, nothing leaves the machine, deleted at the end.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientOf } from '../src/cluster/cluster-client.ts';
import { groundOf } from '../src/cluster/launch.ts';
import { Profile } from '../src/cluster/profile.ts';
import { connectRuntime } from '../src/cri/connect.ts';
import type { CriRuntime, PodSandboxConfig } from '../src/cri/runtime.ts';
import { findRuntime } from '../src/machine/index.ts';
import { systemClock } from '../src/base/clock.ts';
import type { HttpClient } from '../src/client/http-client.ts';
import { ClusterUnderTest } from '../src/testing/cluster-under-test.ts';
import { imageArchive, sampleImage } from '../src/testing/sample-image.ts';

export const IMAGE = 'docker.io/msung99/maestro:0.1.0';

export class BenchCluster extends ClusterUnderTest {
  readonly #closing = new AsyncDisposableStack();

  /** Starts it and loads the sample image into every node. */
  static async start(nodes: number): Promise<BenchCluster> {
    const cluster = new BenchCluster('bench');
    await cluster.start('--nodes', String(nodes));
    const archive = join(cluster.folder, 'maestro.tar');
    writeFileSync(archive, await imageArchive(await sampleImage('0.1.0'), IMAGE));
    const loaded = await cluster.wherry('image', 'load', archive);
    if (loaded.code !== 0) throw new Error(loaded.stderr);
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
  }
}

let serial = 0;

/** RunPodSandbox, CreateContainer and StartContainer with nothing around them. Resolves to how to end the pod. */
export async function barePod(runtime: CriRuntime, folder: string): Promise<() => Promise<void>> {
  const name = `bare-${serial++}`;
  const sandbox: PodSandboxConfig = {
    metadata: { name, uid: `${name}-uid`, namespace: 'bench', attempt: 0 }, hostname: name, logDirectory: join(folder, name),
    labels: {}, annotations: {}, linux: { cgroupParent: `/wherry-bench/${name}` },
  };
  const id = await runtime.runPodSandbox(sandbox);
  const container = await runtime.createContainer(id, { metadata: { name: 'maestro', attempt: 0 }, image: { image: IMAGE }, logPath: 'maestro.log', linux: {} }, sandbox);
  await runtime.startContainer(container);
  return async () => {
    await runtime.stopPodSandbox(id);
    await runtime.removePodSandbox(id);
  };
}
