import { expect, test } from 'vitest';
import { pods } from '../../api/generated/resources.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { nodeUnderTest } from '../../testing/node-under-test.ts';

test('the end of one container has all of the pod begin anew, in the same sandbox', async () => {
  const { admin, clock, runtime, start } = await nodeUnderTest({ images: ['busybox:1'] });
  await start();
  const rules = [{ action: 'RestartAllContainers' as const, exitCodes: { operator: 'In' as const, values: [88] } }];
  await admin.create(pods, {
    metadata: { name: 'group', namespace: 'default' },
    spec: {
      nodeName: 'boat', automountServiceAccountToken: false, restartPolicy: 'Never', terminationGracePeriodSeconds: 1,
      initContainers: [{ name: 'init', image: 'busybox:1', command: ['sh', '-c', 'exit 0'] }],
      containers: [
        { name: 'app', image: 'busybox:1', command: ['sleep', 'infinity'] },
        { name: 'watcher', image: 'busybox:1', command: ['sh', '-c', 'sleep 20; exit 88'], restartPolicy: 'Never', restartPolicyRules: rules },
      ],
    },
  });
  const read = (): Promise<Pod> => admin.get(pods, { namespace: 'default', name: 'group' });
  const statusOf = (pod: Pod, name: string) => [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []].find((status) => status.name === name);
  const until = async (wanted: (pod: Pod) => unknown): Promise<Pod> => {
    let pod = await read();
    await expect.poll(async () => {
      await clock.advance(500);
      pod = await read();
      return Boolean(wanted(pod));
    }, { timeout: 20_000, interval: 5 }).toBe(true);
    return pod;
  };
  const first = await until((pod) => statusOf(pod, 'watcher')?.state?.running && statusOf(pod, 'app')?.state?.running);
  expect(first.status!.conditions).toContainEqual(expect.objectContaining({ type: 'AllContainersRestarting', status: 'False' }));
  const [sandbox] = await runtime.listPodSandbox();
  const second = await until((pod) => statusOf(pod, 'watcher')?.restartCount === 1 && statusOf(pod, 'watcher')?.state?.running && statusOf(pod, 'app')?.state?.running);
  expect(statusOf(second, 'app')).toMatchObject({ restartCount: 1, state: { running: {} } });
  expect(statusOf(second, 'init')).toMatchObject({ restartCount: 1, state: { terminated: { exitCode: 0 } } });
  expect(second.status).toMatchObject({ phase: 'Running', podIP: first.status!.podIP });
  expect((await runtime.listPodSandbox()).map(({ id }) => id)).toEqual([sandbox!.id]);
});
