import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeProtobuf, encodeProtobuf } from '../../api/protobuf/envelope.ts';
import type { KeyPair } from '../../base/certificates.ts';
import { startTestHttpsApiServer, type HttpsAccess, type TestApiServer } from '../../testing/api-server.ts';

let api: TestApiServer & { readonly https: HttpsAccess };
let tls: RequestOptions;

beforeAll(async () => {
  api = await startTestHttpsApiServer();
  tls = { ca: api.https.authority, key: api.https.admin.key, cert: api.https.admin.certificate };
});
afterAll(() => api[Symbol.asyncDispose]());

interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly json: any;
}

function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, identity: KeyPair | undefined | null = undefined): Promise<Answer> {
  const payload = body === undefined ? undefined : Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
  const credentials = identity === null ? { key: undefined, cert: undefined } : identity ? { key: identity.key, cert: identity.certificate } : {};
  return new Promise((resolve, reject) => {
    const request = httpsRequest(api.https.url + path, { ...tls, ...credentials, method, agent: false, headers: { ...(payload !== undefined && { 'Content-Type': 'application/json' }), ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({ code: response.statusCode!, headers: response.headers, body: bytes, get json() { return JSON.parse(bytes.toString()); } });
      });
    });
    request.on('error', reject);
    request.end(payload);
  });
}

/** The objects of a watch, line by line, until `count` came. */
async function watchLines(path: string, count: number, during: () => Promise<void> = async () => {}): Promise<any[]> {
  const lines: any[] = [];
  await new Promise<void>((resolve, reject) => {
    const request = httpsRequest(api.https.url + path, { ...tls, agent: false }, (response) => {
      let rest = '';
      response.on('data', (chunk: Buffer) => {
        const parts = (rest + chunk.toString()).split('\n');
        rest = parts.pop()!;
        for (const part of parts) lines.push(JSON.parse(part));
        if (lines.length >= count) {
          request.destroy();
          resolve();
        }
      });
      response.on('end', () => resolve());
      during().catch(reject);
    });
    request.on('error', (error) => lines.length >= count ? resolve() : reject(error));
    request.end();
  });
  return lines;
}

const maps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, data: Record<string, string> = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

