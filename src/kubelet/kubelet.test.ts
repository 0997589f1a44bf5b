import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configMaps, events, namespaces, nodes, pods } from '../api/generated/resources.ts';
import type { Pod, PodSpec } from '../api/generated/core-v1.ts';
import type { Client } from '../client/client.ts';
import type { FakeClock } from '../testing/fake-clock.ts';
import { defaultConfiguration } from './configuration.ts';
import { shutdownPeriods } from './node/shutdown.ts';
import { machineUnderTest, nodeUnderTest } from '../testing/node-under-test.ts';
import { breathe, busybox, createPod, until } from '../testing/pods-of-node.ts';

/** Files take real time: a long while passes in pieces, lest virtual time run away from them. */
async function pass(clock: FakeClock, milliseconds: number): Promise<void> {
  for (let left = milliseconds; left > 0; left -= 5000) {
    await clock.advance(Math.min(left, 5000));
    await breathe(1);
  }
}

async function told(admin: Client, name: string): Promise<string[]> {
  const { items } = await admin.list(events, { namespace: 'default' });
  return items.filter((e) => e.involvedObject.name === name).map((e) => `${e.type} ${e.reason}: ${e.message}`);
}

test('a node registers and becomes ready', async () => {
  const { admin, clock, start } = await nodeUnderTest();
  const { kubelet } = await start();
  await clock.advance(100);
  await kubelet.untilReady();
  const node = await admin.get(nodes, { name: 'boat' });
  expect(node.metadata.labels).toMatchObject({ 'kubernetes.io/hostname': 'boat', 'kubernetes.io/arch': 'amd64' });
  expect(node.status!.capacity).toMatchObject({ cpu: '4', memory: '8Gi', pods: '110' });
  expect(node.status!.nodeInfo).toMatchObject({ kubeletVersion: 'v1.36.0', containerRuntimeVersion: 'simulated://1.0.0' });
  expect(await admin.list(namespaces)).toBeDefined();
});

test('a node is ready whatever its runtime says of what it deprecates, and not before the network of the pods is', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest();
  const condition = (type: string, status: boolean) => ({ type, status, reason: 'Because', message: 'of it' });
  const says = (network: boolean) => { runtime.status = async () => ({ status: { conditions: [condition('RuntimeReady', true), condition('NetworkReady', network), condition('ContainerdHasNoDeprecationWarnings', false)] }, info: {} }); };
  const ready = async () => (await admin.get(nodes, { name: 'boat' })).status!.conditions!.find(({ type }) => type === 'Ready');
  says(false);
  const { kubelet } = await start();
  await clock.advance(100);
  expect(await ready()).toMatchObject({ status: 'False', message: 'container runtime network not ready: NetworkReady=false reason:Because message:of it' });
  says(true);
  await clock.advance(15_000);
  await kubelet.untilReady();
  expect(await ready()).toMatchObject({ status: 'True' });
});

test('a pod runs, and goes when it is deleted', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest({ pullMs: 1200 });
  await start();
  await createPod(admin, 'kubia', {});
  const running = await until(clock, admin, 'kubia', (pod) => pod?.status?.phase === 'Running');
  expect(running.status).toMatchObject({
    podIP: '10.244.1.2', hostIP: '10.231.0.11', qosClass: 'BestEffort', startTime: expect.any(String),
    containerStatuses: [{ name: 'main', ready: true, started: true, restartCount: 0, image: 'docker.io/library/busybox:1', state: { running: {} }, containerID: expect.stringMatching(/^containerd:\/\/\w{64}$/) }],
  });
  expect(Object.fromEntries(running.status!.conditions!.map((c) => [c.type, c.status]))).toEqual({
    PodReadyToStartContainers: 'True', Initialized: 'True', Ready: 'True', ContainersReady: 'True', PodScheduled: 'True',
  });
  await clock.advance(1000);
  expect(await told(admin, 'kubia')).toEqual(expect.arrayContaining([
    'Normal Pulling: Pulling image "busybox:1"', expect.stringMatching(/^Normal Pulled: Successfully pulled image "busybox:1" in 1.2s \(1.2s including waiting\). Image size: \d+ bytes.$/),
    'Normal Created: Container created', 'Normal Started: Container started',
  ]));
  await admin.delete(pods, { namespace: 'default', name: 'kubia' });
  await until(clock, admin, 'kubia', (pod) => pod === undefined);
  await expect.poll(() => runtime.listPodSandbox()).toEqual([]);
});

