// What a node does for pods, seen from inside their containers: one cluster, one pod a matter. What the conformance tests look at is not repeated here.
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Container, Pod, PodSpec } from '../../src/api/generated/core-v1.ts';
import { deviceClasses, events, persistentVolumeClaims, persistentVolumes, pods, resourceClaims, resourceSlices, resourceClaimTemplates, runtimeClasses } from '../../src/api/generated/resources.ts';
import type { HttpClient } from '../../src/client/http-client.ts';
import { ClusterUnderTest, eventually, run } from '../../src/testing/cluster-under-test.ts';
import { startDeviceDriver } from '../../src/testing/device-driver.ts';
import { MachineSnapshot } from '../../src/testing/machine-snapshot.ts';

const namespace = 'default';
const image = 'msung99/maestro:0.1.0';
const cluster = new ClusterUnderTest('anvil');
let before: MachineSnapshot;
let client: HttpClient;

beforeAll(async () => {
  before = new MachineSnapshot(cluster.folder);
  await cluster.start();
  // Settings are read when the node process starts.
  writeFileSync(join(cluster.dataDir, 'nodes/anvil/kubelet.yaml'), 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nallowedUnsafeSysctls: [kernel.msgmax]\n');
  const { pid } = (await cluster.status()).nodes[0]!;
  process.kill(pid!, 'SIGTERM');
  await eventually('the node process has ended', async () => !existsSync(`/proc/${pid}`));
  await cluster.start();
  await cluster.loadSampleImage();
  client = cluster.client();
}, 120_000);

afterAll(async () => {
  client[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
  expect(new MachineSnapshot(cluster.folder).changesSince(before)).toEqual([]);
}, 60_000);

const shell = (name: string, script: string, more: Partial<Container> = {}): Container => ({ name, image, command: ['sh', '-c', script], ...more });
const create = (name: string, spec: Partial<PodSpec>): Promise<Pod> => client.create(pods, { metadata: { name, namespace }, spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, containers: [], ...spec } });
const read = (name: string): Promise<Pod> => client.get(pods, { namespace, name });
const logs = async (name: string, container?: string): Promise<string> => (await cluster.kubectl('logs', name, ...(container ? ['-c', container] : []))).stdout;
const reach = (name: string, phase: string): Promise<Pod> => eventually(`the pod ${name} is ${phase}`, async () => {
  const pod = await read(name);
  if (pod.status?.phase !== phase) throw new Error(JSON.stringify(pod.status?.containerStatuses?.map(({ state }) => state)));
  return pod;
});
const told = async (name: string, reason: string): Promise<string> => eventually(`the event ${reason} of ${name}`, async () => (await client.list(events, { namespace })).items.find((event) => event.involvedObject.name === name && event.reason === reason)?.message);
/** In the node's mount namespace. */
const inNode = async (...argv: string[]): Promise<string> => (await run(['nsenter', `--mount=${cluster.dataDir}/run/anvil.mnt`, '--', ...argv])).stdout;

test('an image is a volume: read-only, gone with the pod', async () => {
  await create('picture', {
    containers: [shell('main', 'cat /image/etc/passwd | head -1; ls /etc-of-it; touch /image/x 2>&1; sleep 1000', { volumeMounts: [{ name: 'image', mountPath: '/image' }, { name: 'image', mountPath: '/etc-of-it', subPath: 'etc' }] })],
    volumes: [{ name: 'image', image: { reference: image, pullPolicy: 'IfNotPresent' } }],
  });
  await reach('picture', 'Running');
  await eventually('it has tried all', async () => (await logs('picture')).split('\n').length >= 4);
  expect(await logs('picture')).toMatch(/^root:x:0:0:[^\n]*\ngroup\npasswd\n[^\n]*Read-only file system\n/);
  await client.delete(pods, { namespace, name: 'picture' });
  await eventually('the pod is gone', async () => (await client.list(pods, { namespace })).items.length === 0);
  expect(await inNode('cat', '/proc/self/mountinfo')).not.toContain('kubernetes.io~image');
}, 60_000);

test('variables from a file, volumes in memory, sub-paths by name, and what the pod says of itself', async () => {
  await create('self', {
    initContainers: [shell('init', "echo \"GREETING='hello'\" > /config/env", { volumeMounts: [{ name: 'config', mountPath: '/config' }] })],
    containers: [shell('main', 'echo $GREETING $LIMIT; df -k /memory | tail -1; touch /named/here; ls /all/self', {
      env: [
        { name: 'GREETING', valueFrom: { fileKeyRef: { volumeName: 'config', path: 'env', key: 'GREETING' } } }, { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
        { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ],
      resources: { limits: { memory: '64Mi' } },
      volumeMounts: [{ name: 'memory', mountPath: '/memory' }, { name: 'data', mountPath: '/named', subPathExpr: '$(NAME)' }, { name: 'data', mountPath: '/all' }],
    })],
    volumes: [{ name: 'config', emptyDir: {} }, { name: 'memory', emptyDir: { medium: 'Memory' } }, { name: 'data', emptyDir: {} }],
  });
  await reach('self', 'Succeeded');
  const [greeting, memory, named] = (await logs('self')).split('\n');
  expect(greeting).toBe('hello 64');
  // No more than the pod may have at all.
  expect(memory).toMatch(/^tmpfs\s+65536\s/);
  expect(named).toBe('here');
}, 60_000);

test('what one container mounts another sees, where both ask for it', async () => {
  await create('propagation', {
    containers: [
      // In the order of their start: a mount that is there already would be copied.
      shell('other', 'until test -f /shared/done; do sleep 0.1; done; echo "<$(ls /shared/inner)>"; sleep 1000', { volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }),
      shell('taker', 'until test -f /shared/done; do sleep 0.1; done; ls /shared/inner; sleep 1000', { volumeMounts: [{ name: 'shared', mountPath: '/shared', mountPropagation: 'HostToContainer' }] }),
      shell('giver', 'mkdir /shared/inner; mount -t tmpfs none /shared/inner; touch /shared/inner/seen; touch /shared/done; sleep 1000', { securityContext: { privileged: true }, volumeMounts: [{ name: 'shared', mountPath: '/shared', mountPropagation: 'Bidirectional' }] }),
    ],
    volumes: [{ name: 'shared', emptyDir: {} }],
  });
  await eventually('the taker sees it', async () => await logs('propagation', 'taker') === 'seen\n');
  await eventually('the other does not', async () => await logs('propagation', 'other') === '<>\n');
  await client.delete(pods, { namespace, name: 'propagation' });
  await eventually('the pod is gone', async () => !(await client.list(pods, { namespace })).items.some(({ metadata }) => metadata.name === 'propagation'));
  await eventually('nothing of it stays mounted', async () => !(await inNode('cat', '/proc/self/mountinfo')).includes('/volumes/kubernetes.io~empty-dir/shared'));
}, 60_000);

test('a block device of a local volume reaches the container as a device', async ({ skip }) => {
  const file = join(cluster.folder, 'disk');
  writeFileSync(file, Buffer.alloc(1 << 20, 'block'));
  const loop = await run(['losetup', '--find', '--show', file]);
  if (loop.code !== 0) return skip('this machine has no loop devices');
  const device = loop.stdout.trim();
  try {
    const affinity = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['anvil'] }] }] } };
    await client.create(persistentVolumes, {
      metadata: { name: 'block' },
      spec: { capacity: { storage: '1Mi' }, accessModes: ['ReadWriteOnce'], volumeMode: 'Block', storageClassName: 'none', persistentVolumeReclaimPolicy: 'Retain', local: { path: device }, nodeAffinity: affinity },
    });
    await client.create(persistentVolumeClaims, { metadata: { name: 'block', namespace }, spec: { accessModes: ['ReadWriteOnce'], volumeMode: 'Block', storageClassName: 'none', resources: { requests: { storage: '1Mi' } } } });
    await create('block', { containers: [shell('main', 'test -b /dev/disk && head -c 10 /dev/disk', { volumeDevices: [{ name: 'disk', devicePath: '/dev/disk' }] })], volumes: [{ name: 'disk', persistentVolumeClaim: { claimName: 'block' } }] });
    await reach('block', 'Succeeded');
    expect(await logs('block')).toBe('blockblock');
    await create('wrong', { containers: [shell('main', 'true', { volumeMounts: [{ name: 'disk', mountPath: '/disk' }] })], volumes: [{ name: 'disk', persistentVolumeClaim: { claimName: 'block' } }] });
    await eventually('the pod waits', async () => (await read('wrong')).status?.containerStatuses?.[0]?.state?.waiting?.message === 'volume disk has volumeMode Block, but is specified in volumeMounts');
    await client.delete(pods, { namespace, name: 'wrong' });
  } finally {
    await run(['losetup', '--detach', device]);
  }
}, 60_000);

