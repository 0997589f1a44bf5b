import { expect, test } from 'vitest';
import type { HorizontalPodAutoscalerSpec } from '../../api/generated/autoscaling-v2.ts';
import { deployments, events, horizontalPodAutoscalers, pods } from '../../api/generated/resources.ts';
import { startControllersUnderTest } from '../../testing/controllers-under-test.ts';
import { goSelector } from '../go-selector.ts';

const namespace = 'default';
const labels = { app: 'kubia' };
const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } };

test('an autoscaler says which of its metrics fail, and that another one has its pods', async () => {
  const used: string[] = [];
  const podUsage = async () => used.map((pod) => ({ pod, atMs: Date.now(), windowMs: 30_000, containers: new Map([['main', { cpu: '300m' }]]) }));
  await using world = await startControllersUnderTest({ only: ['deployment-controller', 'replicaset-controller', 'horizontal-pod-autoscaler'], options: { metrics: { podUsage } } });
  const { admin } = world;
  const container = { name: 'main', image: 'kubia', resources: { requests: { cpu: '100m' } } };
  await admin.create(deployments, { metadata: { name: 'kubia', namespace }, spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } } });
  await world.pass(5);
  const create = (name: string, spec: Partial<HorizontalPodAutoscalerSpec>) =>
    admin.create(horizontalPodAutoscalers, { metadata: { name, namespace }, spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'kubia' }, maxReplicas: 9, ...spec } });
  const told = async (reason: string) => (await admin.list(events, { namespace })).items.filter((event) => event.reason === reason).map(({ message }) => message);

  const external = { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '10' } } };
  await create('first', { metrics: [cpu, external] });
  await world.pass(2);
  const { status } = await admin.get(horizontalPodAutoscalers, { namespace, name: 'first' });
  expect(status).toMatchObject({ currentReplicas: 2, desiredReplicas: 0, currentMetrics: [{ type: '' }, { type: '' }] });
  const why = 'failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)';
  expect(status?.conditions?.find(({ type }) => type === 'ScalingActive')).toMatchObject({ status: 'False', reason: 'FailedGetResourceMetric', message: `the HPA was unable to compute the replica count: ${why}` });
  expect(await told('FailedComputeMetricsReplicas')).toEqual([`invalid metrics (2 invalid out of 2), first error is: failed to get cpu resource metric value: ${why}`]);

  used.push(...(await admin.list(pods, { namespace })).items.map(({ metadata }) => metadata.name));
  await create('second', { metrics: [cpu] });
  await world.pass(2);
  const message = 'pods by selector app=kubia are controlled by multiple HPAs: [default/second default/first]';
  expect(await told('AmbiguousSelector')).toEqual([message]);
  expect((await admin.get(horizontalPodAutoscalers, { namespace, name: 'second' })).status?.conditions?.find(({ type }) => type === 'ScalingActive')).toMatchObject({ status: 'False', reason: 'AmbiguousSelector', message });
});

test.each([
  [undefined, '<nil>'],
  [{ matchLabels: { topic: 'orders', app: 'a' } }, '&LabelSelector{MatchLabels:map[string]string{app: a,topic: orders,},MatchExpressions:[]LabelSelectorRequirement{},}'],
  [{ matchExpressions: [{ key: 'k', operator: 'In', values: ['a', 'b'] }] }, '&LabelSelector{MatchLabels:map[string]string{},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[a b],},},}'],
])('a selector in Go’s words', (selector, text) => expect(goSelector(selector)).toBe(text));
