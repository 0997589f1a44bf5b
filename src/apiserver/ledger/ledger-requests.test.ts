import { expect, onTestFinished, test } from 'vitest';
import { configMaps } from '../../api/generated/resources.ts';
import type { User } from '../../api/kind.ts';
import { createHttpClient, type HttpClient } from '../../client/http-client.ts';
import { because } from '../../base/cause.ts';
import { startTestHttpsApiServer } from '../../testing/api-server.ts';
import type { LedgerEntry } from '../../ledger/entry.ts';
import { ledgerQuery } from '../../ledger/ledger-query.ts';

async function setUp() {
  const api = await startTestHttpsApiServer();
  onTestFinished(() => api[Symbol.asyncDispose]());
  const connect = async (user: User): Promise<HttpClient> => {
    const client = createHttpClient({ server: api.https.url, ca: api.https.authority, ...await api.https.certificateFor(user), userAgent: 'tool/1.0' });
    onTestFinished(() => client[Symbol.dispose]());
    return client;
  };
  const admin = await connect({ name: 'kubernetes-admin', groups: ['system:masters'] });
  const entriesOf = async (name: string): Promise<readonly LedgerEntry[]> => {
    const { body } = await admin.raw('GET', ledgerQuery({ uids: [], named: [{ group: '', resource: 'configmaps', namespace: 'default', name }] }));
    return (JSON.parse(body.toString()) as { readonly entries: readonly LedgerEntry[] }).entries;
  };
  return { api, connect, admin, entriesOf };
}

const pod = { group: '', resource: 'pods', kind: 'Pod', namespace: 'default', name: 'p', uid: 'uid-p' };
const note = { work: 'pull', about: pod, by: 'kubelet', tookMs: 5, facts: { image: 'x' }, causes: [999_999], at: 1 };

test('a write over HTTPS carries the cause that its client names, and tells who it was', async () => {
  const { admin, entriesOf } = await setUp();
  const first = await admin.create(configMaps, { metadata: { name: 'first', namespace: 'default' } }, { fieldManager: 'me' });
  const cause = Number(first.metadata.resourceVersion);
  await because({ writes: [cause] }, () => admin.create(configMaps, { metadata: { name: 'second', namespace: 'default' } }));
  const entries = await entriesOf('second');
  expect(entries).toMatchObject([
    { kind: 'write', verb: 'create', about: { name: 'first', kind: 'ConfigMap' }, user: 'kubernetes-admin', by: 'me', causes: [], revision: cause },
    { kind: 'write', verb: 'create', about: { name: 'second' }, by: 'tool', causes: [cause] },
  ]);
  // From the other end: what came of it.
  expect((await entriesOf('first')).map(({ about }) => about.name)).toEqual(['first', 'second']);
});

test('changes, deletions, and nothing for what changed nothing or was refused', async () => {
  const { admin, entriesOf } = await setUp();
  const key = { namespace: 'default', name: 'c' };
  const made = await admin.create(configMaps, { metadata: { ...key, finalizers: ['example.com/wait'] } });
  const merge = (body: unknown, dryRun = false) => admin.patch(configMaps, key, { type: 'application/merge-patch+json', body }, { dryRun });
  await merge({ data: { a: '1' } });
  await merge({ data: { a: '1' } });
  await merge({ data: { a: '2' } }, true);
  await expect(admin.update(configMaps, { ...made, data: { a: '3' } })).rejects.toThrow(/modified/);
  await admin.delete(configMaps, key);
  await merge({ metadata: { finalizers: null } });
  const entries = await entriesOf('c');
  expect(entries.map((entry) => entry.kind === 'write' && entry.verb)).toEqual(['create', 'update', 'mark', 'delete']);
  expect(entries.every(({ tookMs }) => tookMs > 0)).toBe(true);
});

test('who may read and who may write it is a matter of roles: administrators read, nodes tell of their work, others neither', async () => {
  const { api, connect, admin } = await setUp();
  const somebody = await connect({ name: 'somebody', groups: [] });
  const node = await connect({ name: 'system:node:boat', groups: ['system:nodes'] });
  for (const client of [somebody, node]) await expect(client.raw('GET', ledgerQuery({ uids: ['uid-p'] }))).rejects.toMatchObject({ code: 403 });
  await expect(somebody.raw('POST', '/wherry/v1/ledger', { body: [note] })).rejects.toMatchObject({ code: 403 });
  // Whatever a node says, it is booked to the node.
  await node.raw('POST', '/wherry/v1/ledger', { body: [{ ...note, user: 'kubernetes-admin', id: 99_999, kind: 'write' }] });
  expect(api.server.ledger!.related({ uids: ['uid-p'] })).toMatchObject([{ ...note, kind: 'work', user: 'system:node:boat' }]);
  expect(api.server.ledger!.entries.at(-1)!.id).toBeLessThan(99_999);
  for (const body of [{}, [{ ...note, work: 'theft' }], [{ ...note, causes: ['x'] }], [null]]) await expect(admin.raw('POST', '/wherry/v1/ledger', { body })).rejects.toMatchObject({ code: 400 });
  await expect(admin.raw('POST', '/wherry/v1/ledger', { body: '{' })).rejects.toMatchObject({ code: 400 });
  await expect(admin.raw('DELETE', '/wherry/v1/ledger')).rejects.toMatchObject({ code: 405 });
});

test('events, leases and signs of life are no part of it', async () => {
  const { api } = await setUp();
  const resources = new Set(api.server.ledger!.entries.map(({ about }) => about.resource));
  expect(resources.has('namespaces')).toBe(true);
  expect(resources.has('events') || resources.has('leases')).toBe(false);
});
