import { expect, test } from 'vitest';
import type { Changes, LedgerEntry, WorkEntry, WriteEntry } from '../ledger/entry.ts';
import { relatedEntries } from '../ledger/related-entries.ts';
import { renderStory } from './render.ts';
import { storyOf, type StoryNode } from './story.ts';

let id = 0;
const about = (kind: string, name: string) => ({ group: '', resource: `${kind.toLowerCase()}s`, kind, namespace: 'default', name, uid: `uid-${name}` });
const write = (revision: number, verb: WriteEntry['verb'], kind: string, name: string, causes: readonly number[], more: Partial<WriteEntry> = {}): WriteEntry => ({
  id: ++id, kind: 'write', at: revision, tookMs: 1, about: about(kind, name), user: 'system:kube-controller-manager', by: `${kind.toLowerCase()}-controller`, causes, verb, revision,
  wanted: verb !== 'update', changes: {}, ...more,
});
const work = (at: number, what: WorkEntry['work'], name: string, causes: readonly number[], more: Partial<WorkEntry> = {}): WorkEntry => ({
  id: ++id, kind: 'work', at, tookMs: 1, about: about('Pod', name), user: 'system:node:boat', by: 'kubelet', causes, work: what, facts: {}, ...more,
});
const status = (changes: Changes): Partial<WriteEntry> => ({ subresource: 'status', changes });

const me = { user: 'me', by: 'kubectl-create' };
const chain = (): LedgerEntry[] => [
  write(1, 'create', 'Deployment', 'web', [], me),
  write(2, 'create', 'ReplicaSet', 'web-1', [1], { owner: 'uid-web' }),
  write(3, 'create', 'Pod', 'a', [2], { owner: 'uid-web-1' }),
  work(4, 'schedule', 'a', [3], { user: 'system:kube-scheduler', facts: { node: 'boat' } }),
  write(5, 'update', 'Pod', 'a', [3], { user: 'system:kube-scheduler', by: 'default-scheduler', changes: { node: [null, 'boat'] } }),
  work(6, 'start', 'a', [5]),
];
const shape = (nodes: readonly StoryNode[]): unknown => nodes.map(({ entry, children }) => [entry.kind === 'work' ? entry.work : `${entry.verb} ${entry.about.name}`, ...(children.length > 0 ? [shape(children)] : [])]);

test('causes make the tree; the decision stands for the binding that carried it out', () => {
  expect(shape(storyOf(chain()))).toEqual([['create web', [['create web-1', [['create a', [['schedule', [['start']]]]]]]]]]);
});

test('a status that follows the writer\'s own last one stands beside it', () => {
  const kubelet = { user: 'system:node:boat', by: 'kubelet' };
  const entries = [...chain(), write(7, 'update', 'Pod', 'a', [5], { ...kubelet, ...status({ address: [null, '10.0.0.1'] }) }), write(8, 'update', 'Pod', 'a', [7], { ...kubelet, ...status({ ready: [null, true] }) })];
  expect(shape(storyOf(entries))).toEqual([['create web', [['create web-1', [['create a', [['schedule', [['start'], ['update a'], ['update a']]]]]]]]]]);
});

test('what a component did of its own accord stands under what set it to work, what a person did stands alone', () => {
  const entries = [...chain(), work(9, 'exit', 'a', []), write(10, 'mark', 'Pod', 'a', [], me), work(11, 'exit', 'a', [])];
  expect(shape(storyOf(entries))).toEqual([['create web', [['create web-1', [['create a', [['schedule', [['start'], ['exit']]]]]]]]], ['mark a', [['exit']]]]);
});

test('of several causes the wish counts more for a wish, the newest for what was found out', () => {
  const scaled = write(20, 'update', 'Deployment', 'web', [], { ...me, wanted: true, changes: { replicas: [1, 2] } });
  const counted = write(21, 'update', 'ReplicaSet', 'web-1', [2], status({ ready: [null, 1] }));
  const made = write(22, 'create', 'Pod', 'b', [20, 21]);
  const told = write(23, 'update', 'Deployment', 'web', [20, 21], status({ ready: [null, 1] }));
  const tree = storyOf([...chain(), scaled, counted, made, told]);
  const under = (entry: LedgerEntry): readonly LedgerEntry[] => {
    const find = (nodes: readonly StoryNode[]): StoryNode | undefined => nodes.find((node) => node.entry === entry) ?? nodes.map(({ children }) => find(children)).find(Boolean);
    return find(tree)!.children.map((child) => child.entry);
  };
  expect(under(scaled)).toEqual([made]);
  expect(under(counted)).toEqual([told]);
});

test('bookkeeping is left out unless it is asked for; what came of it is not', () => {
  const entries = [...chain(), write(7, 'update', 'ReplicaSet', 'web-1', [3], status({})), write(8, 'update', 'Deployment', 'web', [7], status({ ready: [null, 1] }))];
  expect(JSON.stringify(shape(storyOf(entries)))).toContain('["create a",[["schedule",[["start"]]],["update web"]]]');
  expect(JSON.stringify(shape(storyOf(entries, { bookkeeping: true })))).toContain('["update web-1",[["update web"]]]');
});

test('a false claim of a client makes no circle', () => {
  expect(storyOf([write(1, 'create', 'Pod', 'a', [2]), write(2, 'create', 'Pod', 'b', [1])])).toHaveLength(1);
  expect(storyOf([write(1, 'create', 'Pod', 'a', [1])])).toHaveLength(1);
});

test('an account has what led to its object and what came of it, and nothing else', () => {
  const others = [write(30, 'create', 'Pod', 'sibling', [2]), write(31, 'create', 'ConfigMap', 'stranger', [])];
  const entries = [...chain(), ...others];
  const names = (uid: string): string[] => [...new Set(relatedEntries(entries, { uids: [uid] }).entries.map(({ about: { name } }) => name))];
  expect(names('uid-a')).toEqual(['web', 'web-1', 'a']);
  expect(names('uid-web')).toEqual(['web', 'web-1', 'a', 'sibling']);
  expect(names('uid-stranger')).toEqual(['stranger']);
  const following = relatedEntries(entries, { uids: ['uid-web'] });
  expect(following.accept(write(40, 'create', 'Pod', 'late', [2]))).toBe(true);
  expect(following.accept(work(41, 'start', 'late', []))).toBe(true);
  expect(following.accept(write(42, 'create', 'Pod', 'other', [31]))).toBe(false);
  const awaited = relatedEntries(entries, { uids: [], named: [{ group: '', resource: 'pods', namespace: 'default', name: 'awaited' }] });
  expect(awaited.entries).toEqual([]);
  expect(awaited.accept(write(43, 'create', 'Pod', 'awaited', []))).toBe(true);
  expect(awaited.accept(work(44, 'start', 'awaited', []))).toBe(true);
});

test('what is told again and again is told twice', () => {
  const tries = Array.from({ length: 9 }, (_, i) => work(100 + i * 1000, 'pull', 'a', [5], { tookMs: 50 + i, facts: { image: 'web:9' }, error: 'not found' }));
  const lines = renderStory(storyOf([...chain(), ...tries]), { reader: { name: 'me' }, alike: 3, clockTime: () => '12:00:00' });
  expect(lines.filter((line) => line.includes('could not pull the image web:9'))).toHaveLength(2);
  expect(lines.join('\n')).toContain('… and 7 times more, until the last below');
  expect(lines[0]).toBe('12:00:00  you, with kubectl create, made the deployment web');
});
