import { ClusterUnderTest } from '../../src/testing/cluster-under-test.ts';

/** Has a shell and serves HTTP. */
export const IMAGE = 'docker.io/wherry/sample:1';

/** A cluster with real containers in which a pod `web` runs, for clients to work with: the kubeconfig is at `env.KUBECONFIG`. */
export class ClientCluster extends ClusterUnderTest {
  static async start(profile: string): Promise<ClientCluster> {
    await using stack = new AsyncDisposableStack();
    const cluster = stack.use(new ClientCluster(profile));
    await cluster.start();
    await cluster.loadSampleImage(IMAGE);
    for (const words of [['run', 'web', `--image=${IMAGE}`, '--restart=Never'], ['wait', '--for=condition=Ready', 'pod/web', '--timeout=30s']]) {
      const { code, stderr } = await cluster.kubectl(...words);
      if (code !== 0) throw new Error(`kubectl ${words.join(' ')}: ${stderr}`);
    }
    // From here on it is the caller's.
    stack.move();
    return cluster;
  }
}
