import { expect, test } from 'vitest';
import { actionsOf, courseOf } from './actions.ts';
import type { LedgerEntry, WorkEntry, WriteEntry } from './entry.ts';

let id = 0;
const about = (kind: string, name: string): WriteEntry['about'] => ({ group: '', resource: `${kind.toLowerCase()}s`, kind, namespace: 'default', name, uid: `uid-${name}` });
const write = (revision: number, kind: string, name: string, rest: Partial<WriteEntry> = {}): WriteEntry =>
  ({ id: ++id, kind: 'write', verb: 'create', revision, at: revision, tookMs: 1, about: about(kind, name), user: 'system:kube-controller-manager', by: 'x', causes: [], wanted: true, changes: {}, ...rest });
const work = (at: number, name: string, rest: Partial<WorkEntry> = {}): WorkEntry =>
  ({ id: ++id, kind: 'work', work: 'pull', at, tookMs: 1, about: about('Pod', name), user: 'system:node:boat', by: 'kubelet', causes: [], facts: {}, ...rest });
const you = { user: 'kubernetes-admin', by: 'kubectl-create' };

const entries: readonly LedgerEntry[] = [
  write(1, 'Namespace', 'default', { user: 'system:apiserver' }),
  write(2, 'ServiceAccount', 'default', { causes: [1] }),
  write(10, 'Deployment', 'kubia', you),
  write(11, 'ReplicaSet', 'kubia-1', { causes: [10] }),
  write(12, 'Pod', 'p', { causes: [11] }),
  work(13, 'p', { error: 'no such host' }),
  write(20, 'Deployment', 'kubia', { ...you, verb: 'update', by: 'kubectl-scale' }),
  // Two writes of different actions are seen at once: what is wanted comes of the newest wish.
  write(21, 'ReplicaSet', 'kubia-1', { verb: 'update', causes: [10, 20] }),
  work(22, 'p'),
  // Tried again because of something of another action: still the pod's own matter.
  work(22, 'p', { work: 'schedule', causes: [20] }),
  write(23, 'Pod', 'p', { verb: 'mark', causes: [21] }),
  work(24, 'p', { work: 'exit' }),
  write(30, 'Job', 'tick-1', {}),
];

test('each entry belongs to the action that it came of, those without causes to what made or ended their object', () => {
  expect(actionsOf(entries, 10).map(({ entry, last, steps, failed }) => [entry.revision, last, steps, failed])).toEqual([[30, 30, 1, false], [20, 24, 4, false], [10, 22, 6, false]]);
  expect(courseOf(entries, 20).map(({ at }) => at)).toEqual([20, 21, 23, 24]);
  expect(courseOf(entries, 10).map(({ at }) => at)).toEqual([10, 11, 12, 13, 22, 22]);
  expect(courseOf(entries, 2)).toEqual([]);
});

test('an action has failed for as long as nobody did what failed', () => {
  expect(actionsOf(entries.filter(({ at }) => at < 20), 1)).toMatchObject([{ failed: true, steps: 4 }]);
});
