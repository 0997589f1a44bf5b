import { expect, test } from 'vitest';
import type { Deployment } from '../../api/generated/apps-v1.ts';
import type { Event, Node, Pod, PodStatus, Service } from '../../api/generated/core-v1.ts';
import { eventRow } from './event-row.ts';
import { nodeRow } from './node-row.ts';
import { podRow } from './pod-row.ts';
import { serviceRow } from './service-row.ts';
import { deploymentRow } from './workload-row.ts';

const metadata = { name: 'web', namespace: 'default', uid: 'u', resourceVersion: '7', creationTimestamp: '2026-01-02T03:04:05Z' };
const pod = (status: PodStatus, more: object = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { ...metadata, ...more },
  spec: { containers: [{ name: 'c', image: 'i' }] },
  status,
});
const container = (state: object, more: object = {}): object => ({
  name: 'c',
  image: 'i',
  imageID: '',
  ready: false,
  restartCount: 0,
  state,
  ...more,
});
const withContainer = (state: object, more: object = {}): PodStatus =>
  ({ phase: 'Running', containerStatuses: [container(state, more)] }) as PodStatus;
const READY = [{ type: 'Ready', status: 'True' }];

test.each([
  ['waits for the scheduler', { phase: 'Pending' }, 'Pending', 'busy', undefined],
  [
    'fits nowhere',
    { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes' }] },
    'Pending',
    'bad',
    'No node takes it: 0/1 nodes',
  ],
  ['gets its image', withContainer({ waiting: { reason: 'ContainerCreating' } }), 'ContainerCreating', 'busy', undefined],
  [
    'gets no image',
    withContainer({ waiting: { reason: 'ImagePullBackOff', message: 'no such host' } }),
    'ImagePullBackOff',
    'bad',
    'c: ImagePullBackOff – no such host',
  ],
  ['runs', { ...withContainer({ running: {} }, { ready: true }), conditions: READY }, 'Running', 'ok', undefined],
  ['runs, not ready', withContainer({ running: {} }), 'Running', 'busy', 'c runs but is not ready yet (readiness probe)'],
  [
    'crashes',
    withContainer({ waiting: { reason: 'CrashLoopBackOff' } }, { restartCount: 3, lastState: { terminated: { exitCode: 2 } } }),
    'CrashLoopBackOff',
    'bad',
    'c keeps ending (last: exit code 2, 3 restarts); it is started again after a pause',
  ],
  [
    'ran out of memory',
    withContainer({ terminated: { exitCode: 137, reason: 'OOMKilled' } }),
    'OOMKilled',
    'bad',
    'c ended: out of memory (OOMKilled)',
  ],
  [
    'is done',
    { phase: 'Succeeded', containerStatuses: [container({ terminated: { exitCode: 0, reason: 'Completed' } })] },
    'Completed',
    'done',
    undefined,
  ],
  ['was evicted', { phase: 'Failed', reason: 'Evicted', message: 'disk full' }, 'Evicted', 'bad', 'Evicted: disk full'],
] as const)('a pod that %s', (_what, status, text, tone, why) => {
  const row = podRow(pod(status as unknown as PodStatus));
  expect([row.status, row.tone, row.why]).toEqual([text, tone, why]);
});

test('a pod that ends is on its way, whatever its containers say', () => {
  const row = podRow(pod(withContainer({ running: {} }), { deletionTimestamp: '2026-01-02T03:04:06Z' }));
  expect([row.status, row.tone, row.why]).toEqual(['Terminating', 'busy', undefined]);
});

test('a row names its object', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'r', controller: true };
  expect(podRow(pod({}, { ownerReferences: [{ ...owner, kind: 'Other', controller: false }, owner] }))).toMatchObject({
    id: 'default/web',
    ns: 'default',
    name: 'web',
    rv: '7',
    born: Date.parse('2026-01-02T03:04:05Z'),
    owner: { kind: 'ReplicaSet', name: 'web-1' },
  });
});

const deployment = (replicas: number, status: Deployment['status'], generation = 1): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { ...metadata, generation },
  spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: { spec: { containers: [{ name: 'c', image: 'i' }] } } },
  status,
});
test.each([
  ['as wanted', deployment(2, { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2 }), 'ok', 'Ready'],
  [
    'not seen by its controller',
    deployment(2, { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2 }, 2),
    'busy',
    'Updating',
  ],
  ['with old pods', deployment(2, { observedGeneration: 1, replicas: 3, updatedReplicas: 2, readyReplicas: 3 }), 'busy', 'Rolling out'],
  [
    'with pods that start',
    deployment(2, { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 1 }),
    'busy',
    '1 not ready',
  ],
  [
    'stuck',
    deployment(2, {
      observedGeneration: 1,
      replicas: 2,
      updatedReplicas: 2,
      conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'too long' }],
    }),
    'bad',
    'Stuck',
  ],
  [
    'that may make no pods',
    deployment(2, {
      observedGeneration: 1,
      updatedReplicas: 2,
      conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'over quota' }],
    }),
    'bad',
    'Stuck',
  ],
  ['of none', deployment(0, { observedGeneration: 1 }), 'idle', 'Scaled to zero'],
])('a deployment %s', (_what, object, tone, status) => {
  expect(deploymentRow(object)).toMatchObject({ tone, status, kind: 'Deployment' });
});

test('a node with too little memory is not well, though ready', () => {
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata,
    status: {
      allocatable: { cpu: '1500m', memory: '2Gi', pods: '110' },
      conditions: [...READY, { type: 'MemoryPressure', status: 'True', message: 'memory is short' }],
    },
  } as unknown as Node;
  expect(nodeRow(node)).toMatchObject({
    tone: 'bad',
    status: 'Ready',
    why: 'memory is short',
    cpu: 1.5,
    memory: 2 * 1024 ** 3,
    podLimit: 110,
  });
});

test('a load balancer waits until it has an address of its own', () => {
  const service = (ingress: readonly object[]): Service =>
    ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        type: 'LoadBalancer',
        clusterIP: '10.96.0.9',
        externalIPs: ['192.0.2.1'],
        ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }],
      },
      status: { loadBalancer: { ingress } },
    }) as unknown as Service;
  expect(serviceRow(service([]))).toMatchObject({ pending: true, external: ['192.0.2.1'], ports: ['80:30080/TCP'] });
  expect(serviceRow(service([{ ip: '10.231.0.200' }]))).toMatchObject({ pending: false, external: ['10.231.0.200', '192.0.2.1'] });
});

test.each([
  ['old style', { lastTimestamp: '2026-01-01T00:00:02Z', count: 4 }, 2, 4],
  ['new style', { eventTime: '2026-01-01T00:00:03.000000Z' }, 3, 1],
  ['a series', { eventTime: '2026-01-01T00:00:03.000000Z', series: { count: 9, lastObservedTime: '2026-01-01T00:00:05.000000Z' } }, 5, 9],
])('an event of %s', (_what, fields, second, count) => {
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata,
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'web', uid: 'p' },
    type: 'Warning',
    ...fields,
  } as Event;
  expect(eventRow(event)).toMatchObject({
    last: Date.parse(`2026-01-01T00:00:0${second}Z`),
    count,
    warning: true,
    about: { kind: 'Pod', ns: 'default', name: 'web', uid: 'p' },
  });
});