test('sidecars end last, in the opposite order of their start; hooks run, words stay', async () => {
  const sidecar = (name: string): Container => shell(name, `trap 'echo ${name} >> /order/log; exit 0' TERM; touch /order/${name}; while true; do sleep 0.1; done`, { restartPolicy: 'Always', volumeMounts: [{ name: 'order', mountPath: '/order' }], startupProbe: { exec: { command: ['test', '-f', `/order/${name}`] }, periodSeconds: 1 } });
  await create('order', {
    terminationGracePeriodSeconds: 20, initContainers: [sidecar('first'), sidecar('second')],
    containers: [shell('main', "trap 'echo main >> /order/log; echo last words > /dev/termination-log; exit 3' TERM; while true; do sleep 0.1; done", {
      volumeMounts: [{ name: 'order', mountPath: '/order' }], lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo hook >> /order/log'] } } },
    })],
    volumes: [{ name: 'order', hostPath: { path: join(cluster.folder, 'order'), type: 'DirectoryOrCreate' } }],
  });
  await reach('order', 'Running');
  await eventually('all have started', async () => readdirSync(join(cluster.folder, 'order')).length === 2 && (await read('order')).status?.containerStatuses?.[0]?.ready);
  const { metadata } = await client.update(pods, { ...await read('order'), metadata: { ...(await read('order')).metadata, finalizers: ['example.test/keep'] } });
  await client.delete(pods, { namespace, name: 'order' });
  const ended = await eventually('all have ended', async () => {
    const pod = await read('order');
    return pod.status?.initContainerStatuses?.every(({ state }) => state?.terminated) && pod.status.containerStatuses?.[0]?.state?.terminated && pod;
  });
  expect((await run(['cat', join(cluster.folder, 'order/log')])).stdout).toBe('hook\nmain\nsecond\nfirst\n');
  expect(ended.status!.containerStatuses![0]!.state!.terminated).toMatchObject({ exitCode: 3, message: 'last words\n' });
  await client.patch(pods, { namespace, name: metadata.name }, { type: 'application/merge-patch+json', body: { metadata: { finalizers: null } } });
}, 60_000);