test('a pod that somebody else says has failed is ended, and stays failed', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest();
  await start();
  await createPod(admin, 'kubia', {});
  const running = await until(clock, admin, 'kubia', (pod) => pod?.status?.phase === 'Running');
  await admin.updateStatus(pods, { ...running, status: { ...running.status!, phase: 'Failed' } });
  const ended = await until(clock, admin, 'kubia', (pod) => pod?.status?.containerStatuses?.[0]?.state?.terminated !== undefined, 60_000);
  expect(ended.status!.phase).toBe('Failed');
  expect((await runtime.listContainers({})).filter(({ state }) => state === 'CONTAINER_RUNNING')).toEqual([]);
});

test('an image that cannot be pulled is tried again ever more seldom', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest();
  await start();
  await createPod(admin, 'wrong', { containers: [{ name: 'main', image: 'registry.invalid/none:1' }] });
  const reason = (pod: Pod | undefined): string | undefined => pod?.status?.containerStatuses?.[0]?.state?.waiting?.reason;
  await until(clock, admin, 'wrong', (pod) => reason(pod) === 'ErrImagePull');
  const waiting = await until(clock, admin, 'wrong', (pod) => reason(pod) === 'ImagePullBackOff');
  expect(waiting.status!.phase).toBe('Pending');
  expect(waiting.status!.containerStatuses![0]!.state!.waiting!.message).toMatch(/^Back-off pulling image "registry.invalid\/none:1": ErrImagePull: rpc error: code = Unknown desc = failed to pull/);
  for (const [index, seconds] of [10, 20, 40, 80, 160, 300, 300].entries()) {
    await expect.poll(async () => reason(await admin.get(pods, { namespace: 'default', name: 'wrong' })), { timeout: 10_000 }).toBe('ImagePullBackOff');
    expect(runtime.calls['pullImage']).toBe(index + 1);
    // Of the wait, ErrImagePull has shown for two seconds.
    await clock.advance(seconds * 1000 - 2000);
    await expect.poll(() => runtime.calls['pullImage'], { timeout: 10_000 }).toBe(index + 2);
    await expect.poll(async () => reason(await admin.get(pods, { namespace: 'default', name: 'wrong' })), { timeout: 10_000 }).toBe('ErrImagePull');
    await clock.advance(2000);
  }
});

test('a crashing container backs off, 10 s doubling to 5 min', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest();
  await start();
  await createPod(admin, 'crash', { containers: [busybox(['sh', '-c', 'exit 3'])] });
  const waiting = await until(clock, admin, 'crash', (pod) => pod?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff');
  expect(waiting.status!.containerStatuses![0]).toMatchObject({
    restartCount: 1, state: { waiting: { message: expect.stringMatching(/^back-off 10s restarting failed container=main pod=crash_default\(.+\)$/) } },
    lastState: { terminated: { exitCode: 3, reason: 'Error' } },
  });
  expect(waiting.status!.phase).toBe('Running');
  const waits = [[10, '10s'], [20, '20s'], [40, '40s'], [80, '1m20s'], [160, '2m40s'], [300, '5m0s'], [300, '5m0s']] as const;
  for (const [index, [seconds, shown]] of waits.entries()) {
    const crashed = async () => (await admin.get(pods, { namespace: 'default', name: 'crash' })).status!.containerStatuses![0]!;
    await expect.poll(async () => (await crashed()).state!.waiting?.message, { timeout: 10_000 }).toContain(`back-off ${shown} restarting`);
    // Shown in whole seconds.
    const endedMs = Date.parse((await crashed()).lastState!.terminated!.finishedAt!);
    await clock.advance(Math.max(0, endedMs + seconds * 1000 - 500 - clock.now()));
    expect(runtime.calls['startContainer']).toBe(index + 2);
    await clock.advance(1500);
    await expect.poll(() => runtime.calls['startContainer'], { timeout: 10_000 }).toBe(index + 3);
    await clock.advance(1);
  }
  await expect.poll(async () => (await runtime.listContainers()).length, { timeout: 10_000 }).toBe(2);
});

