import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { CustomResourceDefinition } from '../../api/generated/apiextensions-v1.ts';
import { customResourceDefinitions, mutatingWebhookConfigurations, validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from '../../api/generated/resources.ts';
import type { KubeObject, New, ResourceType } from '../../api/object.ts';
import { createAuthority, issueCertificate } from '../../base/certificates.ts';
import type { Random } from '../../base/random.ts';
import type { WatchEvent } from '../../client/client.ts';
import { startTestApiServer } from '../../testing/api-server.ts';
import { ConversionWebhook } from './conversion-webhook.ts';

/** v1 has `hostPort: "h:1"`, v2 `host: h, port: 1`. */
interface Route extends KubeObject {
  readonly metadata: KubeObject['metadata'] & { readonly namespace: string };
  readonly hostPort?: string;
  readonly host?: string;
  readonly port?: number;
  readonly replicas?: number;
  readonly status?: { readonly seen?: number };
}

interface Review {
  readonly apiVersion: string;
  readonly request: { readonly uid: string; readonly desiredAPIVersion: string; readonly objects: readonly Route[] };
}

type Answer = Record<string, unknown>;

const now = Date.now();
const authority = await createAuthority('ca', { now });
const serving = await issueCertificate(authority, { commonName: 'hook', addresses: ['127.0.0.1'], usages: ['server auth'], days: 1, now });

const v1: ResourceType<Route> = { group: 'example.com', version: 'v1', resource: 'routes', kind: 'Route', namespaced: true };
const v2: ResourceType<Route> = { ...v1, version: 'v2' };
const name = 'routes.example.com';
const key = (routeName: string) => ({ namespace: 'default', name: routeName });
const route = (routeName: string, content: object, labels: Record<string, string> = {}) => ({ metadata: { ...key(routeName), labels }, ...content }) as unknown as New<Route>;
const merge = (body: object) => ({ type: 'application/merge-patch+json', body }) as const;

function convert(object: Route, apiVersion: string): Route {
  if (apiVersion === 'example.com/v2') {
    const { hostPort = '', ...rest } = object;
    const [host, port] = hostPort.split(':');
    return { ...rest, apiVersion, host: host!, port: Number(port) };
  }
  const { host, port, ...rest } = object;
  return { ...rest, apiVersion, hostPort: `${host}:${port}` };
}

const version = (versionName: string, properties: object, more: object = {}) => ({
  name: versionName, served: true, storage: false, subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.seen' } },
  schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { replicas: { type: 'integer' } } }, status: { type: 'object', properties: { seen: { type: 'integer' } } }, ...properties } } }, ...more,
});
const first = (more: object = {}) => version('v1', { hostPort: { type: 'string' }, extra: { type: 'string', default: 'of v1' } }, more);
const second = (more: object = {}) => version('v2', { host: { type: 'string', pattern: '^[a-z]+$' }, port: { type: 'integer' } }, { selectableFields: [{ jsonPath: '.host' }], ...more });