test('writes and reads objects with upstream\'s codes and words', async () => {
  const created = await call('POST', maps, configMap('one', { a: '1' }));
  expect(created).toMatchObject({ code: 201, headers: { 'content-type': 'application/json', 'audit-id': expect.any(String) } });
  expect(await call('POST', maps, configMap('one'))).toMatchObject({ code: 409, json: { kind: 'Status', reason: 'AlreadyExists', message: 'configmaps "one" already exists', details: { name: 'one', kind: 'configmaps' } } });
  expect((await call('GET', `${maps}/one`)).json).toEqual(created.json);
  expect(await call('GET', `${maps}/none`)).toMatchObject({ code: 404, json: { message: 'configmaps "none" not found' } });
  const put = await call('PUT', `${maps}/one`, { ...created.json, data: { a: '2' } });
  expect(put).toMatchObject({ code: 200, json: { data: { a: '2' } } });
  expect(await call('PUT', `${maps}/one`, created.json)).toMatchObject({
    code: 409, json: { reason: 'Conflict', message: 'Operation cannot be fulfilled on configmaps "one": the object has been modified; please apply your changes to the latest version and try again' },
  });
  for (const [method, path, headers, code, json] of [
    ['HEAD', `${maps}/one`, {}, 405, undefined],
    ['GET', `${maps}/one?long=${'a'.repeat(100_000)}`, {}, 200, { kind: 'ConfigMap' }],
    ['TRACE', maps, {}, 405, { message: 'the server does not allow this method on the requested resource', details: {} }],
    ['GET', maps, { Accept: 'text/html' }, 406, { message: '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch' }],
    ['GET', maps, { Accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' }, 406, { message: 'you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)' }],
    ['GET', `${maps}/one/a/b/c`, {}, 404, { message: 'the server could not find the requested resource' }],
    ['GET', `${maps}?limit=1&continue=!`, {}, 400, { message: 'invalid continue token: continue key is not valid: illegal base64 data at input byte 0' }],
    ['GET', '/apis/apps/v9', {}, 404, { reason: 'NotFound', message: 'the server could not find the requested resource' }],
  ] as const) {
    const answer = await call(method, path, undefined, headers);
    expect({ code: answer.code, ...(json && { json: answer.json }) }).toMatchObject({ code, ...(json && { json }) });
  }
  await call('POST', maps, { ...configMap('held'), metadata: { name: 'held', finalizers: ['example.com/held'] } });
  await call('DELETE', `${maps}/held`);
  expect(await call('POST', maps, configMap('held'))).toMatchObject({ code: 409, json: { message: 'object is being deleted: configmaps "held" already exists' } });
  expect(await call('PUT', `${maps}/two`, created.json)).toMatchObject({ code: 400, json: { message: 'the name of the object (one) does not match the name on the URL (two)' } });
  expect(await call('POST', maps, { ...configMap('x'), metadata: { name: 'x', namespace: 'other' } })).toMatchObject({
    code: 400, json: { message: 'the namespace of the provided object does not match the namespace sent on the request' },
  });
  expect(await call('POST', maps, { ...configMap('x'), apiVersion: 'v2' })).toMatchObject({ code: 400, json: { message: 'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30"' } });
  expect(await call('DELETE', `${maps}/one`)).toMatchObject({ code: 200, json: { kind: 'Status', status: 'Success', details: { name: 'one', kind: 'configmaps', uid: created.json.metadata.uid } } });
  expect(await call('DELETE', `${maps}/one`)).toMatchObject({ code: 404 });
  // Some kinds answer with what was deleted, as upstream's do.
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  const account = await call('POST', accounts, { metadata: { name: 'one' } });
  expect(await call('DELETE', `${accounts}/one`)).toMatchObject({ code: 200, json: { kind: 'ServiceAccount', metadata: { name: 'one', uid: account.json.metadata.uid } } });
});

test('custom resources are told apart by their head, listed to the end and scaled without a basis', async () => {
  const version = (name: string, more: object) => ({ name, served: true, storage: name === 'v1', subresources: { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' } }, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { n: { type: 'integer' }, list: { type: 'array', items: { type: 'string' } } } } } } }, ...more });
  const path = '/apis/heads.example.com/v1/namespaces/default/boats';
  expect(await call('GET', path)).toMatchObject({ code: 404, headers: { 'content-type': 'text/plain; charset=utf-8' } });
  await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'boats.heads.example.com' },
    spec: { group: 'heads.example.com', scope: 'Namespaced', names: { plural: 'boats', kind: 'Boat' }, versions: [version('v1', {}), version('v1beta1', { deprecated: true })] },
  });
  await expect.poll(async () => (await call('GET', path)).code).toBe(200);
  const boat = { apiVersion: 'heads.example.com/v1', kind: 'Boat', metadata: { name: 'a' }, spec: { n: 1 } };
  expect(await call('POST', path, { ...boat, kind: undefined })).toMatchObject({ code: 400, json: { message: expect.stringContaining("(must be of type Boat): Object 'Kind' is missing in '{") } });
  expect(await call('POST', path, { ...boat, apiVersion: undefined })).toMatchObject({ code: 400, json: { message: 'the API version in the data () does not match the expected API version (heads.example.com/v1)' } });
  expect(await call('POST', path, { ...boat, kind: 'Ship' })).toMatchObject({ code: 422, json: { message: 'Ship.heads.example.com "a" is invalid: kind: Invalid value: "Ship": must be Boat' } });
  expect((await call('POST', path, boat)).code).toBe(201);
  expect((await call('GET', path)).json.metadata).toEqual({ continue: '', resourceVersion: expect.any(String) });
  expect(await call('PUT', `${path}/a/scale`, { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'a', namespace: 'default' }, spec: { replicas: 3 } })).toMatchObject({ code: 200, json: { spec: { replicas: 3 } } });
  expect(await call('PATCH', `${path}/a`, { spec: { list: [] } }, { 'Content-Type': 'application/merge-patch+json' })).toMatchObject({ json: { metadata: { generation: 3 } } });
  expect(await call('GET', path.replace('v1', 'v1beta1'))).toMatchObject({ headers: { warning: '299 - "heads.example.com/v1beta1 Boat is deprecated; use heads.example.com/v1 Boat"' } });
});

