import { expect, test } from 'vitest';
import { kindDefinition } from './registry.ts';
import type { KubeObject } from '../object.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const meta = { name: 'kubia', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };

/** Freezes an object all the way down, as stored objects are. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(frozen);
  }
  return value;
}

const context = { nowMs: now, user: { name: 'somebody', groups: [] } };

function made(group: string, version: string, resource: string, object: object): KubeObject & Record<string, any> {
  const definition = kindDefinition(group, version, resource)!;
  const input = frozen({ metadata: meta, ...object }) as unknown as KubeObject;
  const defaulted = definition.defaults?.(input) ?? input;
  return (definition.prepareForCreate?.(defaulted, context) ?? defaulted) as KubeObject & Record<string, any>;
}

function row(group: string, version: string, resource: string, object: object): unknown[] {
  return kindDefinition(group, version, resource)!.columns!.map((column) => column.value({ metadata: meta, ...object } as unknown as KubeObject, now));
}

const container = { name: 'app', image: 'kubia' };
const defaultedContainer = { ...container, resources: {}, terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', imagePullPolicy: 'Always' };
const defaultedPodSpec = {
  containers: [defaultedContainer], dnsPolicy: 'ClusterFirst', restartPolicy: 'Always', schedulerName: 'default-scheduler', securityContext: {}, terminationGracePeriodSeconds: 30,
};

test('a negative grace period is one second, of a pod and not of a template', () => {
  const spec = { containers: [container], terminationGracePeriodSeconds: -1 };
  expect(made('', 'v1', 'pods', { spec }).spec).toMatchObject({ terminationGracePeriodSeconds: 1 });
  expect(made('', 'v1', 'podtemplates', { template: { spec } })['template']).toMatchObject({ spec: { terminationGracePeriodSeconds: -1 } });
});

test('defaults of a pod', () => {
  const pod = made('', 'v1', 'pods', {
    spec: {
      serviceAccount: 'robot',
      containers: [{
        ...container, image: 'kubia:1', ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1' } }, livenessProbe: { httpGet: { port: 80 } },
        env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
      }],
      volumes: [{ name: 'empty' }, { name: 'conf', configMap: { name: 'c' } }, { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }],
    },
  });
  expect(pod.spec).toEqual({
    ...defaultedPodSpec, serviceAccount: 'robot', serviceAccountName: 'robot', enableServiceLinks: true,
    containers: [{
      ...defaultedContainer, image: 'kubia:1', imagePullPolicy: 'IfNotPresent', ports: [{ containerPort: 80, protocol: 'TCP' }],
      resources: { limits: { cpu: '1' }, requests: { cpu: '1' } },
      livenessProbe: { httpGet: { port: 80, path: '/', scheme: 'HTTP' }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
      env: [{ name: 'NODE', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'spec.nodeName' } } }],
    }],
    volumes: [
      { name: 'empty', emptyDir: {} }, { name: 'conf', configMap: { name: 'c', defaultMode: 420 } },
      { name: 'token', projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3600 } }] } },
    ],
  });
  expect(pod.status).toEqual({ phase: 'Pending', qosClass: 'Burstable' });
});

test('defaults of a deployment', () => {
  const template = { metadata: { labels: { app: 'kubia' } }, spec: { containers: [container] } };
  const deployment = made('apps', 'v1', 'deployments', { spec: { selector: { matchLabels: { app: 'kubia' } }, template } });
  expect(deployment.spec).toEqual({
    selector: { matchLabels: { app: 'kubia' } }, template: { ...template, spec: defaultedPodSpec }, replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
  });
  expect(kindDefinition('apps', 'v1', 'deployments')!.validate!(deployment)).toEqual([]);
});

test('defaults of a replication controller take selector and labels from the template', () => {
  const template = { metadata: { labels: { app: 'kubia' } }, spec: { containers: [container] } };
  const controller = made('', 'v1', 'replicationcontrollers', { spec: { template } });
  expect(controller.spec).toEqual({ replicas: 1, selector: { app: 'kubia' }, template: { ...template, spec: defaultedPodSpec } });
  expect(controller.metadata.labels).toEqual({ app: 'kubia' });
  expect(controller.status).toEqual({ replicas: 0 });
});

test('defaults of a service', () => {
  expect(made('', 'v1', 'services', { spec: { type: 'LoadBalancer', ports: [{ port: 80 }, { name: 'b', port: 81, targetPort: 'http' }] } }).spec).toEqual({
    type: 'LoadBalancer', sessionAffinity: 'None', externalTrafficPolicy: 'Cluster', internalTrafficPolicy: 'Cluster', allocateLoadBalancerNodePorts: true,
    ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }, { name: 'b', port: 81, targetPort: 'http', protocol: 'TCP' }],
  });
  expect(made('', 'v1', 'services', { spec: { clusterIP: 'None', sessionAffinity: 'ClientIP', ports: [{ port: 80 }] } }).spec).toEqual({
    type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'], sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
    internalTrafficPolicy: 'Cluster', ports: [{ port: 80, targetPort: 80, protocol: 'TCP' }],
  });
});

test('defaults of the other kinds of the core', () => {
  const namespace = made('', 'v1', 'namespaces', {});
  expect([namespace.spec, namespace.status, namespace.metadata.labels]).toEqual([{ finalizers: ['kubernetes'] }, { phase: 'Active' }, { 'kubernetes.io/metadata.name': 'kubia' }]);
  expect(made('', 'v1', 'secrets', { data: { a: 'YQ==' }, stringData: { b: 'b' } })).toEqual({ metadata: meta, type: 'Opaque', data: { a: 'YQ==', b: 'Yg==' } });
  expect(made('', 'v1', 'nodes', { status: { capacity: { cpu: '2' } } }).status).toEqual({ capacity: { cpu: '2' }, allocatable: { cpu: '2' } });
  expect(made('discovery.k8s.io', 'v1', 'endpointslices', { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [] }).ports).toEqual([{ name: '', port: 80, protocol: 'TCP' }]);
});

test('columns of pods', () => {
  const spec = { nodeName: 'n1', containers: [container, { ...container, name: 'b' }] };
  const running = { name: 'app', ready: true, restartCount: 2, state: { running: {} }, lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:55:00Z' } } };
  const done = { name: 'b', ready: false, restartCount: 0, state: { terminated: { exitCode: 0, reason: 'Completed' } } };
  const conditions = [{ type: 'Ready', status: 'False' }];
  const status = { phase: 'Running', podIPs: [{ ip: '10.244.1.2' }], conditions, containerStatuses: [running, done] };
  expect(row('', 'v1', 'pods', { spec, status })).toEqual(['kubia', '1/2', 'NotReady', '2 (5m ago)', '60m', '10.244.1.2', 'n1', '<none>', '<none>']);
  expect(row('', 'v1', 'pods', { spec: { containers: [container] }, status: { phase: 'Pending' } })).toEqual(['kubia', '0/1', 'Pending', '0', '60m', '<none>', '<none>', '<none>', '<none>']);
});

test.each([
  ['CrashLoopBackOff', { containerStatuses: [{ name: 'app', restartCount: 1, ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } } }] }],
  ['Init:0/2', { initContainerStatuses: [{ name: 'i', restartCount: 0, ready: false, state: { running: {} } }] }],
  ['Init:Error', { initContainerStatuses: [{ name: 'i', restartCount: 0, ready: false, state: { terminated: { exitCode: 1, reason: 'Error' } } }] }],
  ['Init:ExitCode:7', { initContainerStatuses: [{ name: 'i', restartCount: 0, ready: false, state: { terminated: { exitCode: 7 } } }] }],
  ['SchedulingGated', { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }],
  ['Evicted', { phase: 'Failed', reason: 'Evicted' }],
])('a pod shows as %s', (text, status) => {
  const spec = { containers: [container], initContainers: [{ name: 'i', image: 'x' }, { name: 'j', image: 'x' }] };
  expect(row('', 'v1', 'pods', { spec, status: { phase: 'Pending', ...status } })[2]).toBe(text);
});

test('columns of services', () => {
  const base = { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], selector: { app: 'kubia' } };
  const pending = row('', 'v1', 'services', { spec: { ...base, type: 'LoadBalancer', ports: [{ port: 8080, nodePort: 30838, protocol: 'TCP' }] } });
  expect(pending).toEqual(['kubia', 'LoadBalancer', '10.96.0.7', '<pending>', '8080:30838/TCP', '60m', 'app=kubia']);
  expect(row('', 'v1', 'services', { spec: { ...base, type: 'ClusterIP', clusterIPs: ['None'], selector: {} } })).toEqual(['kubia', 'ClusterIP', 'None', '<none>', '<none>', '60m', '<none>']);
  const balanced = { spec: { ...base, type: 'LoadBalancer' }, status: { loadBalancer: { ingress: [{ ip: '10.231.0.201' }, { hostname: 'a.example' }] } } };
  expect(row('', 'v1', 'services', balanced)[3]).toBe('10.231.0.201,a.example');
});

test('columns of workloads, nodes and events', () => {
  const template = { spec: { containers: [container, { name: 'b', image: 'c:2' }] } };
  const spec = { replicas: 3, selector: { matchLabels: { app: 'kubia' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['y', 'x'] }] }, template };
  const status = { replicas: 3, readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 };
  expect(row('apps', 'v1', 'deployments', { spec, status })).toEqual(['kubia', '2/3', 3, 1, '60m', 'app,b', 'kubia,c:2', 'a in (x,y),app=kubia']);
  expect(row('apps', 'v1', 'replicasets', { spec, status })).toEqual(['kubia', 3, 3, 2, '60m', 'app,b', 'kubia,c:2', 'a in (x,y),app=kubia']);
  const node = {
    metadata: { ...meta, labels: { 'node-role.kubernetes.io/control-plane': '' } }, spec: { unschedulable: true },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }], addresses: [{ type: 'InternalIP', address: '10.231.0.11' }],
      nodeInfo: { kubeletVersion: 'v1.36.0', osImage: 'Debian', kernelVersion: '6.1', architecture: 'amd64', containerRuntimeVersion: 'containerd://1.6.20' },
    },
  };
  expect(row('', 'v1', 'nodes', node)).toEqual([
    'kubia', 'Ready,SchedulingDisabled', 'control-plane', '60m', 'v1.36.0', '10.231.0.11', '<none>', 'Debian', '6.1 (amd64)', 'containerd://1.6.20',
  ]);
  const event = {
    involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{app}' }, type: 'Normal', reason: 'Pulled', message: ' done\n', count: 2, source: { component: 'kubelet', host: 'n1' },
    firstTimestamp: '2026-01-01T00:58:00Z', lastTimestamp: '2026-01-01T00:59:30Z',
  };
  expect(row('', 'v1', 'events', event)).toEqual(['30s', 'Normal', 'Pulled', 'pod/p', 'spec.containers{app}', 'kubelet, n1', 'done', '2m', 2, 'kubia']);
});

test('a volume knows since when it is in its phase', () => {
  const { prepareForStatusUpdate } = kindDefinition('', 'v1', 'persistentvolumes')!;
  const volume = (status: object): never => ({ metadata: meta, spec: {}, status }) as never;
  const after = (status: object, previous: object): unknown => {
    const next = prepareForStatusUpdate!(volume(status), volume(previous), { nowMs: Date.parse('2026-01-01T01:00:00Z'), user: { name: 'u', groups: [] } });
    return (next as { readonly status?: { readonly lastPhaseTransitionTime?: string } }).status?.lastPhaseTransitionTime;
  };
  const old = { phase: 'Available', lastPhaseTransitionTime: '2026-01-01T00:00:00Z' };
  expect(after({ ...old, phase: 'Bound' }, old)).toBe('2026-01-01T01:00:00Z');
  expect(after({ phase: 'Available' }, old)).toBe('2026-01-01T00:00:00Z');
  expect(after({ phase: 'Bound', lastPhaseTransitionTime: '2026-01-01T00:30:00Z' }, old)).toBe('2026-01-01T00:30:00Z');
});

test('a job without labels of its own has those that its pods have, and one with labels keeps to them', () => {
  const own = { 'job-name': 'kubia', 'batch.kubernetes.io/job-name': 'kubia', 'controller-uid': 'u', 'batch.kubernetes.io/controller-uid': 'u' };
  const spec = (labels?: object) => ({ template: { metadata: { ...(labels && { labels }) }, spec: { containers: [container], restartPolicy: 'Never' } } });
  expect(made('batch', 'v1', 'jobs', { spec: spec() }).metadata.labels).toEqual(own);
  expect(made('batch', 'v1', 'jobs', { spec: spec({ app: 'x' }) }).metadata.labels).toEqual({ ...own, app: 'x' });
  expect(made('batch', 'v1', 'jobs', { metadata: { ...meta, labels: { app: 'x' } }, spec: spec({ app: 'x' }) }).metadata.labels).toEqual({ app: 'x' });
  expect(made('batch', 'v1', 'jobs', { spec: { ...spec({ app: 'x' }), manualSelector: true, selector: { matchLabels: { app: 'x' } } } }).metadata.labels).toEqual({ app: 'x' });
});

test('a claim loses a source that nothing is made of', () => {
  const sources = (spec: object) => made('', 'v1', 'persistentvolumeclaims', { spec }).spec;
  expect(sources({ dataSource: { kind: 'Ship', name: 'x' } })).not.toHaveProperty('dataSource');
  expect(sources({ dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 'x' } })).toMatchObject({ dataSourceRef: { kind: 'VolumeSnapshot' } });
});

test('a service that is written with another address is not given the old one silently', () => {
  const { prepareForUpdate, validateUpdate } = kindDefinition('', 'v1', 'services')!;
  const stored = made('', 'v1', 'services', { spec: { type: 'ClusterIP', clusterIP: '10.96.0.9', ports: [{ port: 80 }] } });
  const { clusterIPs: _clusterIPs, ...spec } = stored['spec'];
  const next = prepareForUpdate!({ ...stored, spec: { ...spec, clusterIP: '10.96.0.8' } } as unknown as KubeObject, stored, context);
  expect(validateUpdate!(next, stored).map(({ field, message }) => `${field}: ${message}`)).toEqual(['spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set']);
});