/** An API server with routes whose versions a webhook converts; `answer` may put something else in place of its answers. */
async function world(options: { versions?: readonly object[]; reviewVersions?: readonly string[] } = {}) {
  const reviews: Review[] = [];
  const admitted: unknown[] = [];
  const behaviour: { answer: ((proper: Answer, review: Review) => unknown) | undefined } = { answer: undefined };
  const hook = createServer({ key: serving.key, cert: serving.certificate }, (request, response) => {
    let text = '';
    request.on('data', (piece) => (text += String(piece)));
    request.on('end', () => {
      const review = JSON.parse(text) as Review;
      if (request.url!.startsWith('/admit')) {
        admitted.push(review.request);
        const patch = Buffer.from(JSON.stringify([{ op: 'replace', path: '/hostPort', value: 'admitted:7' }])).toString('base64');
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...review, response: { uid: review.request.uid, allowed: true, patchType: 'JSONPatch', patch } }));
        return;
      }
      reviews.push(review);
      const { uid, objects, desiredAPIVersion } = review.request;
      const proper = { apiVersion: review.apiVersion, kind: 'ConversionReview', response: { uid, result: { status: 'Success' }, convertedObjects: objects.map((object) => convert(object, desiredAPIVersion)) } };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(behaviour.answer ? behaviour.answer(proper, review) : proper));
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  const { port } = hook.address() as AddressInfo;
  const url = `https://127.0.0.1:${port}/convert`;
  const api = await startTestApiServer();
  const conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: options.reviewVersions ?? ['v1'], clientConfig: { url, caBundle: Buffer.from(authority.certificate).toString('base64') } } };
  const spec = (versions: readonly object[]) => ({ group: 'example.com', scope: 'Namespaced', names: { plural: 'routes', kind: 'Route' }, conversion, versions }) as unknown as CustomResourceDefinition['spec'];
  await api.admin.create(customResourceDefinitions, { metadata: { name }, spec: spec(options.versions ?? [first({ storage: true }), second()]) } as unknown as New<CustomResourceDefinition>);
  return {
    admin: api.admin, reviews, admitted, behaviour, url,
    async redefine(versions: readonly object[]): Promise<CustomResourceDefinition> {
      const present = await api.admin.get(customResourceDefinitions, { name });
      return await api.admin.update(customResourceDefinitions, { ...present, spec: spec(versions) });
    },
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]();
      hook.closeAllConnections();
      await new Promise((resolve) => hook.close(resolve));
    },
  };
}

test('objects read, are written, patched, scaled and deleted in any version', async () => {
  await using w = await world();
  const { admin, reviews } = w;
  expect(await admin.create(v1, route('a', { hostPort: 'h:1' }))).toMatchObject({ apiVersion: 'example.com/v1', hostPort: 'h:1', extra: 'of v1' });
  expect(reviews).toHaveLength(0);
  const seen = await admin.get(v2, key('a'));
  expect(seen).toMatchObject({ apiVersion: 'example.com/v2', kind: 'Route', host: 'h', port: 1 });
  expect(seen).not.toHaveProperty('hostPort');
  // `extra` is the default of the stored version, which v2 does not have: it is pruned.
  expect(seen).not.toHaveProperty('extra');
  expect(reviews[0]).toMatchObject({ kind: 'ConversionReview', apiVersion: 'apiextensions.k8s.io/v1', request: { desiredAPIVersion: 'example.com/v2', objects: [{ apiVersion: 'example.com/v1', hostPort: 'h:1', extra: 'of v1' }] } });
  expect(await admin.create(v2, route('b', { host: 'k', port: 2 }))).toMatchObject({ apiVersion: 'example.com/v2', host: 'k', port: 2 });
  expect(await admin.get(v1, key('b'))).toMatchObject({ apiVersion: 'example.com/v1', hostPort: 'k:2' });
  await expect(admin.create(v2, route('c', { host: 'NO', port: 2 }))).rejects.toMatchObject({ code: 422, message: expect.stringContaining('host in body should match') });
  expect(await admin.patch(v2, key('a'), merge({ port: 9, spec: { replicas: 1 } }))).toMatchObject({ apiVersion: 'example.com/v2', host: 'h', port: 9, metadata: { generation: 2 } });
  expect(await admin.get(v1, key('a'))).toMatchObject({ hostPort: 'h:9' });
  const scaled = await admin.patch(v2, key('a'), merge({ spec: { replicas: 4 } }), { subresource: 'scale' });
  expect(scaled).toMatchObject({ kind: 'Scale', spec: { replicas: 4 } });
  const reported = await admin.updateStatus(v2, { ...(await admin.get(v2, key('a'))), host: 'other', status: { seen: 3 } });
  expect(reported).toMatchObject({ apiVersion: 'example.com/v2', host: 'h', status: { seen: 3 }, spec: { replicas: 4 } });
  await admin.delete(v2, key('a'));
  await expect(admin.get(v1, key('a'))).rejects.toMatchObject({ code: 404 });
});