test('init containers run one after another, sidecars beside the others, and a job ends', async () => {
  const { admin, clock, start } = await nodeUnderTest();
  await start();
  await createPod(admin, 'job', {
    restartPolicy: 'Never',
    initContainers: [
      { ...busybox(['sh', '-c', 'sleep 2']), name: 'first' },
      { ...busybox(), name: 'sidecar', restartPolicy: 'Always' },
      { ...busybox(['sh', '-c', 'sleep 2']), name: 'second' },
    ],
    containers: [busybox(['sh', '-c', 'sleep 5; exit 0'])],
  });
  const early = await until(clock, admin, 'job', (pod) => pod?.status?.initContainerStatuses?.[0]?.state?.running);
  expect(early.status).toMatchObject({ phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }] });
  expect(early.status!.conditions).toContainEqual(expect.objectContaining({ type: 'Initialized', status: 'False', message: 'containers with incomplete status: [first sidecar second]' }));
  const running = await until(clock, admin, 'job', (pod) => pod?.status?.phase === 'Running');
  expect(running.status!.initContainerStatuses).toMatchObject([{ ready: true, state: { terminated: { exitCode: 0, reason: 'Completed' } } }, { ready: true, started: true, state: { running: {} } }, { ready: true }]);
  const done = await until(clock, admin, 'job', (pod) => pod?.status?.phase === 'Succeeded');
  expect(done.status!.podIP).toBe('10.244.1.2');
  await clock.advance(1000);
  const ended = await admin.get(pods, { namespace: 'default', name: 'job' });
  expect(ended.status!.initContainerStatuses![1]!.state!.terminated).toBeDefined();
  expect(ended.status!.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False', reason: 'PodCompleted' }));
});

test('a new kubelet takes up what runs, and starts nothing twice', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest();
  const first = await start();
  await createPod(admin, 'kubia', {});
  await createPod(admin, 'goes', {});
  const before = await until(clock, admin, 'kubia', (pod) => pod?.status?.phase === 'Running');
  await until(clock, admin, 'goes', (pod) => pod?.status?.phase === 'Running');
  await first.stop();
  await admin.delete(pods, { namespace: 'default', name: 'goes' }, { gracePeriodSeconds: 0 });
  const started = runtime.calls['startContainer'];
  await start();
  await clock.advance(5000);
  const after = await admin.get(pods, { namespace: 'default', name: 'kubia' });
  expect(after.status!.containerStatuses).toEqual(before.status!.containerStatuses);
  expect(runtime.calls['startContainer']).toBe(started);
  expect((await runtime.listPodSandbox()).map((s) => s.metadata.name)).toEqual(['kubia']);
});

test('an end that the runtime does not tell is noticed all the same', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest();
  const events = runtime.events.bind(runtime);
  runtime.events = async function* (signal) {
    for await (const event of events(signal)) if (event.type !== 'stopped') yield event;
  };
  await start();
  await createPod(admin, 'quiet', { restartPolicy: 'Never', containers: [busybox(['sleep', '5'])] });
  await until(clock, admin, 'quiet', (pod) => pod?.status?.phase === 'Running');
  await clock.advance(30_000);
  await until(clock, admin, 'quiet', (pod) => pod?.status?.phase === 'Succeeded');
});