test('patches in three forms, warns of or refuses unknown fields, and changes nothing on a dry run', async () => {
  const path = '/apis/apps/v1/namespaces/default/deployments';
  const deployment = {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' },
    spec: { selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } },
  };
  const typo = { ...deployment, spec: { ...deployment.spec, replica: 2 } };
  expect(await call('POST', `${path}?fieldValidation=Strict`, typo)).toMatchObject({
    code: 400, json: { message: 'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replica"' },
  });
  expect(await call('POST', `${path}?dryRun=All`, typo)).toMatchObject({ code: 201, headers: { warning: '299 - "unknown field \\"spec.replica\\""' } });
  expect((await call('GET', `${path}/web`)).code).toBe(404);
  expect((await call('POST', path, deployment)).json.metadata.generation).toBe(1);
  const patch = (type: string, body: unknown) => call('PATCH', `${path}/web`, body, { 'Content-Type': type });
  expect((await patch('application/strategic-merge-patch+json', { spec: { template: { spec: { containers: [{ name: 'd', image: 'j' }] } } } })).json.spec.template.spec.containers).toHaveLength(2);
  expect((await patch('application/merge-patch+json', { spec: { replicas: 3 } })).json).toMatchObject({ spec: { replicas: 3 }, metadata: { generation: 3 } });
  expect((await patch('application/json-patch+json', [{ op: 'test', path: '/spec/replicas', value: 3 }, { op: 'replace', path: '/spec/replicas', value: 4 }])).json.spec.replicas).toBe(4);
  expect(await patch('text/plain', '{}')).toMatchObject({ code: 415 });
  expect(await call('PATCH', `${path}/web?fieldValidation=Strict`, '{"spec":{"paused":true,"paused":false}}', { 'Content-Type': 'application/merge-patch+json' })).toMatchObject({ code: 422, json: { message: expect.stringContaining('duplicate field "spec.paused"') } });
  const twice = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}\ndata:\n  a: x\n  a: z\n';
  const fault = 'yaml: unmarshal errors:\n  line 6: key "a" already set in map';
  const twiceSent = (method: string, at: string, type: string, validation: string) => call(method, `/api/v1/namespaces/default/configmaps${at}?fieldManager=x&fieldValidation=${validation}`, twice, { 'Content-Type': type });
  expect(await twiceSent('PATCH', '/twice', 'application/apply-patch+yaml', 'Strict')).toMatchObject({ code: 400, json: { message: `error strict decoding YAML: error converting YAML to JSON: ${fault}` } });
  expect(await twiceSent('POST', '', 'application/yaml', 'Strict')).toMatchObject({ code: 400, json: { message: expect.stringContaining(`strict decoding error: ${fault}`) } });
  expect(await twiceSent('PATCH', '/twice', 'application/apply-patch+yaml', 'Warn')).toMatchObject({ code: 201, json: { data: { a: 'z' } }, headers: { warning: expect.stringContaining('already set in map') } });
  const scale = await call('GET', `${path}/web/scale`);
  expect(scale.json).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 4 }, status: { selector: 'app=web' } });
  expect((await call('PUT', `${path}/web/scale`, { ...scale.json, spec: { replicas: 5 } })).json.spec.replicas).toBe(5);
  const current = (await call('GET', `${path}/web`)).json;
  expect((await call('PUT', `${path}/web/status`, { ...current, spec: { ...current.spec, replicas: 9 }, status: { replicas: 5 } })).json).toMatchObject({ spec: { replicas: 5 }, status: { replicas: 5 } });
});