test('a list is converted in one call, and sends only what is of another version; what was converted for a list is not asked about again', async () => {
  await using w = await world();
  const { admin, reviews } = w;
  await admin.create(v1, route('a', { hostPort: 'a:1' }));
  await w.redefine([first(), second({ storage: true })]);
  await admin.create(v2, route('b', { host: 'b', port: 2 }));
  await w.redefine([first({ storage: true }), second()]);
  await admin.create(v1, route('c', { hostPort: 'c:3' }));
  reviews.length = 0;
  const list = await admin.list(v2);
  expect(list).toMatchObject({ apiVersion: 'example.com/v2', kind: 'RouteList' });
  expect(list.items.map(({ apiVersion, host, port }) => [apiVersion, host, port])).toEqual([['example.com/v2', 'a', 1], ['example.com/v2', 'b', 2], ['example.com/v2', 'c', 3]]);
  expect(reviews.map(({ request }) => request.objects.map((object) => object.metadata.name))).toEqual([['a', 'c']]);
  await admin.list(v2);
  expect(reviews).toHaveLength(1);
  expect((await admin.list(v2, { fieldSelector: 'host=c' })).items.map((item) => item.metadata.name)).toEqual(['c']);
  await expect(admin.list(v1, { fieldSelector: 'host=c' })).rejects.toMatchObject({ code: 400, message: expect.stringContaining('field label not supported: host') });
  expect((await admin.list(v1)).items.map(({ hostPort }) => hostPort)).toEqual(['a:1', 'b:2', 'c:3']);
  expect((await admin.list(v2, { limit: 2 })).items.map(({ host }) => host)).toEqual(['a', 'b']);
});

test('watchers see each change once, in order and in their version, however slow the webhook is', async () => {
  await using w = await world();
  const { admin, reviews, behaviour } = w;
  await admin.create(v1, route('a', { hostPort: 'a:0' }, { on: 'yes' }));
  const [all, selected] = [await admin.watch(v2, { namespace: 'default', allowWatchBookmarks: true, sendInitialEvents: true }), await admin.watch(v2, { labelSelector: 'on=yes' })];
  for (let port = 1; port <= 20; port++) await admin.patch(v1, key('a'), merge({ hostPort: `a:${port}` }));
  await admin.patch(v1, key('a'), merge({ metadata: { labels: { on: 'no' } } }));
  await admin.delete(v1, key('a'));
  const shown = async (watch: AsyncIterable<WatchEvent<Route>>, last: string): Promise<string[]> => {
    const told: string[] = [];
    for await (const { type, object } of watch) {
      told.push(`${type} ${object.apiVersion.slice(-2)} ${object.port ?? ''}`);
      if (type === last) break;
    }
    return told;
  };
  const changes = Array.from({ length: 20 }, (_, i) => `MODIFIED v2 ${i + 1}`);
  expect(await shown(all, 'DELETED')).toEqual(['ADDED v2 0', 'BOOKMARK v2 ', ...changes, 'MODIFIED v2 20', 'DELETED v2 20']);
  expect(await shown(selected, 'DELETED')).toEqual(['ADDED v2 0', ...changes, 'DELETED v2 20']);
  // Both watchers share what was asked: each state of the object was sent once.
  const sent = reviews.flatMap(({ request }) => request.objects.map(({ metadata: { resourceVersion } }) => resourceVersion));
  expect(new Set(sent).size).toBe(sent.length);
  behaviour.answer = () => ({ kind: 'ConversionReview', apiVersion: 'apiextensions.k8s.io/v1' });
  await admin.create(v1, route('b', { hostPort: 'b:1' }));
  const broken = await admin.watch(v2, { namespace: 'default' });
  await expect(shown(broken, 'DELETED')).rejects.toMatchObject({ code: 500, message: 'conversion webhook for example.com/v1, Kind=Route failed: no response provided' });
});