test('while what the API forgot takes its time to end, pods go whole and others come', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest();
  const first = await start();
  for (const name of ['forgotten', 'going']) await createPod(admin, name, { terminationGracePeriodSeconds: 1 });
  for (const name of ['forgotten', 'going']) await until(clock, admin, name, (pod) => pod?.status?.phase === 'Running');
  await first.stop();
  await admin.delete(pods, { namespace: 'default', name: 'forgotten' }, { gracePeriodSeconds: 0 });
  await admin.delete(pods, { namespace: 'default', name: 'going' });
  const names = async (): Promise<string[]> => (await runtime.listPodSandbox()).map((s) => s.metadata.name).sort();
  const slow = (await runtime.listContainers()).find(({ labels }) => labels['io.kubernetes.pod.name'] === 'forgotten')!.id;
  const ended = Promise.withResolvers<void>();
  const stopContainer = runtime.stopContainer.bind(runtime);
  runtime.stopContainer = async (id, timeout) => {
    if (id === slow) await ended.promise;
    return stopContainer(id, timeout);
  };
  await start();
  await until(clock, admin, 'going', (pod) => pod === undefined);
  await createPod(admin, 'coming', {});
  await until(clock, admin, 'coming', (pod) => pod?.status?.phase === 'Running');
  await expect.poll(names).toEqual(['coming', 'forgotten']);
  ended.resolve();
  await expect.poll(names).toEqual(['coming']);
});

test('a failing liveness probe restarts, a readiness probe only withdraws', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest();
  await start();
  await createPod(admin, 'probed', {
    terminationGracePeriodSeconds: 1,
    containers: [{ ...busybox(), livenessProbe: { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 3 }, readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 } }],
  });
  const restarted = await until(clock, admin, 'probed', (pod) => pod?.status?.containerStatuses?.[0]?.restartCount === 1);
  expect(restarted.status!.containerStatuses![0]!.lastState!.terminated!.exitCode).toBe(143);
  await clock.advance(1000);
  expect(await told(admin, 'probed')).toContain('Normal Killing: Container main failed liveness probe, will be restarted');
  expect(runtime.calls['execSync']).toBeGreaterThan(3);
});

test('a readiness gate opens and closes, as often as its owner says', async () => {
  const { admin, clock, start } = await nodeUnderTest();
  await start();
  await createPod(admin, 'gated', { readinessGates: [{ conditionType: 'example.com/gate' }] });
  const isReady = (pod: Pod | undefined): string | undefined => pod?.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  await until(clock, admin, 'gated', (pod) => pod?.status?.phase === 'Running');
  for (const status of ['True', 'False', 'True', 'False']) {
    await admin.patch(pods, { namespace: 'default', name: 'gated' }, { type: 'application/strategic-merge-patch+json', body: { status: { conditions: [{ type: 'example.com/gate', status }] } } }, { subresource: 'status' });
    await until(clock, admin, 'gated', (pod) => isReady(pod) === status, 5_000);
  }
  await admin.patch(pods, { namespace: 'default', name: 'gated' }, { type: 'application/strategic-merge-patch+json', body: { status: { conditions: [{ type: 'example.com/gate', $patch: 'delete' }] } } }, { subresource: 'status' });
  await clock.advance(1000);
  const { status } = await until(clock, admin, 'gated', (pod) => isReady(pod) === 'False', 5_000);
  expect(status!.conditions!.map(({ type }) => type)).not.toContain('example.com/gate');
});

