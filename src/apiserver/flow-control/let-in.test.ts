import { request } from 'node:https';
import { expect, test } from 'vitest';
import { clusterRoleBindings, flowSchemas, priorityLevelConfigurations } from '../../api/generated/resources.ts';
import { startTestHttpsApiServer } from '../../testing/api-server.ts';

test('a request names its schema and level, and is told to come again where it finds no seat', async () => {
  await using api = await startTestHttpsApiServer();
  const { admin, https } = api;
  const level = await admin.create(priorityLevelConfigurations, { metadata: { name: 'narrow' }, spec: { type: 'Limited', limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } } } });
  const schema = await admin.create(flowSchemas, {
    metadata: { name: 'bob' }, spec: { priorityLevelConfiguration: { name: 'narrow' }, matchingPrecedence: 10, rules: [{ subjects: [{ kind: 'User', user: { name: 'bob' } }], resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }] }] },
  });
  const bob = await https.certificateFor({ name: 'bob', groups: [] });
  await admin.create(clusterRoleBindings, { metadata: { name: 'bob' }, subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'bob' }], roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' } });
  const ask = (method: string, end: (asked: ReturnType<typeof request>) => void) => {
    let asked!: ReturnType<typeof request>;
    const answer = new Promise<{ code: number; headers: Readonly<Record<string, unknown>>; text: string }>((resolve, reject) => {
      asked = request(`${https.url}/api/v1/namespaces/default/configmaps`, { method, ca: https.authority, key: bob.key, cert: bob.certificate, agent: false, headers: { 'content-type': 'application/json' } }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve({ code: response.statusCode!, headers: response.headers, text }));
      });
      asked.on('error', reject);
      end(asked);
    });
    return { asked, answer };
  };
  const uids = { 'x-kubernetes-pf-flowschema-uid': schema.metadata.uid, 'x-kubernetes-pf-prioritylevel-uid': level.metadata.uid };
  // The level has no seats of its own: one request after the other is served all the same.
  expect(await ask('GET', (asked) => asked.end()).answer).toMatchObject({ code: 200, headers: uids });
  const slow = ask('POST', (asked) => asked.write('{"metadata":'));
  const whenSlowIsServed = () => ask('GET', (asked) => asked.end()).answer;
  await expect.poll(async () => (await whenSlowIsServed()).code).toBe(429);
  expect(await whenSlowIsServed()).toMatchObject({ code: 429, headers: { ...uids, 'retry-after': expect.stringMatching(/^\d+$/), 'content-type': 'text/plain; charset=utf-8' }, text: 'Too many requests, please try again later.\n' });
  slow.asked.end('{"name":"slow"}}');
  expect(await slow.answer).toMatchObject({ code: 201 });
  expect((await whenSlowIsServed()).code).toBe(200);
});