test.each<[string, (proper: any) => unknown, string]>([
  ['another kind of answer', (proper) => ({ ...proper, kind: 'Pod' }), 'failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got apiextensions.k8s.io/v1, Kind=Pod'],
  ['an answer for somebody else', (proper) => ({ ...proper, response: { ...proper.response, uid: 'x' } }), 'failed: expected response.uid="'],
  ['a refusal', (proper) => ({ ...proper, response: { ...proper.response, result: { status: 'Failure', message: 'not today' } } }), 'failed: not today'],
  ['no result', (proper) => ({ ...proper, response: { ...proper.response, result: {} } }), "failed: response.result.status was '', not 'Success'"],
  ['too little', (proper) => ({ ...proper, response: { ...proper.response, convertedObjects: [] } }), 'returned 0 objects, expected 1'],
  ['another version', (proper) => changed(proper, { apiVersion: 'example.com/v3' }), 'returned invalid object at index 0: invalid groupVersion (expected example.com/v2, received example.com/v3)'],
  ['another kind', (proper) => changed(proper, { kind: 'Street' }), 'returned invalid object at index 0: invalid kind (expected Route, received Street)'],
  ['another name', (proper) => changed(proper, { metadata: { ...proper.response.convertedObjects[0].metadata, name: 'b' } }), 'returned invalid object: must have the same name: a != b'],
  ['another uid', (proper) => changed(proper, { metadata: { ...proper.response.convertedObjects[0].metadata, uid: '' } }), 'returned invalid object: must have the same UID: '],
  ['broken labels', (proper) => changed(proper, { metadata: { ...proper.response.convertedObjects[0].metadata, labels: { 'a b': 'c' } } }), 'returned invalid metadata: metadata.labels: Invalid value: "a b": '],
  ['a label that is no text', (proper) => changed(proper, { metadata: { ...proper.response.convertedObjects[0].metadata, labels: { a: 1 } } }), 'returned invalid metadata: metadata.labels[a] must be a string, but is int64 in converted object'],
])('an answer is refused: %s', async (_name, answer, message) => {
  await using w = await world();
  await w.admin.create(v1, route('a', { hostPort: 'h:1' }));
  w.behaviour.answer = answer;
  await expect(w.admin.get(v2, key('a'))).rejects.toMatchObject({ code: 500, message: expect.stringContaining(`conversion webhook for example.com/v1, Kind=Route ${message}`) });
  w.behaviour.answer = undefined;
  expect(await w.admin.get(v2, key('a'))).toMatchObject({ host: 'h' });
});

const changed = (proper: any, change: object) => ({ ...proper, response: { ...proper.response, convertedObjects: [{ ...proper.response.convertedObjects[0], ...change }] } });

test('of the metadata only labels and annotations are the webhook’s', async () => {
  await using w = await world();
  const created = await w.admin.create(v1, route('a', { hostPort: 'h:1' }));
  w.behaviour.answer = (proper) => {
    const { metadata } = (proper as any).response.convertedObjects[0];
    return changed(proper, { metadata: { ...metadata, labels: { from: 'v1' }, annotations: { note: 'x' }, finalizers: ['example.com/hold'], generation: 77 } });
  };
  const seen = await w.admin.get(v2, key('a'));
  expect(seen.metadata).toEqual({ ...created.metadata, labels: { from: 'v1' }, annotations: { note: 'x' } });
});

