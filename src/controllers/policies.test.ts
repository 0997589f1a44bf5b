import { expect, test } from 'vitest';
import type { Pod } from '../api/generated/core-v1.ts';
import {
  certificateSigningRequests, clusterRoles, deployments, endpoints, endpointSlices, events, horizontalPodAutoscalers, jobs, podDisruptionBudgets, pods, resourceQuotas, secrets, services,
} from '../api/generated/resources.ts';
import { createAuthority, createRequest, readCertificate } from '../base/certificates.ts';
import { startControllersUnderTest } from '../testing/controllers-under-test.ts';
import { notFound } from '../api/errors.ts';
import { apiCustomMetrics } from './autoscaler/custom-metrics.ts';
import type { PodUsage } from './autoscaler/metrics-reader.ts';
import { proposeReplicas } from './autoscaler/replica-proposal.ts';
import { limitScale } from './autoscaler/scaling-limits.ts';
import { authoritySigner } from './certificate/authority-signer.ts';

const namespace = 'default';
const labels = { app: 'kubia' };
const workload = ['deployment-controller', 'replicaset-controller'];
const container = { name: 'main', image: 'kubia', resources: { requests: { cpu: '100m', memory: '64Mi' } } };
const deployment = (replicas: number) => ({ metadata: { name: 'kubia', namespace }, spec: { replicas, progressDeadlineSeconds: 600, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } } });

test('a budget says how many pods may be evicted', async () => {
  await using world = await startControllersUnderTest({ only: [...workload, 'disruption-controller'], pods: { startMs: 2000 } });
  const { admin } = world;
  await admin.create(podDisruptionBudgets, { metadata: { name: 'kubia', namespace }, spec: { maxUnavailable: '50%', selector: { matchLabels: labels } } });
  await admin.create(deployments, deployment(4));
  const status = async () => (await admin.get(podDisruptionBudgets, { namespace, name: 'kubia' })).status;
  await world.pass(1);
  expect(await status()).toMatchObject({ expectedPods: 4, desiredHealthy: 2, currentHealthy: 0, disruptionsAllowed: 0, conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods' }] });
  await world.pass(4);
  expect(await status()).toMatchObject({ currentHealthy: 4, disruptionsAllowed: 2, observedGeneration: 1, conditions: [{ status: 'True', reason: 'SufficientPods' }] });
});

test('a quota knows what is used of it', async () => {
  await using world = await startControllersUnderTest({ only: [...workload, 'resourcequota-controller', 'garbage-collector-controller'] });
  const { admin } = world;
  await admin.create(resourceQuotas, { metadata: { name: 'all', namespace }, spec: { hard: { pods: '3', 'requests.cpu': '1', 'count/deployments.apps': '5' } } });
  await world.pass(1);
  expect((await admin.get(resourceQuotas, { namespace, name: 'all' })).status).toEqual({ hard: { pods: '3', 'requests.cpu': '1', 'count/deployments.apps': '5' }, used: { pods: '0', 'requests.cpu': '0', 'count/deployments.apps': '0' } });
  await admin.create(deployments, deployment(5));
  await world.pass(5);
  expect((await admin.get(resourceQuotas, { namespace, name: 'all' })).status?.used).toEqual({ pods: '3', 'requests.cpu': '300m', 'count/deployments.apps': '1' });
  expect((await admin.get(deployments, { namespace, name: 'kubia' })).status?.conditions?.find(({ type }) => type === 'ReplicaFailure')).toMatchObject({ status: 'True', reason: 'FailedCreate' });
  await admin.delete(deployments, { namespace, name: 'kubia' }, { propagationPolicy: 'Background' });
  await world.pass(5);
  expect((await admin.get(resourceQuotas, { namespace, name: 'all' })).status?.used).toEqual({ pods: '0', 'requests.cpu': '0', 'count/deployments.apps': '0' });
});

test('an autoscaler follows the load, fast up and slowly down', { timeout: 60_000 }, async () => {
  let cpu = '200m';
  const selected = new Set<string>();
  let now = 0;
  const metrics = { podUsage: async (): Promise<PodUsage[]> => [...selected].map((pod) => ({ pod, atMs: now, windowMs: 30_000, containers: new Map([['main', { cpu }]]) })) };
  await using world = await startControllersUnderTest({ only: [...workload, 'horizontal-pod-autoscaler'], options: { metrics } });
  const { admin } = world;
  const pass = async (seconds: number): Promise<void> => {
    for (let left = seconds; left > 0; left -= 5) {
      await world.pass(5);
      selected.clear();
      for (const pod of (await admin.list(pods, { namespace })).items) if (!pod.metadata.deletionTimestamp) selected.add(pod.metadata.name);
      now = world.clock.now();
    }
  };
  await admin.create(deployments, deployment(1));
  await admin.create(horizontalPodAutoscalers, {
    metadata: { name: 'kubia', namespace },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'kubia' }, minReplicas: 1, maxReplicas: 6, metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }] },
  });
  const replicas = async () => (await admin.get(deployments, { namespace, name: 'kubia' })).spec.replicas;
  await pass(120);
  expect(await replicas()).toBe(6);
  const { status } = await admin.get(horizontalPodAutoscalers, { namespace, name: 'kubia' });
  expect(status).toMatchObject({ currentReplicas: 6, desiredReplicas: 6, currentMetrics: [{ resource: { name: 'cpu', current: { averageUtilization: 200, averageValue: '200m' } } }] });
  expect(status?.conditions?.map(({ type, status: is, reason }) => [type, is, reason])).toEqual([['AbleToScale', 'True', 'ReadyForNewScale'], ['ScalingActive', 'True', 'ValidMetricFound'], ['ScalingLimited', 'True', 'TooManyReplicas']]);
  expect((await admin.list(events, { namespace })).items.map(({ message }) => message)).toContain('New size: 4; reason: cpu resource utilization (percentage of request) above target');

  cpu = '10m';
  await pass(200);
  expect(await replicas()).toBe(6);
  // A fifth of the load needs a third of the pods; and those a half of them, when that has been so for five minutes too.
  await pass(200);
  expect(await replicas()).toBe(2);
  await pass(300);
  expect(await replicas()).toBe(1);
});

