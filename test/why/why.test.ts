import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Deployment } from '../../src/api/generated/apps-v1.ts';
import type { Pod } from '../../src/api/generated/core-v1.ts';
import { configMaps, deployments, events, pods, services } from '../../src/api/generated/resources.ts';
import type { New, ResourceType } from '../../src/api/object.ts';
import { isPodReady } from '../../src/api/pod/conditions.ts';
import type { LedgerEntry, WriteEntry } from '../../src/ledger/entry.ts';
import { ledgerQuery } from '../../src/ledger/ledger-query.ts';
import { accountOf, type Account } from '../../src/why/account.ts';
import { renderStory } from '../../src/why/render.ts';
import { storyOf, type StoryNode } from '../../src/why/story.ts';
import { lines } from '../../src/client/lines.ts';
import { startSimulatedCluster, type SimulatedCluster } from './simulated-cluster.ts';

let cluster: SimulatedCluster;
beforeAll(async () => { cluster = await startSimulatedCluster(); });
afterAll(() => cluster[Symbol.asyncDispose]());

const namespace = 'default';

function deployment(name: string, replicas: number, container: object = {}): New<Deployment> {
  return {
    metadata: { name, namespace },
    spec: { replicas, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'msung99/maestro:0.1.0', ...container }] } } },
  };
}

async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (let i = 0; i < 300; i++) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not come to be');
}

const podsOf = async (app: string): Promise<readonly Pod[]> => (await cluster.kubectl.list(pods, { namespace, labelSelector: `app=${app}` })).items;
const readyPods = (app: string, number: number): Promise<readonly Pod[]> => until(async () => {
  const found = await podsOf(app);
  return found.length === number && found.every(isPodReady) && found;
});

async function why<T>(resource: ResourceType<T>, name: string): Promise<Account> {
  const object = await cluster.kubectl.get(resource, { namespace, name }) as { readonly apiVersion: string; readonly kind: string; readonly metadata: never };
  return (await accountOf(cluster.kubectl, { group: resource.group, resource: resource.resource, kind: resource.kind, namespace, name, object }, Date.now()))!;
}

const wayTo = (nodes: readonly StoryNode[], wanted: (entry: LedgerEntry) => boolean): readonly LedgerEntry[] | undefined => {
  for (const { entry, children } of nodes) {
    if (wanted(entry)) return [entry];
    const rest = wayTo(children, wanted);
    if (rest) return [entry, ...rest];
  }
  return undefined;
};
const step = (entry: LedgerEntry): string => (entry.kind === 'work' ? entry.work : `${entry.verb} ${entry.about.kind}`);

test('one tree leads from the command to the running container', async () => {
  await cluster.kubectl.create(deployments, deployment('kubia', 2), { fieldManager: 'kubectl-create' });
  const [pod] = await readyPods('kubia', 2);
  // Notes of a node's work come in batches.
  const account = await until(async () => {
    const found = await why(deployments, 'kubia');
    return found.entries.filter((entry) => entry.kind === 'work' && entry.work === 'start').length === 2 && found;
  });
  expect(account.findings).toEqual([]);
  expect(account.gaps).toEqual([]);
  const roots = storyOf(account.entries, { focus: account.focus });
  expect(roots).toHaveLength(1);
  expect(roots[0]!.entry).toMatchObject({ user: 'kubernetes-admin', by: 'kubectl-create', causes: [], verb: 'create' });
  const { uid } = pod!.metadata;
  for (const [work, by] of [['sandbox', 'kubelet'], ['pull', 'kubelet'], ['create', 'kubelet'], ['start', 'kubelet'], ['schedule', 'default-scheduler']] as const) {
    const way = wayTo(roots, (entry) => entry.kind === 'work' && entry.work === work && entry.about.uid === uid);
    const before = work === 'schedule' ? [] : ['schedule'];
    expect(way?.map(step), work).toEqual(['create Deployment', 'create ReplicaSet', 'create Pod', ...before, work]);
    expect(way!.at(-1)!.by).toBe(by);
    expect(way!.map(({ at }) => at)).toEqual(way!.map(({ at }) => at).sort((a, b) => a - b));
  }
  // Not by whom they belong to, but by the causes that were named: each by the write before it, the kubelet's work by the binding.
  const way = wayTo(roots, (entry) => entry.kind === 'work' && entry.work === 'start' && entry.about.uid === uid)!;
  const binding = account.entries.find((entry): entry is WriteEntry => entry.kind === 'write' && entry.about.uid === uid && entry.changes['node'] !== undefined)!;
  const [made, set, podMade, , start] = way as readonly WriteEntry[];
  for (const [entry, cause] of [[set!, made!], [podMade!, set!], [way[3]!, podMade!], [binding, podMade!], [start!, binding]] as const) expect(entry.causes, step(entry)).toContain(cause.revision);
  expect(wayTo(roots, (entry) => entry.kind === 'write' && entry.about.kind === 'Deployment' && entry.changes['ready']?.[1] === 2)?.at(-1)).toMatchObject({ by: 'deployment-controller' });
  const text = renderStory(roots, { reader: { name: 'kubernetes-admin' }, alike: 3, clockTime: () => '10:00:00.000' }).join('\n');
  expect(text).toMatch(/^10:00:00\.000 {2}you, with kubectl create, made the deployment kubia, for 2 pods of msung99\/maestro:0\.1\.0\n└─ \+\d+ m?s {2}the deployment controller made the replica set kubia-/);
  expect(text).toMatch(/the scheduler chose the node boat(-2)? of 2 in /);
  expect(text).toMatch(/the kubelet of boat(-2)? pulled the image docker\.io\/msung99\/maestro:0\.1\.0 \(14\.5 MB\) in [\d.]+ m?s/);
});