test('an unreachable webhook is told of as upstream does; the stored version needs none; old reviews do without a uid', async () => {
  await using w = await world({ reviewVersions: ['v0', 'v1beta1', 'v1'] });
  await w.admin.create(v1, route('a', { hostPort: 'h:1' }));
  w.behaviour.answer = (proper) => ({ response: { ...(proper['response'] as object), uid: '' } });
  expect(await w.admin.get(v2, key('a'))).toMatchObject({ host: 'h' });
  expect(w.reviews[0]!.apiVersion).toBe('apiextensions.k8s.io/v1beta1');
  const present = await w.admin.get(customResourceDefinitions, { name });
  const clientConfig = { url: w.url, caBundle: Buffer.from((await createAuthority('other', { now })).certificate).toString('base64') };
  await w.admin.update(customResourceDefinitions, { ...present, spec: { ...present.spec, conversion: { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } } } } as never);
  const failed = { code: 500, message: `conversion webhook for example.com/v1, Kind=Route failed: Post "${w.url}?timeout=30s": tls: failed to verify certificate: x509: certificate signed by unknown authority` };
  await expect(w.admin.get(v2, key('a'))).rejects.toMatchObject(failed);
  await expect(w.admin.list(v2)).rejects.toMatchObject(failed);
  await expect(w.admin.patch(v2, key('a'), merge({ port: 2 }))).rejects.toMatchObject(failed);
  await expect(w.admin.delete(v2, key('a'))).rejects.toMatchObject(failed);
  await w.admin.patch(v1, key('a'), merge({ hostPort: 'h:2' }));
  await w.admin.delete(v1, key('a'));
});

test('an update without a change brings an object into the version that is stored now', async () => {
  await using w = await world();
  const { admin } = w;
  const created = await admin.create(v1, route('a', { hostPort: 'h:1' }));
  expect((await w.redefine([first(), second({ storage: true })])).status?.storedVersions).toEqual(['v1', 'v2']);
  expect((await admin.get(v1, key('a'))).metadata.resourceVersion).toBe(created.metadata.resourceVersion);
  expect((await admin.get(v2, key('a'))).metadata.resourceVersion).toBe(created.metadata.resourceVersion);
  const migrated = await admin.patch(v2, key('a'), merge({}));
  expect(migrated.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion);
  expect((await admin.patch(v2, key('a'), merge({}))).metadata.resourceVersion).toBe(migrated.metadata.resourceVersion);
  await expect(w.redefine([second({ storage: true })])).rejects.toMatchObject({ code: 422, message: expect.stringContaining('status.storedVersions[0]') });
  const present = await admin.get(customResourceDefinitions, { name });
  await admin.updateStatus(customResourceDefinitions, { ...present, status: { ...present.status, storedVersions: ['v2'] } } as CustomResourceDefinition);
  await w.redefine([second({ storage: true })]);
  w.reviews.length = 0;
  expect(await admin.get(v2, key('a'))).toMatchObject({ host: 'h', port: 1 });
  expect(w.reviews).toHaveLength(0);
});

test('managers keep the version that they wrote in, and own its fields', async () => {
  await using w = await world();
  const { admin } = w;
  const apply = (resource: typeof v1, fieldManager: string, content: object, force = false) => admin.patch(resource, key('a'), {
    type: 'application/apply-patch+yaml', force, body: { apiVersion: `example.com/${resource.version}`, kind: 'Route', metadata: { name: 'a' }, ...content },
  }, { fieldManager });
  const owners = async () => (await admin.get(v1, key('a'))).metadata.managedFields!.map(({ manager, apiVersion, fieldsV1 }) => [manager, apiVersion, Object.keys(fieldsV1 as object)]);
  await apply(v1, 'one', { hostPort: 'h:1' });
  await expect(apply(v2, 'two', { port: 2 })).rejects.toMatchObject({ code: 409, message: 'Apply failed with 1 conflict: conflict with "one": .hostPort' });
  expect(await apply(v2, 'two', { port: 2 }, true)).toMatchObject({ host: 'h', port: 2 });
  expect(await owners()).toEqual([['two', 'example.com/v2', ['f:port']]]);
  await admin.patch(v1, key('a'), merge({ hostPort: 'h:3' }), { fieldManager: 'three' });
  expect(await owners()).toEqual([['three', 'example.com/v1', ['f:hostPort']]]);
  // The same manager, applying in another version: what it applied before is its own.
  await apply(v2, 'four', { spec: { replicas: 2 } });
  expect(await apply(v1, 'four', {})).not.toHaveProperty('spec');
});