const pod = (name: string, cpu = '100m'): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, uid: name, resourceVersion: '1', creationTimestamp: '' }, spec: { containers: [{ name: 'main', resources: { requests: { cpu } } }] },
  status: { phase: 'Running', startTime: '2020-01-01T00:00:00Z', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2020-01-01T00:00:10Z' }] },
});
const used = (amounts: Record<string, string>): PodUsage[] => Object.entries(amounts).map(([name, cpu]) => ({ pod: name, atMs: Date.UTC(2026, 0), windowMs: 30_000, containers: new Map([['main', { cpu }]]) }));

test.each<[string, Record<string, string>, number]>([
  ['on target', { a: '50m', b: '50m' }, 2],
  ['within the tolerance', { a: '54m', b: '54m' }, 2],
  ['twice the target', { a: '100m', b: '100m' }, 4],
  ['half the target', { a: '25m', b: '25m' }, 1],
  ['one without figures counts as idle when growing', { a: '100m' }, 2],
  ['and as busy when shrinking', { a: '5m' }, 2],
])('a proposal %s', (_, amounts, replicas) => {
  expect(proposeReplicas({ resource: 'cpu', utilization: 50 }, [pod('a'), pod('b')], used(amounts), 2, { up: 0.1, down: 0.1 }, Date.UTC(2026, 0)).replicas).toBe(replicas);
});

test.each([
  ['up at most to the double', 10, 2, {}, 4, 'ScaleUpLimit'],
  ['never above the maximum', 30, 20, {}, 10, 'TooManyReplicas'],
  ['never under the minimum', 0, 2, { recommendations: [] }, 1, 'TooFewReplicas'],
  ['down only to the highest of the last minutes', 1, 6, { recommendations: [{ atMs: 900_000, replicas: 4 }, { atMs: 100_000, replicas: 6 }] }, 4, 'DesiredWithinRange'],
])('a scale goes %s', (_, desired, current, memory, replicas, reason) => {
  const limited = limitScale(desired, current, { min: 1, max: 10 }, { recommendations: [], events: [], ...memory }, 1_000_000);
  expect([limited.replicas, limited.scalingLimited.reason]).toEqual([replicas, reason]);
});