test('what the node cannot hold is refused', async () => {
  const { admin, clock, start } = await nodeUnderTest();
  await start();
  await createPod(admin, 'big', { containers: [{ ...busybox(), resources: { requests: { cpu: '5' } } }] });
  const refused = await until(clock, admin, 'big', (pod) => pod?.status?.phase === 'Failed');
  expect(refused.status).toMatchObject({ reason: 'OutOfcpu', message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 5000, used: 0, capacity: 4000" });
  await admin.delete(pods, { namespace: 'default', name: 'big' });
  await until(clock, admin, 'big', (pod) => pod === undefined);
});

test('an ephemeral container joins a running pod', async () => {
  const { admin, clock, start } = await nodeUnderTest();
  await start();
  await createPod(admin, 'host', {});
  await until(clock, admin, 'host', (pod) => pod?.status?.phase === 'Running');
  await admin.patch(pods, { namespace: 'default', name: 'host' }, { type: 'application/strategic-merge-patch+json', body: { spec: { ephemeralContainers: [{ name: 'debugger', image: 'busybox:1', command: ['sh', '-c', 'exit 2'] }] } } }, { subresource: 'ephemeralcontainers' });
  const joined = await until(clock, admin, 'host', (pod) => pod?.status?.ephemeralContainerStatuses?.[0]?.state?.terminated);
  expect(joined.status).toMatchObject({ phase: 'Running', ephemeralContainerStatuses: [{ name: 'debugger', restartCount: 0, state: { terminated: { exitCode: 2 } } }] });
});

test('a pod past its deadline fails, one deleted while its image is pulled goes at once', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest({ pullRules: [{ image: /slow/, takesMs: 600_000 }] });
  await start();
  await createPod(admin, 'late', { activeDeadlineSeconds: 5 });
  const failed = await until(clock, admin, 'late', (pod) => pod?.status?.phase === 'Failed');
  expect(failed.status).toMatchObject({ reason: 'DeadlineExceeded', containerStatuses: [{ state: { terminated: { exitCode: 143 } } }] });
  await createPod(admin, 'slow', { containers: [{ name: 'main', image: 'slow:1' }] });
  await until(clock, admin, 'slow', () => runtime.calls['pullImage'] === 2);
  await admin.delete(pods, { namespace: 'default', name: 'slow' });
  await until(clock, admin, 'slow', (pod) => pod === undefined, 1000);
});

test('a missing config map holds a container back until it is there, and its changes reach the volume', async () => {
  const { admin, clock, start, rootDir } = await nodeUnderTest();
  await start();
  const pod = await createPod(admin, 'needy', {
    volumes: [{ name: 'c', configMap: { name: 'settings', optional: true } }],
    containers: [{ ...busybox(), env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'settings', key: 'a' } } }], volumeMounts: [{ name: 'c', mountPath: '/c' }] }],
  });
  const waiting = await until(clock, admin, 'needy', (p) => p?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError');
  expect(waiting.status!.containerStatuses![0]!.state!.waiting!.message).toBe('configmap "settings" not found');
  const settings = await admin.create(configMaps, { metadata: { name: 'settings', namespace: 'default' }, data: { a: 'one' } });
  await until(clock, admin, 'needy', (p) => p?.status?.phase === 'Running', 5000);
  const file = join(rootDir, 'pods', pod.metadata.uid, 'volumes/kubernetes.io~configmap/c/a');
  await expect.poll(() => readFileSync(file, 'utf8')).toBe('one');
  await admin.update(configMaps, { ...settings, data: { a: 'two' } });
  await expect.poll(() => readFileSync(file, 'utf8')).toBe('two');
});

test('a node short of memory ends a pod and says so', async () => {
  const { admin, clock, start } = await nodeUnderTest();
  let memoryAvailableBytes = 2 ** 30;
  await start({ machine: async () => ({ ...await machineUnderTest(), memoryAvailableBytes }) });
  await createPod(admin, 'greedy', {});
  await until(clock, admin, 'greedy', (pod) => pod?.status?.phase === 'Running');
  memoryAvailableBytes = 2 ** 20;
  const evicted = await until(clock, admin, 'greedy', (pod) => pod?.status?.phase === 'Failed');
  expect(evicted.status).toMatchObject({ reason: 'Evicted', message: expect.stringMatching(/^The node was low on resource: memory\./) });
  expect(evicted.status!.conditions).toContainEqual(expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }));
  const pressure = async () => (await admin.get(nodes, { name: 'boat' })).status!.conditions!.find((c) => c.type === 'MemoryPressure')!.status;
  await expect.poll(pressure).toBe('True');
  memoryAvailableBytes = 2 ** 30;
  await pass(clock, 6 * 60_000);
  await expect.poll(pressure).toBe('False');
});

test('a list that the runtime made before a restart does not undo it', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest();
  await start();
  await createPod(admin, 'kubia', {});
  await until(clock, admin, 'kubia', (pod) => pod?.status?.phase === 'Running');
  const gate = Promise.withResolvers<void>();
  const list = runtime.listContainers.bind(runtime);
  let listing = false;
  runtime.listContainers = async () => {
    const before = await list();
    listing = true;
    await gate.promise;
    return before;
  };
  while (!listing) await pass(clock, 5000);
  runtime.crash('kubia/main', 1);
  await until(clock, admin, 'kubia', (pod) => pod?.status?.containerStatuses?.[0]?.restartCount === 1 && pod.status.containerStatuses[0].state?.running);
  gate.resolve();
  await pass(clock, 30_000);
  const { status } = await admin.get(pods, { namespace: 'default', name: 'kubia' });
  expect(status!.containerStatuses![0]).toMatchObject({ restartCount: 1, ready: true, state: { running: {} }, lastState: { terminated: { exitCode: 1 } } });
  expect(runtime.calls['startContainer']).toBe(2);
});