test('admission sees the version that its rules name', async () => {
  await using w = await world();
  const { admin } = w;
  const rules = [{ operations: ['CREATE'], apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['routes'] }];
  await admin.create(mutatingWebhookConfigurations, {
    metadata: { name: 'm' },
    webhooks: [{ name: 'm.example.com', rules, clientConfig: { url: w.url.replace('/convert', '/admit'), caBundle: Buffer.from(authority.certificate).toString('base64') }, sideEffects: 'None', admissionReviewVersions: ['v1'] }],
  } as never);
  expect(await admin.create(v2, route('a', { host: 'h', port: 1 }))).toMatchObject({ apiVersion: 'example.com/v2', host: 'admitted', port: 7 });
  expect(w.admitted).toMatchObject([{
    kind: { version: 'v1', kind: 'Route' }, resource: { version: 'v1' }, requestKind: { version: 'v2', kind: 'Route' }, requestResource: { version: 'v2', resource: 'routes' }, object: { apiVersion: 'example.com/v1', hostPort: 'h:1' },
  }]);
  await admin.create(validatingAdmissionPolicies, {
    metadata: { name: 'p' }, spec: { matchConstraints: { resourceRules: rules }, validations: [{ expression: 'object.hostPort != "admitted:7"', message: 'seen as v1' }] },
  } as never);
  await admin.create(validatingAdmissionPolicyBindings, { metadata: { name: 'b' }, spec: { policyName: 'p', validationActions: ['Deny'] } } as never);
  await expect(admin.create(v2, route('b', { host: 'h', port: 1 }))).rejects.toMatchObject({ message: expect.stringContaining('seen as v1') });
});

test('a definition whose objects cannot be converted stays until they can', async () => {
  await using w = await world();
  const { admin } = w;
  await admin.create(v1, route('a', { hostPort: 'h:1' }));
  w.behaviour.answer = () => ({});
  await w.redefine([first(), second({ storage: true })]);
  await admin.delete(customResourceDefinitions, { name });
  await expect.poll(async () => (await admin.get(customResourceDefinitions, { name })).status?.conditions).toContainEqual(
    expect.objectContaining({ type: 'Terminating', status: 'True', reason: 'InstanceDeletionFailed', message: expect.stringContaining('could not list instances: conversion webhook for example.com/v1, Kind=Route failed') }),
  );
  w.behaviour.answer = undefined;
  await expect.poll(() => admin.get(customResourceDefinitions, { name }).then(() => 'there', (error: { reason: string }) => error.reason), { timeout: 10_000 }).toBe('NotFound');
});

test('a list that is too long for one call goes in several', async () => {
  const sent: number[] = [];
  const random = { uuid: () => 'u' } as Random;
  const definition = { spec: { conversion: { webhook: { clientConfig: {}, conversionReviewVersions: ['v1'] } } } } as unknown as CustomResourceDefinition;
  const post = async (_config: unknown, body: unknown): Promise<unknown> => {
    const { request: { uid, objects, desiredAPIVersion } } = body as Review;
    sent.push(objects.length);
    return { kind: 'ConversionReview', apiVersion: 'apiextensions.k8s.io/v1', response: { uid, result: { status: 'Success' }, convertedObjects: objects.map((object) => convert(object, desiredAPIVersion)) } };
  };
  const webhook = new ConversionWebhook({ definition, client: { post }, random });
  const many = (count: number, hostPort: string) => Array.from({ length: count }, (_, i) => ({ ...route(`r${i}`, { hostPort }), apiVersion: 'example.com/v1', kind: 'Route' }) as unknown as KubeObject);
  expect((await webhook.convert(many(1001, 'h:1'), 'example.com/v2')).map(({ metadata: { name: routeName } }) => routeName)).toEqual(many(1001, '').map(({ metadata: { name: routeName } }) => routeName));
  await webhook.convert(many(3, 'h'.repeat(3 * 1024 * 1024)), 'example.com/v2');
  expect(sent).toEqual([500, 500, 1, 1, 1, 1]);
});