test('every write that was not somebody\'s own idea names a cause that there is', () => {
  const entries = cluster.server.api.ledger!.entries.filter((entry): entry is WriteEntry => entry.kind === 'write');
  const revisions = new Set(entries.map(({ revision }) => revision));
  expect(revisions.size).toBe(entries.length);
  for (const entry of entries) {
    for (const cause of entry.causes) expect(cause, JSON.stringify(entry)).toBeLessThan(entry.revision);
    if (['Deployment', 'ReplicaSet', 'Pod'].includes(entry.about.kind) && entry.by.endsWith('-controller')) expect(entry.causes, JSON.stringify(entry)).not.toEqual([]);
  }
});

test('the account of a scaled deployment begins anew with the command that scaled it; that of one pod has no other pods', async () => {
  await cluster.kubectl.patch(deployments, { namespace, name: 'kubia' }, { type: 'application/merge-patch+json', body: { spec: { replicas: 3 } } }, { subresource: 'scale', fieldManager: 'kubectl' });
  const all = await readyPods('kubia', 3);
  const newest = [...all].sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion)).at(-1)!;
  const account = await why(pods, newest.metadata.name);
  const roots = storyOf(account.entries, { focus: account.focus });
  expect(roots.map(({ entry }) => [step(entry), entry.about.kind])).toEqual([['update Deployment', 'Deployment']]);
  expect(new Set(account.entries.filter(({ about }) => about.kind === 'Pod').map(({ about }) => about.name))).toEqual(new Set([newest.metadata.name]));
});

test('a pod that fits nowhere: which nodes, and by how much', async () => {
  await cluster.kubectl.create(deployments, deployment('big', 1, { resources: { requests: { memory: '20Gi' } } }));
  const account = await until(async () => {
    const found = await why(deployments, 'big');
    return found.findings.length > 0 && found;
  });
  expect(account.findings).toHaveLength(1);
  expect(account.findings[0]!.waitsFor).toMatch(/^a node with 20 GiB of memory free, for the pod big-/);
  // Nodes of which the same is to be said are named together.
  expect(account.findings[0]!.because.join('\n')).toContain('boat-2: has ');
  expect(account.findings[0]!.because[0]).toMatch(/^boat(, boat-2)?: has 15\.9 GiB of memory free.*; the pod asks for 20 GiB: 4\.1 GiB too little$/);
});

test('what is gone is still told of', async () => {
  const key = { namespace, name: 'fleeting' };
  await cluster.kubectl.create(configMaps, { metadata: key });
  await cluster.kubectl.delete(configMaps, key);
  const account = await accountOf(cluster.kubectl, { group: '', resource: 'configmaps', kind: 'ConfigMap', ...key }, Date.now());
  expect(account!.entries.map(step)).toEqual(['create ConfigMap', 'delete ConfigMap']);
  expect(await accountOf(cluster.kubectl, { group: '', resource: 'configmaps', kind: 'ConfigMap', namespace, name: 'never' }, Date.now())).toBeUndefined();
});

test('who follows hears what comes of a command as it comes', async () => {
  const ending = new AbortController();
  const { body } = await cluster.kubectl.stream('GET', ledgerQuery({ uids: [], named: [{ group: 'apps', resource: 'deployments', namespace, name: 'kubia' }] }, true), { signal: ending.signal });
  const heard: LedgerEntry[] = [];
  const reading = (async () => { for await (const line of lines(body)) heard.push(JSON.parse(line) as LedgerEntry); })().catch((error: unknown) => { if (!ending.signal.aborted) throw error; });
  await cluster.kubectl.patch(deployments, { namespace, name: 'kubia' }, { type: 'application/merge-patch+json', body: { spec: { replicas: 4 } } });
  await until(async () => heard.filter((entry) => entry.kind === 'work' && entry.work === 'start').length === 4);
  ending.abort();
  await reading;
});

test('on a server without a ledger the account is put together from what there is, and says so', async () => {
  await using plain = await startSimulatedCluster({ ledger: false });
  expect(plain.server.api.ledger).toBeUndefined();
  await plain.kubectl.create(deployments, deployment('kubia', 1), { fieldManager: 'kubectl-create' });
  await plain.kubectl.create(services, { metadata: { name: 'lost', namespace }, spec: { selector: { app: 'kubai' }, ports: [{ port: 80 }] } });
  await until(async () => (await plain.kubectl.list(pods, { namespace })).items.some(isPodReady));
  // Events come a little after what they tell of.
  await until(async () => (await plain.kubectl.list(events, { namespace })).items.some(({ reason }) => reason === 'Started'));
  const object = await plain.kubectl.get(deployments, { namespace, name: 'kubia' });
  const account = (await accountOf(plain.kubectl, { group: 'apps', resource: 'deployments', kind: 'Deployment', namespace, name: 'kubia', object }, Date.now()))!;
  expect(account.gaps).toEqual([expect.stringContaining('keeps no ledger')]);
  const roots = storyOf(account.entries, { focus: account.focus });
  expect(wayTo(roots, (entry) => entry.kind === 'work' && entry.work === 'start')?.map(step)).toEqual(['create Deployment', 'create ReplicaSet', 'create Pod', 'update Pod', 'start']);
  // Nothing is claimed that is not known.
  expect(renderStory(roots, { reader: { name: '' }, alike: 3, clockTime: String }).filter((line) => !line.includes('pulled')).join('\n')).not.toMatch(/ ms\b/);
});
