import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConfigMap } from '../api/generated/core-v1.ts';
import { configMaps, events, serviceAccounts } from '../api/generated/resources.ts';
import { keyOf } from '../api/object.ts';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { startTestHttpsApiServer } from '../testing/api-server.ts';
import { createEventRecorder } from './event-recorder.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';
import { createInformerFactory } from './informer-factory.ts';
import { startReconciler } from './start-reconciler.ts';

// The whole floor over HTTPS against the real API server.
let api: Awaited<ReturnType<typeof startTestHttpsApiServer>>;
let client: HttpClient;
beforeAll(async () => {
  api = await startTestHttpsApiServer();
  client = createHttpClient({ server: api.https.url, ca: api.https.authority, ...api.https.admin, userAgent: 'test' });
});
afterAll(async () => {
  client[Symbol.dispose]();
  await api[Symbol.asyncDispose]();
});

const configMap = (name: string, value: string) => ({ metadata: { name, namespace: 'default' }, data: { value } });
async function until(look: () => boolean): Promise<void> {
  for (let i = 0; i < 300 && !look(); i++) await systemClock.sleep(10);
  expect(look()).toBe(true);
}

test('all verbs, and the server\'s refusals', async () => {
  const created = await client.create(configMaps, configMap('verbs', '1'));
  expect(created.metadata.uid).toBeTruthy();
  await expect(client.create(configMaps, configMap('verbs', '1'))).rejects.toMatchObject({ reason: 'AlreadyExists', message: 'configmaps "verbs" already exists' });
  const updated = await client.update(configMaps, { ...created, data: { value: '2' } });
  await expect(client.update(configMaps, { ...created, data: { value: '3' } })).rejects.toMatchObject({ reason: 'Conflict' });
  const patched = await client.patch(configMaps, { namespace: 'default', name: 'verbs' }, { type: 'application/json-patch+json', body: [{ op: 'replace', path: '/data/value', value: '4' }] });
  expect(Number(patched.metadata.resourceVersion)).toBeGreaterThan(Number(updated.metadata.resourceVersion));
  const dry = await client.patch(configMaps, { namespace: 'default', name: 'verbs' }, { type: 'application/merge-patch+json', body: { data: { value: '5' } } }, { dryRun: true });
  expect(dry.data).toEqual({ value: '5' });
  expect((await client.get(configMaps, { namespace: 'default', name: 'verbs' })).data).toEqual({ value: '4' });
  expect((await client.list(configMaps, { fieldSelector: 'metadata.name=verbs' })).items).toHaveLength(1);
  await client.delete(configMaps, { namespace: 'default', name: 'verbs' }, { preconditions: { uid: created.metadata.uid } });
  await expect(client.get(configMaps, { namespace: 'default', name: 'verbs' })).rejects.toMatchObject({ reason: 'NotFound' });
});

test('a token from the server is as good as a certificate', async () => {
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } };
  const { status } = await client.createSubresource<{ status: { token: string } }>(serviceAccounts, { namespace: 'default', name: 'default' }, 'token', request);
  using other = createHttpClient({ server: api.https.url, ca: api.https.authority, token: () => status.token, userAgent: 'test' });
  await expect(other.list(configMaps, { namespace: 'default' })).rejects.toMatchObject({ reason: 'Forbidden', message: expect.stringContaining('system:serviceaccount:default:default') });
});

test('an informer follows, and a reconciler brings about what it sees', async () => {
  await using informers = createInformerFactory({ client, clock: systemClock, random: seededRandom(1), log: silentLog });
  const informer = informers.informer(configMaps, { namespace: 'default' });
  await client.create(configMaps, configMap('before', 'x'));
  await using reconciler = startReconciler({
    name: 'upper', clock: systemClock, log: silentLog,
    async reconcile(key) {
      const object = informer.get(key);
      if (!object?.data?.['value'] || object.data['value'] === object.data['value'].toUpperCase()) return;
      await client.update(configMaps, { ...object, data: { value: object.data['value'].toUpperCase() } });
    },
  });
  using following = informer.subscribe({ add: (o) => reconciler.enqueue(keyOf(o)), update: (_, o) => reconciler.enqueue(keyOf(o)) });
  void following;
  await informers.untilSynced();
  await Promise.all(Array.from({ length: 20 }, (_, i) => client.create(configMaps, configMap(`c${i}`, 'abc'))));
  const ours = (): readonly ConfigMap[] => informer.list('default').filter((o) => o.metadata.name !== 'kube-root-ca.crt');
  await until(() => ours().length === 21 && ours().every((o) => /^[A-Z]+$/.test(o.data!['value']!)));
  await client.deleteCollection(configMaps, { namespace: 'default' });
  await until(() => ours().length === 0);
});

test('what did not change is the same object before and after, also over the wire', async () => {
  await using informers = createInformerFactory({ client, clock: systemClock, random: seededRandom(1), log: silentLog });
  const pairs: [ConfigMap, ConfigMap][] = [];
  using following = informers.informer(configMaps).subscribe({ update: (...pair) => void pairs.push(pair) });
  void following;
  await informers.untilSynced();
  const { metadata } = await client.create(configMaps, configMap('shared', 'x'));
  await client.patch(configMaps, metadata, { type: 'application/merge-patch+json', body: { metadata: { labels: { a: 'b' } } } });
  await until(() => pairs.length === 1);
  const [previous, object] = pairs[0]!;
  expect(object.data).toBe(previous.data);
  expect(object.metadata.labels).not.toBe(previous.metadata.labels);
});

test('events are accepted and counted by the server', async () => {
  const about = await client.create(configMaps, configMap('subject', 'x'));
  await using recorder = createEventRecorder({ client, clock: systemClock, random: seededRandom(5), log: silentLog, component: 'tester' });
  for (let i = 0; i < 3; i++) {
    recorder.event(about, 'Warning', 'Odd', 'this is odd');
    await recorder.flush();
  }
  const { items } = await client.list(events, { namespace: 'default', fieldSelector: 'involvedObject.name=subject' });
  expect(items).toMatchObject([{ count: 3, reason: 'Odd', type: 'Warning', source: { component: 'tester' }, involvedObject: { kind: 'ConfigMap', uid: about.metadata.uid } }]);
});
