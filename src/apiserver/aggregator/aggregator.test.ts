import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { request } from 'node:https';
import { expect, test } from 'vitest';
import { apiServices, services } from '../../api/generated/resources.ts';
import { issueCertificate, type KeyPair } from '../../base/certificates.ts';
import { startTestHttpsApiServer, type HttpsAccess } from '../../testing/api-server.ts';

const path = '/apis/boats.example.com/v1';

const statusName = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';
/** What the other server tells of itself: it knows a Status of its own making, a Boat, and paths that are not of the group version. */
const openApi = {
  swagger: '2.0', info: {},
  paths: { [`${path}/boats`]: { get: { responses: { 200: { schema: { $ref: '#/definitions/example.Boat' } }, 401: { schema: { $ref: `#/definitions/${statusName}` } } } } }, '/apis/other.example.com/v1/cars': {} },
  definitions: { 'example.Boat': { type: 'object', properties: { mast: { $ref: '#/definitions/example.Mast' } } }, 'example.Mast': { type: 'string' }, 'example.Car': {}, [statusName]: { type: 'integer' } },
};

test('requests for a group version with a service go to it, as the user who sent them', async () => {
  await using api = await startTestHttpsApiServer();
  const { admin, https } = api;
  const get = (to: string, identity: KeyPair = https.admin): Promise<{ code: number; json: any }> => new Promise((resolve, reject) => {
    request(https.url + to, { ca: https.authority, key: identity.key, cert: identity.certificate, agent: false, headers: { 'X-Remote-Extra-Evil': 'x', 'X-Remote-User': 'root' } }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve({ code: answer.statusCode!, get json() { return JSON.parse(text); } }));
    }).on('error', reject).end();
  });

  const serving = await issueCertificate(https.signer, { commonName: 'boats', dnsNames: ['boats.default.svc'], usages: ['server auth'], days: 1, now: Date.now() });
  const other = createServer({ key: serving.key, cert: serving.certificate, ca: https.authority, requestCert: true, rejectUnauthorized: true }, (asked, answer) => {
    answer.setHeader('content-type', 'application/json');
    if (asked.url === path) return void answer.end(JSON.stringify({ kind: 'APIResourceList', resources: [{ name: 'boats', singularName: 'boat', namespaced: true, kind: 'Boat', verbs: ['get', 'list'], shortNames: ['bt'] }] }));
    if (asked.url === '/openapi/v2') return void answer.end(JSON.stringify(openApi));
    if (asked.url === `/openapi/v3${path}`) return void answer.end(JSON.stringify({ openapi: '3.0.0', paths: { [`${path}/boats`]: {} } }));
    answer.end(JSON.stringify({ url: asked.url, user: asked.headers['x-remote-user'], groups: asked.headersDistinct['x-remote-group'], evil: asked.headers['x-remote-extra-evil'] ?? 'none', by: (asked.socket as TLSSocket).getPeerCertificate().subject.CN }));
  });
  await new Promise<void>((resolve) => other.listen(0, 'localhost', resolve));
  const { port } = other.address() as AddressInfo;

  expect((await get(path)).code).toBe(404);
  await admin.create(apiServices, {
    metadata: { name: 'v1.boats.example.com' }, spec: {
      group: 'boats.example.com', version: 'v1', service: { namespace: 'default', name: 'boats', port }, caBundle: Buffer.from(https.authority).toString('base64'), groupPriorityMinimum: 1000, versionPriority: 15,
    },
  });
  const available = () => admin.get(apiServices, { name: 'v1.boats.example.com' }).then(({ status }) => status?.conditions?.find(({ type }) => type === 'Available'));
  await expect.poll(available).toMatchObject({ status: 'False', message: expect.stringContaining('service/boats in "default" is not present') });
  expect(await get(`${path}/namespaces/default/boats`)).toMatchObject({ code: 503, json: { reason: 'ServiceUnavailable' } });

  await admin.create(services, { metadata: { name: 'boats', namespace: 'default' }, spec: { type: 'ExternalName', externalName: 'localhost' } });
  await expect.poll(available).toMatchObject({ status: 'True', reason: 'Passed' });
  const bob = await https.certificateFor({ name: 'bob', groups: ['sailors'] });
  expect(await get(`${path}/namespaces/default/boats?limit=5`)).toMatchObject({ code: 200, json: { url: `${path}/namespaces/default/boats?limit=5`, user: 'kubernetes-admin', evil: 'none', groups: ['system:masters', 'system:authenticated'], by: 'front-proxy-client' } });
  expect(await get(`${path}/namespaces/default/boats`, bob)).toMatchObject({ code: 403 });
  expect((await get('/apis')).json.groups.map(({ name }: { name: string }) => name)).toContain('boats.example.com');

  const v2 = (await get('/openapi/v2')).json;
  expect(Object.keys(v2.paths).filter((name) => name.includes('example.com'))).toEqual([`${path}/boats`]);
  expect(v2.paths[`${path}/boats`].get.responses).toEqual({ 200: { schema: { $ref: '#/definitions/example.Boat' } }, 401: { schema: { $ref: `#/definitions/${statusName}_v2` } } });
  expect([v2.definitions['example.Mast'], v2.definitions['example.Car'], v2.definitions[`${statusName}_v2`], v2.definitions[statusName].type]).toEqual([{ type: 'string' }, undefined, { type: 'integer' }, 'object']);
  const { serverRelativeURL } = (await get('/openapi/v3')).json.paths[path.slice(1)];
  expect((await get(serverRelativeURL)).json).toEqual({ openapi: '3.0.0', paths: { [`${path}/boats`]: {} } });
  const freshness = () => aggregatedDiscovery(https, 'boats.example.com');
  expect(await freshness()).toBe('Current');
  await admin.delete(services, { name: 'boats', namespace: 'default' });
  await expect.poll(freshness).toBe('Stale');

  await admin.delete(apiServices, { name: 'v1.boats.example.com' });
  await expect.poll(async () => (await get(path)).code).toBe(404);
  await new Promise((resolve) => {
    other.close(resolve);
    other.closeAllConnections();
  });
});

function aggregatedDiscovery(https: HttpsAccess, group: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    request(`${https.url}/apis`, { ca: https.authority, key: https.admin.key, cert: https.admin.certificate, agent: false, headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve(JSON.parse(text).items.find(({ metadata }: any) => metadata.name === group)?.versions[0].freshness));
    }).on('error', reject).end();
  });
}