test('a preStop hook delays the end, sidecars end last, and a shorter grace period cuts both short', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest();
  await start();
  const spec: Partial<PodSpec> = {
    initContainers: [{ ...busybox(), name: 'side', restartPolicy: 'Always' }],
    containers: [{ ...busybox(), lifecycle: { preStop: { sleep: { seconds: 20 } } } }],
  };
  for (const name of ['patient', 'hasty']) {
    await createPod(admin, name, spec);
    await until(clock, admin, name, (pod) => pod?.status?.phase === 'Running');
    await admin.delete(pods, { namespace: 'default', name });
    await clock.advance(5000);
    const dying = await admin.get(pods, { namespace: 'default', name });
    expect(dying.metadata.deletionGracePeriodSeconds).toBe(30);
    expect([dying.status!.containerStatuses![0]!.state!.running, dying.status!.initContainerStatuses![0]!.state!.running]).toEqual([expect.anything(), expect.anything()]);
    if (name === 'patient') {
      await clock.advance(14_000);
      expect((await runtime.listContainers({ state: { state: 'CONTAINER_RUNNING' } })).length).toBe(2);
    } else await admin.delete(pods, { namespace: 'default', name }, { gracePeriodSeconds: 1 });
    await until(clock, admin, name, (pod) => pod === undefined, 2000);
  }
  expect(await told(admin, 'patient')).toEqual(expect.arrayContaining(['Normal Killing: Stopping container main', 'Normal Killing: Stopping container side']));
});

test('a pod that was removed by force goes all the same, and its name may be used again', async () => {
  const { admin, clock, start, runtime } = await nodeUnderTest();
  await start();
  await createPod(admin, 'kubia', {});
  const first = await until(clock, admin, 'kubia', (pod) => pod?.status?.phase === 'Running');
  await admin.delete(pods, { namespace: 'default', name: 'kubia' }, { gracePeriodSeconds: 0 });
  await createPod(admin, 'kubia', {});
  const second = await until(clock, admin, 'kubia', (pod) => pod?.status?.phase === 'Running');
  expect(second.metadata.uid).not.toBe(first.metadata.uid);
  await expect.poll(async () => {
    // The first may yet be ending.
    await clock.advance(100);
    return (await runtime.listPodSandbox()).map((s) => s.metadata.uid);
  }).toEqual([second.metadata.uid]);
});

test('a node that is shut down ends its pods by their priority, and takes no more', async () => {
  const { admin, clock, start } = await nodeUnderTest({ images: ['busybox:1'] });
  const { kubelet } = await start({ configuration: { ...defaultConfiguration, shutdown: shutdownPeriods(30, 10) } });
  await createPod(admin, 'app', { terminationGracePeriodSeconds: 60 });
  await createPod(admin, 'critical', { priorityClassName: 'system-node-critical' });
  for (const name of ['app', 'critical']) await until(clock, admin, name, (pod) => pod?.status?.phase === 'Running');
  const down = kubelet.shutDown();
  await createPod(admin, 'late', {});
  const app = await until(clock, admin, 'app', (pod) => pod?.status?.phase === 'Failed');
  const message = 'Pod was terminated in response to imminent node shutdown.';
  expect(app.status).toMatchObject({ reason: 'Terminated', message });
  expect(app.status!.conditions).toContainEqual(expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message }));
  const critical = await until(clock, admin, 'critical', (pod) => pod?.status?.phase === 'Failed');
  expect(critical.status!.reason).toBe('Terminated');
  await down;
  expect((await until(clock, admin, 'late', (pod) => pod?.status?.phase === 'Failed')).status).toMatchObject({ reason: 'NodeShutdown', message: 'Pod was rejected: Pod was rejected as the node is shutting down.' });
  expect((await admin.get(nodes, { name: 'boat' })).status!.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: 'node is shutting down' }));
});