test('restart rules: again for one exit code, all anew for another', async () => {
  await create('rules', {
    containers: [
      shell('again', 'if test -f /state/again; then sleep 1000; fi; touch /state/again; exit 42', { restartPolicy: 'Never', restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }], volumeMounts: [{ name: 'state', mountPath: '/state' }] }),
      shell('watcher', 'if test -f /state/all; then sleep 1000; fi; until test -f /state/again; do sleep 0.1; done; sleep 2; touch /state/all; exit 88', { restartPolicy: 'Never', restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [88] } }], volumeMounts: [{ name: 'state', mountPath: '/state' }] }),
    ],
    volumes: [{ name: 'state', emptyDir: {} }],
  });
  const pod = await eventually('all have begun anew', async () => {
    const found = await read('rules');
    const statuses = found.status?.containerStatuses ?? [];
    return statuses.length === 2 && statuses.every(({ state }) => state?.running) && statuses.find(({ name }) => name === 'watcher')?.restartCount === 1 && found;
  });
  expect(pod.status!.containerStatuses!.find(({ name }) => name === 'again')!.restartCount).toBe(2);
  expect(pod.status!.conditions).toContainEqual(expect.objectContaining({ type: 'AllContainersRestarting', status: 'False' }));
}, 60_000);

test('a manifest in the node\'s folder is a pod; its mirror may be deleted for nothing', async () => {
  const file = join(cluster.dataDir, 'nodes/anvil/manifests/web.yaml');
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { terminationGracePeriodSeconds: 0, containers: [shell('main', 'sleep 1000')] } }));
  const first = await reach('web-anvil', 'Running').catch(() => reach('web-anvil', 'Running'));
  await client.delete(pods, { namespace, name: 'web-anvil' });
  const second = await eventually('it is back', async () => {
    const pod = await read('web-anvil');
    return pod.metadata.uid !== first.metadata.uid && pod.status?.phase === 'Running' && pod;
  });
  expect(second.status!.containerStatuses![0]!.containerID).toBe(first.status!.containerStatuses![0]!.containerID);
  expect(await cluster.kubectl('exec', 'web-anvil', '--', 'hostname')).toMatchObject({ code: 0, stdout: 'web-anvil\n' });
  rmSync(file);
  await eventually('it is gone', async () => !(await client.list(pods, { namespace })).items.some(({ metadata }) => metadata.name === 'web-anvil'));
}, 60_000);