test('hand-made endpoints are mirrored; cluster roles are aggregated; finished jobs and old tokens go', async () => {
  const only = ['endpoint-slice-mirroring-controller', 'clusterrole-aggregation-controller', 'ttl-after-finished-controller', 'job-controller', 'token-cleaner', 'garbage-collector-controller'];
  await using world = await startControllersUnderTest({ only, pods: { fate: () => 'succeeds' } });
  const { admin } = world;
  await admin.create(services, { metadata: { name: 'outside', namespace }, spec: { ports: [{ name: 'db', port: 5432 }] } });
  await admin.create(endpoints, { metadata: { name: 'outside', namespace }, subsets: [{ addresses: [{ ip: '192.0.2.7' }], ports: [{ name: 'db', port: 5432 }] }] });
  await admin.create(clusterRoles, { metadata: { name: 'part', labels: { 'example.com/to-sum': 'true' } }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] });
  await admin.create(clusterRoles, { metadata: { name: 'sum' }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'example.com/to-sum': 'true' } }] }, rules: [] });
  await admin.create(jobs, { metadata: { name: 'once', namespace }, spec: { ttlSecondsAfterFinished: 30, template: { metadata: {}, spec: { restartPolicy: 'Never', containers: [container] } } } });
  const expiration = Buffer.from(new Date(world.clock.now() + 20_000).toISOString()).toString('base64');
  await admin.create(secrets, { metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' }, type: 'bootstrap.kubernetes.io/token', data: { expiration } });
  await world.pass(15);
  const slices = (await admin.list(endpointSlices, { namespace, labelSelector: 'kubernetes.io/service-name=outside' })).items;
  expect(slices).toMatchObject([{ addressType: 'IPv4', ports: [{ name: 'db', port: 5432 }], endpoints: [{ addresses: ['192.0.2.7'], conditions: { ready: true } }] }]);
  expect((await admin.get(clusterRoles, { name: 'sum' })).rules).toEqual([{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }]);
  expect((await admin.get(jobs, { namespace, name: 'once' })).status).toMatchObject({ succeeded: 1 });
  await world.pass(40);
  expect((await admin.list(jobs, { namespace })).items).toEqual([]);
  expect((await admin.list(secrets, { namespace: 'kube-system', fieldSelector: 'type=bootstrap.kubernetes.io/token' })).items).toEqual([]);
});