test('answers tables, partial metadata, YAML and protobuf', async () => {
  const table = await call('GET', '/api/v1/namespaces?limit=2', undefined, { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' });
  expect(table.json).toMatchObject({
    kind: 'Table', apiVersion: 'meta.k8s.io/v1', columnDefinitions: [{ name: 'Name', format: 'name', priority: 0 }, { name: 'Status' }, { name: 'Age' }],
    rows: [{ cells: ['default', 'Active', expect.any(String)], object: { kind: 'PartialObjectMetadata' } }, {}],
  });
  const partial = await call('GET', '/api/v1/namespaces', undefined, { Accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' });
  expect(partial.json).toMatchObject({ kind: 'PartialObjectMetadataList', items: expect.arrayContaining([expect.objectContaining({ metadata: expect.objectContaining({ name: 'default' }) })]) });
  expect((await call('GET', '/api/v1/namespaces/default', undefined, { Accept: 'application/yaml' })).body.toString()).toMatch(/^kind: Namespace$/m);
  const protobuf = { Accept: 'application/vnd.kubernetes.protobuf', 'Content-Type': 'application/vnd.kubernetes.protobuf' };
  const made = await call('POST', maps, encodeProtobuf({ ...configMap('proto', { k: 'v' }) }), protobuf);
  expect(made.code).toBe(201);
  expect(decodeProtobuf(made.body)).toMatchObject({ kind: 'ConfigMap', data: { k: 'v' } });
  expect(decodeProtobuf((await call('GET', maps, undefined, protobuf)).body)).toMatchObject({ kind: 'ConfigMapList', items: expect.arrayContaining([expect.objectContaining({ data: { k: 'v' } })]) });
  expect(await call('GET', maps, undefined, { Accept: 'image/png' })).toMatchObject({ code: 406 });
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } };
  expect(await call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review, { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })).toMatchObject({ code: 406 });
  expect(await call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', review)).toMatchObject({ code: 201, json: { status: { allowed: true } } });
  expect((await call('GET', '/api/v1/namespaces/default', undefined, { 'User-Agent': 'curl/8' })).body.toString()).toContain('\n  "kind": "Namespace"');
});

test('pages through a list, at one revision', async () => {
  const path = '/api/v1/namespaces/kube-public/configmaps';
  for (const name of ['a', 'b', 'c', 'd', 'e']) await call('POST', path, configMap(name));
  const first = (await call('GET', `${path}?limit=2`)).json;
  expect(first).toMatchObject({ kind: 'ConfigMapList', metadata: { remainingItemCount: 3 }, items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }] });
  expect(first.items[0].kind).toBeUndefined();
  expect(JSON.parse(Buffer.from(first.metadata.continue, 'base64url').toString())).toEqual({ v: 'meta.k8s.io/v1', rv: Number(first.metadata.resourceVersion), start: 'b\0' });
  await call('DELETE', `${path}/c`);
  const second = (await call('GET', `${path}?limit=2&continue=${first.metadata.continue}`)).json;
  expect(second.items.map((item: any) => item.metadata.name)).toEqual(['c', 'd']); // as it was when the first page was read
  expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  const last = (await call('GET', `${path}?limit=2&continue=${second.metadata.continue}`)).json;
  expect(last.items.map((item: any) => item.metadata.name)).toEqual(['e']);
  expect(last.metadata.continue).toBeUndefined();
  expect(await call('GET', `${path}?continue=xyz`)).toMatchObject({ code: 400 });
  expect((await call('GET', `${path}?fieldSelector=metadata.name%3Dd`)).json.items).toHaveLength(1);
  expect(await call('GET', `${path}?fieldSelector=spec.x%3Dd`)).toMatchObject({ code: 400, json: { message: expect.stringContaining('"spec.x" is not a known field selector') } });
  expect(await call('GET', `${path}?timeoutSeconds=soon`)).toMatchObject({ code: 400, json: { message: 'strconv.ParseInt: parsing "soon": invalid syntax' } });
  expect(await call('GET', `${path}?resourceVersion=99999999`)).toMatchObject({ code: 504, json: { message: expect.stringContaining('Too large resource version: 99999999') } });
});

test('watches over chunked HTTP and over a WebSocket', async () => {
  const path = '/api/v1/namespaces/kube-node-lease/configmaps';
  const before = (await call('GET', path)).json.metadata.resourceVersion;
  const lines = await watchLines(`${path}?watch=1&resourceVersion=${before}&labelSelector=x%3D1`, 3, async () => {
    await call('POST', path, { ...configMap('w'), metadata: { name: 'w', labels: { x: '1' } } });
    await call('PATCH', `${path}/w`, { data: { k: 'v' } }, { 'Content-Type': 'application/merge-patch+json' });
    await call('PATCH', `${path}/w`, { metadata: { labels: { x: '2' } } }, { 'Content-Type': 'application/merge-patch+json' });
  });
  expect(lines.map(({ type, object }) => [type, object.data?.k, object.metadata.labels.x])).toEqual([['ADDED', undefined, '1'], ['MODIFIED', 'v', '1'], ['DELETED', 'v', '1']]);
  const initial = await watchLines(`${path}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan`, 2);
  expect(initial).toMatchObject([{ type: 'ADDED', object: { metadata: { name: 'w' } } }, { type: 'BOOKMARK', object: { kind: 'ConfigMap', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } }]);

  const socket = new WebSocket(`${api.https.url.replace('https', 'wss')}${path}?watch=1`, { ca: tls.ca as string, key: tls.key as string, cert: tls.cert as string });
  const message = await new Promise<any>((resolve, reject) => {
    socket.on('message', (data) => resolve(JSON.parse(String(data))));
    socket.on('error', reject);
  });
  expect(message).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'w' } } });
  socket.terminate();
});

test('a watch ends at its time-out', async () => {
  const lines = await watchLines('/api/v1/namespaces/default/secrets?watch=1&timeoutSeconds=1', Infinity);
  expect(lines).toEqual([]);
});

