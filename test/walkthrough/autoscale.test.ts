// The last line of the tutorial: kubectl autoscale adds and removes replicas from measured CPU use, on real containers.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClusterUnderTest, eventually, run, WHERRY } from '../../src/testing/cluster-under-test.ts';

const cluster = new ClusterUnderTest('autoscale');
const kubectl = async (...args: string[]): Promise<string> => {
  const outcome = await run([WHERRY, 'kubectl', ...args], { env: cluster.env });
  expect(outcome.code, outcome.stderr).toBe(0);
  return outcome.stdout;
};

beforeAll(async () => {
  await cluster.start();
  await cluster.loadSampleImage();
});
afterAll(async () => { await cluster[Symbol.asyncDispose](); });

test('replicas follow the CPU that pods use, up and down', async () => {
  const labels = { app: 'busy' };
  // Burns a tenth of a core until it is told to stop.
  const container = { name: 'c', image: 'msung99/maestro:0.1.0', command: ['sh', '-c', 'until [ -e /tmp/stop ]; do :; done; sleep 3600'], resources: { requests: { cpu: '50m' }, limits: { cpu: '100m' } } };
  const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'busy' }, spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 0, containers: [container] } } } };
  expect((await run([WHERRY, 'kubectl', 'create', '-f', '-'], { env: cluster.env, input: JSON.stringify(deployment) })).stdout).toBe('deployment.apps/busy created\n');
  expect(await kubectl('autoscale', 'deployment', 'busy', '--min=1', '--max=3', '--cpu-percent=50')).toBe('horizontalpodautoscaler.autoscaling/busy autoscaled\n');
  // Downwards upstream waits five minutes, lest replicas flap.
  await kubectl('patch', 'hpa', 'busy', '--type=merge', '-p', '{"spec":{"behavior":{"scaleDown":{"stabilizationWindowSeconds":0}}}}');
  await eventually('three replicas', async () => (await kubectl('get', 'deploy', 'busy', '-o', 'jsonpath={.spec.replicas} {.status.readyReplicas}')) === '3 3', 120_000);
  const pods = (await kubectl('get', 'pods', '-l', 'app=busy', '-o', 'name')).trim().split('\n');
  await Promise.all(pods.map((pod) => kubectl('exec', pod, '--', 'touch', '/tmp/stop')));
  await eventually('one replica', async () => (await kubectl('get', 'deploy', 'busy', '-o', 'jsonpath={.spec.replicas}')) === '1', 150_000);
}, 300_000);