test('an approved request is signed, and forgotten after an hour', async () => {
  const start = Date.UTC(2026, 0, 1);
  const authority = await createAuthority('test', { now: start });
  await using world = await startControllersUnderTest({ only: ['csrapproving-controller', 'csrsigning-controller', 'csrcleaner-controller'], options: { certificateSigner: authoritySigner(authority, { now: () => start }) } });
  const { admin } = world;
  const { request } = await createRequest({ commonName: 'jane', organizations: ['dev'] });
  const made = await admin.create(certificateSigningRequests, {
    metadata: { name: 'jane' }, spec: { request: Buffer.from(request).toString('base64'), signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'], expirationSeconds: 86_400 },
  });
  await world.pass(1);
  expect((await admin.get(certificateSigningRequests, { name: 'jane' })).status?.certificate).toBeUndefined();
  const now = new Date(start).toISOString();
  await admin.update(certificateSigningRequests, { ...made, status: { conditions: [{ type: 'Approved', status: 'True', reason: 'Hand', message: '', lastUpdateTime: now, lastTransitionTime: now }] } }, { subresource: 'approval' });
  // Signing is real cryptography, which no fake clock drives.
  await new Promise((resolve) => setTimeout(resolve, 200));
  await world.pass(1);
  const { status } = await admin.get(certificateSigningRequests, { name: 'jane' });
  expect(readCertificate(Buffer.from(status!.certificate!, 'base64').toString())).toMatchObject({ commonName: 'jane', organizations: ['dev'], notAfter: start + 86_400_000 - 300_000 });
  await world.clock.advance(2 * 3_600_000);
  await expect(admin.get(certificateSigningRequests, { name: 'jane' })).rejects.toMatchObject({ reason: 'NotFound' });
});

test('an autoscaler follows figures of pods, of objects and of the world outside', { timeout: 60_000 }, async () => {
  const asked: string[] = [];
  const figures: Record<string, unknown> = {};
  const get = async (path: string): Promise<unknown> => {
    asked.push(decodeURIComponent(path));
    const key = Object.keys(figures).find((part) => path.includes(part));
    if (!key || path.includes('v1beta2')) throw notFound({ group: '', resource: 'metrics' }, path);
    return { items: figures[key] };
  };
  await using world = await startControllersUnderTest({ only: [...workload, 'horizontal-pod-autoscaler'], options: { customMetrics: apiCustomMetrics(get) } });
  const { admin } = world;
  await admin.create(deployments, deployment(2));
  await world.pass(5);
  const status = async (metrics: object[]) => {
    await admin.create(horizontalPodAutoscalers, { metadata: { name: 'kubia', namespace }, spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'kubia' }, maxReplicas: 20, metrics: metrics as never } });
    await world.pass(2);
    const found = (await admin.get(horizontalPodAutoscalers, { namespace, name: 'kubia' })).status!;
    await admin.delete(horizontalPodAutoscalers, { namespace, name: 'kubia' });
    const current = await admin.get(deployments, { namespace, name: 'kubia' });
    await admin.update(deployments, { ...current, spec: { ...current.spec, replicas: 2 } });
    await world.pass(10);
    return found;
  };
  const names = (await admin.list(pods, { namespace })).items.map((pod) => pod.metadata.name);
  figures['/pods/*/hits'] = names.map((name) => ({ describedObject: { kind: 'Pod', name }, value: '1500m' }));
  figures['ingresses.networking.k8s.io/front/latency'] = [{ describedObject: { kind: 'Ingress', name: 'front' }, value: '30' }];
  figures['external.metrics.k8s.io/v1beta1/namespaces/default/queue'] = [{ value: '30' }, { value: '20' }];

  expect(await status([{ type: 'Pods', pods: { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '500m' } } }])).toMatchObject({ desiredReplicas: 4, currentMetrics: [{ pods: { current: { averageValue: '1500m' } } }] });
  expect(await status([{ type: 'Object', object: { metric: { name: 'latency' }, describedObject: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'front' }, target: { type: 'Value', value: '20' } } }]))
    .toMatchObject({ desiredReplicas: 3, currentMetrics: [{ object: { current: { value: '30' } } }] });
  const failing = await status([{ type: 'Pods', pods: { metric: { name: 'unknown' }, target: { type: 'AverageValue', averageValue: '1' } } }]);
  expect(failing.conditions?.find(({ type }) => type === 'ScalingActive')).toMatchObject({ status: 'False', reason: 'FailedGetPodsMetric' });
  expect(asked).toContain('/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/hits?labelSelector=app=kubia');
});

test('an external figure, so much for each pod', async () => {
  const get = async (): Promise<unknown> => ({ items: [{ value: '30' }, { value: '20' }] });
  await using world = await startControllersUnderTest({ only: [...workload, 'horizontal-pod-autoscaler'], options: { customMetrics: apiCustomMetrics(get) } });
  const { admin } = world;
  await admin.create(deployments, deployment(2));
  await world.pass(5);
  await admin.create(horizontalPodAutoscalers, {
    metadata: { name: 'kubia', namespace },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'kubia' }, maxReplicas: 20, metrics: [{ type: 'External', external: { metric: { name: 'queue', selector: { matchLabels: { topic: 'orders' } } }, target: { type: 'AverageValue', averageValue: '10' } } }] },
  });
  await world.pass(2);
  expect((await admin.get(horizontalPodAutoscalers, { namespace, name: 'kubia' })).status).toMatchObject({ currentMetrics: [{ external: { current: { averageValue: '25' } } }] });
  await world.pass(60);
  expect((await admin.get(deployments, { namespace, name: 'kubia' })).spec.replicas).toBe(5);
});