test('tells who may not do what, and who is not known', async () => {
  const bob = await api.https.certificateFor({ name: 'bob', groups: [] });
  expect(await call('GET', '/api/v1/namespaces/default/pods', undefined, {}, bob)).toMatchObject({
    code: 403, json: { message: 'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"' },
  });
  expect(await call('GET', '/api/v1/pods', undefined, {}, null)).toMatchObject({ code: 403, json: { message: expect.stringContaining('User "system:anonymous"') } });
  expect(await call('GET', '/api/v1/pods', undefined, { Authorization: 'Bearer nonsense' }, null)).toMatchObject({ code: 401, json: { reason: 'Unauthorized' } });
  expect(await call('GET', '/healthz', undefined, {}, null)).toMatchObject({ code: 200 });
  expect(await call('GET', '/api/v1/pods', undefined, { 'Impersonate-User': 'bob' })).toMatchObject({ code: 403 });
});

test('discovery, plain and aggregated; what is not there', async () => {
  expect((await call('GET', '/api')).json).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
  expect((await call('GET', '/apis')).json.groups.find((group: any) => group.name === 'autoscaling')).toMatchObject({ preferredVersion: { groupVersion: 'autoscaling/v2' }, versions: [{}, {}] });
  expect((await call('GET', '/api/v1')).json.resources).toContainEqual(expect.objectContaining({ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', shortNames: ['po'], categories: ['all'] }));
  const accept = { Accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json' };
  const aggregated = await call('GET', '/apis', undefined, accept);
  expect(aggregated.headers['content-type']).toBe('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
  expect(aggregated.json.items.find((group: any) => group.metadata.name === 'apps').versions[0].resources).toContainEqual(expect.objectContaining({ resource: 'deployments', scope: 'Namespaced', singularResource: 'deployment' }));
  expect((await call('GET', '/apis', undefined, { ...accept, 'If-None-Match': aggregated.headers['etag'] as string })).code).toBe(304);
  expect(await call('GET', '/apis/nothing.example.com/v1')).toMatchObject({ code: 404, body: Buffer.from('404 page not found\n') });
  expect(await call('GET', '/api/v1/nothings')).toMatchObject({ code: 404, json: { message: 'the server could not find the requested resource', details: {} } });
  expect(await call('PUT', maps)).toMatchObject({ code: 405, json: { reason: 'MethodNotAllowed' } });
  expect((await call('GET', '/version')).json).toMatchObject({ major: '1', minor: '36' });
  const slis = (await call('GET', '/metrics/slis')).body.toString();
  expect(slis).toContain('kubernetes_healthcheck{name="etcd",type="readyz"} 1');
  expect((await call('GET', '/readyz?verbose')).body.toString()).toMatch(/\[\+\]ping ok[^]*\[\+\]informer-sync ok[^]*\[\+\]poststarthook\/rbac\/bootstrap-roles ok[^]*\[\+\]autoregister-completion ok[^]*readyz check passed/);
  expect(await call('GET', '/version?timeout=soon')).toMatchObject({ code: 400, json: { message: 'invalid timeout specified in the request URL' } });
  expect((await call('GET', '/api/v1/endpoints')).headers['warning']).toBe('299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"');
  expect(await call('POST', '/api/v1/namespaces', { metadata: { name: 'measured' } })).toMatchObject({ code: 201 });
  const metrics = (await call('GET', '/metrics')).body.toString();
  for (const line of [
    'apiserver_request_total{code="200"', 'apiserver_current_inflight_requests{request_kind="readOnly"} ', 'apiserver_requested_deprecated_apis{group="",removed_release="",resource="endpoints",subresource="",version="v1"} 1',
    'apiserver_admission_step_admission_duration_seconds_count{type="validate",operation="CREATE",rejected="false"}', 'apiserver_admission_controller_admission_duration_seconds_count{name="NamespaceLifecycle",type="admit",operation="CREATE",rejected="false"}',
  ]) expect(metrics).toContain(`\n${line}`);
  const status = await call('GET', '/statusz', undefined, { Accept: 'application/json;v=v1beta1;g=config.k8s.io;as=Statusz' });
  expect(status.json).toMatchObject({ kind: 'Statusz', apiVersion: 'config.k8s.io/v1beta1', metadata: { name: 'kube-apiserver' }, binaryVersion: '1.36', paths: expect.arrayContaining(['/healthz', '/metrics', '/statusz']) });
  expect((await call('GET', '/flagz')).body.toString()).toContain('\nauthorization-mode=Node,RBAC\n');
  expect((await call('GET', '/statusz', undefined, { Accept: 'application/json' })).code).toBe(406);
  await call('GET', '/readyz');
  expect((await call('GET', '/metrics/slis')).body.toString()).toContain('kubernetes_healthcheck{name="ping",type="readyz"} 1');
  expect(await call('POST', maps, 'x'.repeat(4 * 1024 * 1024))).toMatchObject({ code: 413 });
});
