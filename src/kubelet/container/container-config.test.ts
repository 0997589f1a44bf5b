import { expect, test } from 'vitest';
import type { Container, Pod, PodSpec, Service } from '../../api/generated/core-v1.ts';
import type { Image } from '../../cri/runtime.ts';
import { containerConfig } from './container-config.ts';
import { containerEnvironment } from './environment.ts';
import type { ReferencedObjects } from '../referenced-objects.ts';
import { linuxResources, podCgroupPath } from './resources.ts';
import { containerSecurityContext } from './security-context.ts';
import { serviceEnvironment } from './service-environment.ts';

const podOf = (container: Partial<Container>, spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'd', uid: 'u', resourceVersion: '1', creationTimestamp: '', labels: { app: 'kubia' } },
  spec: { containers: [{ name: 'main', ...container }], nodeName: 'boat', ...spec },
});
const GIB = 2 ** 30;

test.each<[string, Partial<Container>, object]>([
  ['nothing asked for', {}, { cpuShares: 2, cpuQuota: 0, oomScoreAdj: 1000 }],
  ['requests', { resources: { requests: { cpu: '250m', memory: '1Gi' } } }, { cpuShares: 256, cpuQuota: 0, oomScoreAdj: 875 }],
  ['limits alone are requests too', { resources: { limits: { cpu: '500m' }, requests: { cpu: '500m' } } }, { cpuShares: 512, cpuQuota: 50_000, oomScoreAdj: 999 }],
  ['guaranteed', { resources: { limits: { cpu: '1', memory: '64Mi' }, requests: { cpu: '1', memory: '64Mi' } } }, { cpuShares: 1024, cpuQuota: 100_000, memoryLimitInBytes: 64 * 2 ** 20, oomScoreAdj: -997 }],
  ['the smallest quota is a millisecond', { resources: { limits: { cpu: '1m' } } }, { cpuShares: 2, cpuQuota: 1000 }],
])('resources: %s', (_, container, expected) => {
  const pod = podOf(container);
  expect(linuxResources(pod, pod.spec.containers[0]!, 8 * GIB, 'v1')).toMatchObject(expected);
});

test('what a pod asks for as a whole is shared by its containers, and limits those that have no limit', () => {
  const pod = podOf({}, { resources: { requests: { memory: '4Gi' }, limits: { cpu: '2', memory: '4Gi' } }, containers: [{ name: 'main' }, { name: 'other', resources: { requests: { memory: '2Gi' }, limits: { cpu: '1' } } }] });
  expect(linuxResources(pod, pod.spec.containers[0]!, 8 * GIB, 'v1')).toMatchObject({ cpuShares: 2048, cpuQuota: 200_000, memoryLimitInBytes: 4 * GIB, oomScoreAdj: 875 });
  expect(linuxResources(pod, pod.spec.containers[1]!, 8 * GIB, 'v1')).toMatchObject({ cpuShares: 1024, cpuQuota: 100_000, memoryLimitInBytes: 4 * GIB, oomScoreAdj: 625 });
});

test.each<[string, Partial<Container>, object]>([
  ['all processes end together', {}, { unified: { 'memory.oom.group': '1' } }],
  ['a limit of memory is one of swap too', { resources: { limits: { memory: '64Mi' } } }, { unified: { 'memory.oom.group': '1' }, memoryLimitInBytes: 64 * 2 ** 20, memorySwapLimitInBytes: 64 * 2 ** 20 }],
])('resources in cgroups of version 2: %s', (_, container, expected) => {
  const pod = podOf(container);
  const { cpuShares: _shares, cpuQuota: _quota, cpuPeriod: _period, oomScoreAdj: _oom, ...rest } = linuxResources(pod, pod.spec.containers[0]!, 8 * GIB, 'v2');
  expect(rest).toEqual(expected);
  expect(linuxResources(pod, pod.spec.containers[0]!, 8 * GIB, 'v1')).not.toHaveProperty('unified');
});

test('cgroups by class', () => {
  expect(podCgroupPath(podOf({}), '/w')).toBe('/w/kubepods/besteffort/podu');
  expect(podCgroupPath(podOf({ resources: { requests: { cpu: '1' } } }))).toBe('/kubepods/burstable/podu');
  expect(podCgroupPath(podOf({ resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } } }))).toBe('/kubepods/podu');
});

const rootImage = { uid: null, username: '' };

test("a container's security settings go over its pod's", () => {
  const pod = podOf({ securityContext: { runAsUser: 5, allowPrivilegeEscalation: false, capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } } }, { securityContext: { runAsUser: 1, runAsGroup: 2, fsGroup: 3, supplementalGroups: [4] } });
  expect(containerSecurityContext(pod, pod.spec.containers[0]!, rootImage)).toMatchObject({
    runAsUser: { value: 5 }, runAsGroup: { value: 2 }, supplementalGroups: [3, 4], noNewPrivs: true, capabilities: { addCapabilities: ['NET_ADMIN'], dropCapabilities: ['ALL'] },
    seccomp: { profileType: 'Unconfined' }, namespaceOptions: { network: 'POD', pid: 'CONTAINER', ipc: 'POD' },
  });
});