test('limits of what is written are kept', async () => {
  await create('writer', {
    containers: [shell('main', 'dd if=/dev/zero of=/data/file bs=1024 count=3000; sleep 1000', { volumeMounts: [{ name: 'data', mountPath: '/data' }] })], volumes: [{ name: 'data', emptyDir: { sizeLimit: '1Mi' } }],
  });
  expect((await reach('writer', 'Failed')).status).toMatchObject({ reason: 'Evicted', message: 'Usage of EmptyDir volume "data" exceeds the limit "1Mi". ' });
}, 60_000);

test('runtime classes choose the runtime; what the node cannot do it refuses, and says so', async () => {
  await client.create(runtimeClasses, { metadata: { name: 'tested' }, handler: 'test-handler' });
  await create('classed', { runtimeClassName: 'tested', containers: [shell('main', 'true')] });
  await reach('classed', 'Succeeded');
  await create('sysctls', { securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '9000' }, { name: 'net.ipv4.tcp_syncookies', value: '0' }] }, containers: [shell('main', 'cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/tcp_syncookies')] });
  await reach('sysctls', 'Succeeded');
  expect(await logs('sysctls')).toBe('9000\n0\n');
  await create('unsafe', { securityContext: { sysctls: [{ name: 'kernel.shmmax', value: '9000' }] }, containers: [shell('main', 'true')] });
  expect((await reach('unsafe', 'Failed')).status).toMatchObject({ reason: 'SysctlForbidden' });
  await create('strict', { securityContext: { supplementalGroupsPolicy: 'Strict' }, containers: [shell('main', 'true')] });
  const refusal = (await read('strict')).status?.phase === 'Succeeded' ? undefined : await eventually('the pod is refused or runs', async () => {
    const { status } = await read('strict');
    return (status?.phase === 'Failed' || status?.phase === 'Succeeded') && status;
  });
  if (refusal?.phase === 'Failed') expect(refusal).toMatchObject({ reason: 'SupplementalGroupsPolicyNotSupported' });
  await create('userns', { hostUsers: false, containers: [shell('main', 'true')] });
  expect(await told('userns', 'FailedCreatePodSandBox')).toBe('Failed to create pod sandbox: can\'t set `spec.hostUsers: false`, runtime does not support user namespaces');
  await create('recursive', { containers: [shell('main', 'true', { volumeMounts: [{ name: 'data', mountPath: '/data', readOnly: true, recursiveReadOnly: 'Enabled' }] })], volumes: [{ name: 'data', emptyDir: {} }] });
  await eventually('the pod waits', async () => /requested recursive read-only mode, but it is not supported by the runtime/.test((await read('recursive')).status?.containerStatuses?.[0]?.state?.waiting?.message ?? ''));
  for (const name of ['userns', 'recursive']) await client.delete(pods, { namespace, name });
}, 90_000);

test('a pod gets a device of a driver that comes after it, by a claim of its own; driver and API are told when the pod has ended', async () => {
  const name = 'gpu.wherry.test';
  const rootDir = join(cluster.dataDir, 'nodes/anvil/kubelet');
  await client.create(deviceClasses, { metadata: { name }, spec: { selectors: [{ cel: { expression: `device.driver == "${name}"` } }] } });
  await client.create(resourceClaimTemplates, { metadata: { name: 'one-gpu', namespace }, spec: { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: name } }] } } } });
  await client.create(resourceSlices, { metadata: { name: 'anvil-gpus' }, spec: { nodeName: 'anvil', driver: name, pool: { name: 'boat', generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'gpu-0' }] } });
  await create('trainer', { resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one-gpu' }], containers: [shell('main', 'sleep 1', { resources: { claims: [{ name: 'gpu' }] } })] });
  expect(await told('trainer', 'FailedPrepareDynamicResources')).toBe(`Failed to prepare dynamic resources: prepare dynamic resources: DRA driver ${name} is not registered`);
  const driver = await startDeviceDriver(rootDir, name);
  try {
    await reach('trainer', 'Succeeded');
    await eventually('the device is given back', async () => driver.calls.length === 2 && (await client.list(resourceClaims, { namespace })).items.length === 0);
    expect(driver.calls.map(({ method }) => method)).toEqual(['prepare', 'unprepare']);
    expect(driver.told).toEqual({ pluginRegistered: true, error: '' });
  } finally {
    driver.end();
  }
  await client.delete(pods, { namespace, name: 'trainer' });
}, 60_000);
