import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClusterUnderTest } from '../../src/testing/cluster-under-test.ts';
import { imageArchive, sampleImage } from '../../src/testing/sample-image.ts';

/** Has a shell and serves HTTP. */
export const IMAGE = 'docker.io/wherry/sample:1';

/** A cluster with real containers in which a pod `web` runs, for clients to work with: the kubeconfig is at `env.KUBECONFIG`. */
export class ClientCluster extends ClusterUnderTest {
  static async start(profile: string): Promise<ClientCluster> {
    const cluster = new ClientCluster(profile);
    await cluster.start();
    const archive = join(cluster.folder, 'image.tar');
    writeFileSync(archive, await imageArchive(await sampleImage('1'), IMAGE));
    await cluster.must('image', await cluster.wherry('image load', archive));
    await cluster.must('pod', await cluster.kubectl('run', 'web', `--image=${IMAGE}`, '--restart=Never'));
    await cluster.must('pod', await cluster.kubectl('wait', '--for=condition=Ready', 'pod/web', '--timeout=30s'));
    return cluster;
  }

  async must(what: string, outcome: { readonly code: number; readonly stderr: string }): Promise<void> {
    if (outcome.code === 0) return;
    await this[Symbol.asyncDispose]();
    throw new Error(`${what}: ${outcome.stderr}`);
  }
}
