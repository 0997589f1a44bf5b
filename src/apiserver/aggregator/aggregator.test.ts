import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { request } from 'node:https';
import { expect, test } from 'vitest';
import { apiServices, services } from '../../api/generated/resources.ts';
import { issueCertificate, type KeyPair } from '../../base/certificates.ts';
import { startTestHttpsApiServer } from '../../testing/api-server.ts';

const path = '/apis/boats.example.com/v1';

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
  await expect.poll(available).toMatchObject({ status: 'False', message: expect.stringContaining('service "boats" not found') });
  expect(await get(`${path}/namespaces/default/boats`)).toMatchObject({ code: 503, json: { reason: 'ServiceUnavailable' } });

  await admin.create(services, { metadata: { name: 'boats', namespace: 'default' }, spec: { type: 'ExternalName', externalName: 'localhost' } });
  await expect.poll(available).toMatchObject({ status: 'True', reason: 'Passed' });
  const bob = await https.certificateFor({ name: 'bob', groups: ['sailors'] });
  expect(await get(`${path}/namespaces/default/boats?limit=5`)).toMatchObject({ code: 200, json: { url: `${path}/namespaces/default/boats?limit=5`, user: 'kubernetes-admin', evil: 'none', groups: ['system:masters', 'system:authenticated'], by: 'front-proxy-client' } });
  expect(await get(`${path}/namespaces/default/boats`, bob)).toMatchObject({ code: 403 });
  expect((await get('/apis')).json.groups.map(({ name }: { name: string }) => name)).toContain('boats.example.com');

  await admin.delete(apiServices, { name: 'v1.boats.example.com' });
  await expect.poll(async () => (await get(path)).code).toBe(404);
  await new Promise((resolve) => {
    other.close(resolve);
    other.closeAllConnections();
  });
});
