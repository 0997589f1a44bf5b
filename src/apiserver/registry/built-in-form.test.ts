import { expect, test } from 'vitest';
import type { HorizontalPodAutoscaler as V1 } from '../../api/generated/autoscaling-v1.ts';
import type { HorizontalPodAutoscaler as V2 } from '../../api/generated/autoscaling-v2.ts';
import { events, eventsEventsV1, horizontalPodAutoscalers, horizontalPodAutoscalersAutoscalingV1 } from '../../api/generated/resources.ts';
import { startTestApiServer } from '../../testing/api-server.ts';

const key = { namespace: 'default', name: 'a' };
const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const spec = { scaleTargetRef: target, maxReplicas: 5 };

test('an autoscaler is one object in both versions, and its managers keep the version that they wrote in', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  const apply = (resource: typeof horizontalPodAutoscalers, fieldManager: string, content: object, force = false): Promise<V2> => admin.patch(resource, key, {
    type: 'application/apply-patch+yaml', force, body: { apiVersion: `autoscaling/${resource.version}`, kind: 'HorizontalPodAutoscaler', metadata: { name: 'a' }, spec: content },
  }, { fieldManager });
  const v1 = horizontalPodAutoscalersAutoscalingV1 as unknown as typeof horizontalPodAutoscalers;
  await apply(v1, 'one', { ...spec, targetCPUUtilizationPercentage: 50 });
  const seen = await admin.get(horizontalPodAutoscalers, key);
  expect(seen).toMatchObject({ apiVersion: 'autoscaling/v2', spec: { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }] } });
  expect(seen.metadata.managedFields).toMatchObject([{ manager: 'one', apiVersion: 'autoscaling/v1', fieldsV1: { 'f:spec': { 'f:maxReplicas': {}, 'f:scaleTargetRef': {}, 'f:targetCPUUtilizationPercentage': {} } } }]);
  const metrics = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }];
  await expect(apply(horizontalPodAutoscalers, 'two', { metrics })).rejects.toMatchObject({ code: 409, message: expect.stringContaining('conflict with "one": .spec.targetCPUUtilizationPercentage') });
  await apply(horizontalPodAutoscalers, 'two', { metrics }, true);
  const shown = await admin.get(horizontalPodAutoscalersAutoscalingV1, key);
  expect(shown).toMatchObject({ apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 70 } });
  expect(shown.metadata.managedFields?.map(({ manager, apiVersion }) => [manager, apiVersion])).toEqual([['one', 'autoscaling/v1'], ['two', 'autoscaling/v2']]);
  expect(shown.metadata.managedFields?.[0]).not.toMatchObject({ fieldsV1: { 'f:spec': { 'f:targetCPUUtilizationPercentage': {} } } });
  // What the kind demands is demanded in each version.
  await expect(admin.update(horizontalPodAutoscalersAutoscalingV1, { ...shown, spec: { ...shown.spec!, maxReplicas: 0 } } as V1)).rejects.toMatchObject({ code: 422, message: expect.stringContaining('spec.maxReplicas') });
});

test('events of both groups are the same objects, selected and watched by the fields of their own', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  const watch = await admin.watch(eventsEventsV1, { namespace: 'default', fieldSelector: 'regarding.name=web' });
  const event = (name: string, about: string) => ({ metadata: { namespace: 'default', name }, involvedObject: { kind: 'Pod', namespace: 'default', name: about }, reason: 'Started', message: 'up', type: 'Normal', source: { component: 'test' } });
  await admin.create(events, event('b', 'other') as never);
  await admin.create(events, event('c', 'web') as never);
  for await (const { type, object } of watch) {
    expect([type, object.apiVersion, object.metadata.name, object.note, object.regarding?.name]).toEqual(['ADDED', 'events.k8s.io/v1', 'c', 'up', 'web']);
    break;
  }
  expect((await admin.list(eventsEventsV1, { fieldSelector: 'regarding.name=other' })).items.map(({ note }) => note)).toEqual(['up']);
  await admin.delete(eventsEventsV1, { namespace: 'default', name: 'c' });
  expect((await admin.list(events, { namespace: 'default' })).items.map(({ metadata }) => metadata.name)).toEqual(['b']);
});
