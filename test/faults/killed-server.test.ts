// The server is killed at a random moment while a deployment grows and clients write. After `wherry start` every write that was
// acknowledged is there, nothing was made twice, and the deployment has all its pods.
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configMaps, deployments, pods, replicaSets } from '../../src/api/generated/resources.ts';
import type { ConfigMap, Pod } from '../../src/api/generated/core-v1.ts';
import { isReason } from '../../src/api/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { ConnectionError } from '../../src/client/connection-error.ts';
import type { Client } from '../../src/client/client.ts';
import { Profile } from '../../src/cluster/profile.ts';
import { findProcess } from '../../src/machine/index.ts';
import { ClusterUnderTest, eventually } from '../../src/testing/cluster-under-test.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const random = seededRandom(seed);
const namespace = 'default';
const labels = { test: 'true' };

/** Writes until the server is gone; what it acknowledged is in `acknowledged`, by name. */
async function writeUntilGone(client: Client, name: string, acknowledged: Map<string, ConfigMap>): Promise<void> {
  const noted = (configMap: ConfigMap): void => void acknowledged.set(configMap.metadata.name, configMap);
  try {
    let counter = await client.create(configMaps, { metadata: { name: `${name}-counter`, namespace, labels }, data: { count: '0' } });
    noted(counter);
    for (let i = 1; ; i++) {
      noted(await client.create(configMaps, { metadata: { name: `${name}-${i}`, namespace, labels }, data: { i: String(i) } }));
      counter = await client.update(configMaps, { ...counter, data: { count: String(i) } });
      noted(counter);
    }
  } catch (error) {
    // The connection broke: the fate of that one request is unknown, and every other was answered.
    if (!(error instanceof ConnectionError)) throw error;
  }
}

const revisionOf = (object: ConfigMap): number => Number(object.metadata.resourceVersion);
const ended = (pid: number): Promise<boolean> => eventually('the server is gone', async () => !existsSync(`/proc/${pid}`));

/** One life of the server, from a scale-out to the end of that scale-out after it was killed and started again. */
async function killInScaleOut(cluster: ClusterUnderTest, round: number, replicas: number, moment: number): Promise<void> {
  const acknowledged = new Map<string, ConfigMap>();
  using client = cluster.client();
  const { pid } = findProcess(new Profile(cluster.profile, cluster.dataDir).serverPidFile)!;
  const writers = [1, 2, 3].map((writer) => writeUntilGone(client, `round-${round}-${writer}`, acknowledged));
  await client.patch(deployments, { namespace, name: 'web' }, { type: 'application/merge-patch+json', body: { spec: { replicas } } });
  await new Promise((resolve) => setTimeout(resolve, moment));
  const before = await client.list(pods, { namespace });
  process.kill(pid, 'SIGKILL');
  await Promise.all([...writers, ended(pid)]);
  expect(acknowledged.size).toBeGreaterThan(0);

  await cluster.start();
  // The port is the same, and connections are made anew.
  const present = await client.list(configMaps, { namespace });
  const byName = new Map(present.items.map((configMap) => [configMap.metadata.name, configMap]));
  const newest = Math.max(...[...acknowledged.values()].map(revisionOf));
  expect(Number(present.metadata.resourceVersion)).toBeGreaterThanOrEqual(newest);
  for (const [name, wanted] of acknowledged) {
    const found = byName.get(name);
    expect(found?.metadata.uid, `${name} was acknowledged`).toBe(wanted.metadata.uid);
    // A later write of ours may have got there without an answer.
    expect(revisionOf(found!), name).toBeGreaterThanOrEqual(revisionOf(wanted));
    if (revisionOf(found!) === revisionOf(wanted)) expect({ metadata: found!.metadata, data: found!.data }).toEqual({ metadata: wanted.metadata, data: wanted.data });
  }
  const refused = await client.create(configMaps, { metadata: { name: `round-${round}-1-1`, namespace } }).then(() => undefined, (error: unknown) => error);
  if (acknowledged.has(`round-${round}-1-1`)) expect(isReason(refused, 'AlreadyExists')).toBe(true);

  await eventually(`the scale-out of round ${round} completes`, async () => {
    const { status } = await client.get(deployments, { namespace, name: 'web' });
    return status?.readyReplicas === replicas && status.replicas === replicas && status.updatedReplicas === replicas;
  }, 60_000);
  const after = (await client.list(pods, { namespace })).items;
  expect(after.length).toBe(replicas);
  // Had it made one too many, it would have taken one of these away again.
  const uids = new Set(after.map(uidOf));
  expect(before.items.filter((pod) => !uids.has(uidOf(pod))).map(nameOf), 'pods that were there are there still').toEqual([]);
  expect((await client.list(replicaSets, { namespace })).items.length).toBe(1);
  await client.deleteCollection(configMaps, { namespace, labelSelector: 'test' });
}

const uidOf = (pod: Pod): string => pod.metadata.uid;
const nameOf = (pod: Pod): string => pod.metadata.name;
const deployment = {
  metadata: { name: 'web', namespace },
  spec: {
    replicas: 1, selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image: 'msung99/maestro:0.1.0', imagePullPolicy: 'IfNotPresent' }] } },
  },
} as const;

describe(`killed at a random moment (SEED=${seed})`, () => {
  test('17 times with simulated nodes', async () => {
    await using cluster = new ClusterUnderTest('phoenix');
    await cluster.start('--runtime', 'simulated', '--nodes', '2');
    using client = cluster.client();
    await client.create(deployments, deployment);
    for (let round = 1; round <= 17; round++) await killInScaleOut(cluster, round, 1 + round * 3, random.next() * 700);
  }, 300_000);

  test.skipIf(process.getuid?.() !== 0)('3 times with real containers, which go on meanwhile', async () => {
    await using cluster = new ClusterUnderTest('phoenix');
    await cluster.start('--nodes', '2');
    await cluster.loadSampleImage();
    using client = cluster.client();
    await client.create(deployments, deployment);
    await eventually('the first pod is ready', async () => (await client.get(deployments, { namespace, name: 'web' })).status?.readyReplicas === 1);
    const containersOf = async (): Promise<Map<string, string | undefined>> => new Map((await client.list(pods, { namespace })).items.map((pod) => [uidOf(pod), pod.status?.containerStatuses?.[0]?.containerID]));
    for (let round = 1; round <= 3; round++) {
      const before = await containersOf();
      await killInScaleOut(cluster, round, 1 + round * 3, random.next() * 2_500);
      const after = await containersOf();
      for (const [uid, container] of before) expect(after.get(uid)).toBe(container);
    }
  }, 150_000);
});