test.each([
  [{ runAsNonRoot: true }, rootImage, /image will run as root/], [{ runAsNonRoot: true, runAsUser: 0 }, rootImage, /runAsUser breaks non-root policy/],
  [{ runAsNonRoot: true }, { uid: null, username: 'web' }, /non-numeric user \(web\)/], [{ runAsNonRoot: true }, { uid: { value: 7 }, username: '' }, undefined],
])('%j with an image of user %j', (securityContext, image, refusal) => {
  const pod = podOf({ securityContext });
  const decide = () => containerSecurityContext(pod, pod.spec.containers[0]!, image);
  if (refusal) expect(decide).toThrow(refusal);
  else expect(decide()).toMatchObject({ runAsUser: { value: 7 } });
});

const objects: ReferencedObjects = {
  configMap: async (_, name) => (name === 'cm' ? { data: { a: '1', b: '$(A)' } } as never : undefined),
  secret: async (_, name) => (name === 'sec' ? { data: { p: Buffer.from('s3cret').toString('base64') } } as never : undefined),
};
const environment = (container: Partial<Container>, services = {}) => {
  const pod = podOf({ resources: { limits: { memory: '64Mi' } }, ...container });
  return containerEnvironment(pod.spec.containers[0]!, { pod, podIps: ['10.0.0.2'], hostIp: '10.1.0.1', allocatable: { milliCpu: 4000, memoryBytes: 8 * GIB, storageBytes: 1 } }, services, objects);
};

test('the environment, later over earlier', async () => {
  expect(await environment({
    envFrom: [{ configMapRef: { name: 'cm' } }, { prefix: 'S_', secretRef: { name: 'sec' } }, { secretRef: { name: 'none', optional: true } }],
    env: [
      { name: 'A', value: 'x' }, { name: 'C', value: '$(A)-$(a)-$(SVC)-$$(A)' }, { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } }, { name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
      { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }, { name: 'K', valueFrom: { secretKeyRef: { name: 'sec', key: 'p' } } },
      { name: 'NO', valueFrom: { configMapKeyRef: { name: 'cm', key: 'none', optional: true } } },
    ],
  }, { SVC: 'svc' })).toEqual({ SVC: 'svc', a: '1', b: '$(A)', S_p: 's3cret', A: 'x', C: 'x-1-svc-$(A)', IP: '10.0.0.2', APP: 'kubia', MEM: '64', CPU: '4', K: 's3cret' });
});

test.each([
  [{ env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'none', key: 'a' } } }] }, 'configmap "none" not found'],
  [{ env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'sec', key: 'z' } } }] }, "couldn't find key z in Secret d/sec"],
  [{ envFrom: [{ configMapRef: { name: 'none' } }] }, 'configmap "none" not found'],
])('what is missing is named: %#', async (container, message) => {
  await expect(environment(container)).rejects.toMatchObject({ reason: 'CreateContainerConfigError', message });
});

test('services as variables', () => {
  const service = { metadata: { name: 'my-db', namespace: 'd' }, spec: { clusterIP: '10.96.3.4', ports: [{ name: 'main', port: 5432 }, { name: 'x-y', port: 99, protocol: 'UDP' }] } } as unknown as Service;
  expect(serviceEnvironment([service, { ...service, spec: { clusterIP: 'None', ports: [{ port: 1 }] } } as unknown as Service])).toEqual({
    MY_DB_SERVICE_HOST: '10.96.3.4', MY_DB_SERVICE_PORT: '5432', MY_DB_SERVICE_PORT_MAIN: '5432', MY_DB_SERVICE_PORT_X_Y: '99', MY_DB_PORT: 'tcp://10.96.3.4:5432',
    MY_DB_PORT_5432_TCP: 'tcp://10.96.3.4:5432', MY_DB_PORT_5432_TCP_PROTO: 'tcp', MY_DB_PORT_5432_TCP_PORT: '5432', MY_DB_PORT_5432_TCP_ADDR: '10.96.3.4',
    MY_DB_PORT_99_UDP: 'udp://10.96.3.4:99', MY_DB_PORT_99_UDP_PROTO: 'udp', MY_DB_PORT_99_UDP_PORT: '99', MY_DB_PORT_99_UDP_ADDR: '10.96.3.4',
  });
});

test('a pod with users of its own: in its namespaces, and in every mount', () => {
  const pod = podOf({}, { hostUsers: false });
  const uids = [{ hostId: 65_536, containerId: 0, length: 65_536 }];
  const userNamespace = { mode: 'POD', uids, gids: uids } as const;
  const input = { pod, container: pod.spec.containers[0]!, restartCount: 0, image: { ...rootImage, id: 'i' } as Image, environment: {}, mounts: [{ containerPath: '/data', hostPath: '/h' }], memoryCapacity: GIB, cgroupVersion: 'v1' as const };
  const config = containerConfig({ ...input, userNamespace });
  expect(config.linux!.securityContext!.namespaceOptions!.usernsOptions).toEqual(userNamespace);
  expect(config.mounts).toEqual([{ containerPath: '/data', hostPath: '/h', uidMappings: uids, gidMappings: uids }]);
  const plain = containerConfig(input);
  expect(plain.linux!.securityContext!.namespaceOptions).not.toHaveProperty('usernsOptions');
  expect(plain.mounts).toEqual(input.mounts);
});
