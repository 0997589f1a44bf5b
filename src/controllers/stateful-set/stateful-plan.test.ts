import { expect, test } from 'vitest';
import type { StatefulSet } from '../../api/generated/apps-v1.ts';
import type { PersistentVolumeClaim, Pod } from '../../api/generated/core-v1.ts';
import { isOfFormerPod } from './claim-retention.ts';
import { statefulPlan } from './stateful-plan.ts';

const now = Date.UTC(2026, 0, 2);

function set(spec: object): StatefulSet {
  return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'db', namespace: 'default', uid: 's', resourceVersion: '1', creationTimestamp: '' }, spec: { replicas: 4, ...spec } } as unknown as StatefulSet;
}

/** `old`, `new`: the revision; then `up` (the default), `down`, `ending` or `failed`. */
function pods(...states: string[]): Pod[] {
  return states.map((state, ordinal) => {
    const [revision, health = 'up'] = state.split(' ');
    return {
      apiVersion: 'v1', kind: 'Pod',
      metadata: { name: `db-${ordinal}`, namespace: 'default', uid: String(ordinal), labels: { 'controller-revision-hash': revision }, ...(health === 'ending' && { deletionTimestamp: '2026-01-02T00:00:00Z' }) },
      spec: { containers: [] },
      status: { phase: health === 'failed' ? 'Failed' : 'Running', conditions: [{ type: 'Ready', status: health === 'down' ? 'False' : 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
    } as unknown as Pod;
  });
}

const parallel = { podManagementPolicy: 'Parallel' };
const rolling = (maxUnavailable: number | string, partition = 0) => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, partition } } });

test.each<[string, object, string[], string[]]>([
  ['from the end, one at a time', {}, ['old', 'old', 'old', 'old'], ['delete 3']],
  ['not the next before this one is up', {}, ['old', 'old', 'old', 'new down'], []],
  ['nor while it ends', {}, ['old', 'old', 'old', 'old ending'], []],
  ['as many at once as may be down', rolling(2), ['old', 'old', 'old', 'old'], ['delete 3', 'delete 2']],
  ['a share of them, rounded down', rolling('60%'), ['old', 'old', 'old', 'old'], ['delete 3', 'delete 2']],
  ['not below the partition', rolling(4, 2), ['old', 'old', 'old', 'old'], ['delete 3', 'delete 2']],
  ['who was down before counts, wherever it is: below the partition', { ...parallel, ...rolling(2, 2) }, ['old down', 'old', 'old', 'old'], ['delete 3']],
  ['who was down before counts: updated once, and now again', parallel, ['old', 'new down', 'newer', 'old'], []],
  ['what is broken is replaced at no cost', parallel, ['old', 'old down', 'old', 'new'], ['delete 1']],
  ['what is broken and may be what the update mends does not stop it', parallel, ['old down', 'old down', 'old', 'old'], ['delete 1', 'delete 0']],
  ['scaling down goes from the end, in order', { replicas: 2 }, ['new', 'new', 'new', 'new'], ['delete 3']],
  ['all at once with Parallel', { replicas: 2, ...parallel }, ['new', 'new', 'new', 'new'], ['delete 3', 'delete 2']],
  ['what has ended is made anew before anything else', {}, ['old', 'old failed', 'old', 'old'], ['delete 1']],
  ['one that is missing is made, of its revision', { ...rolling(1, 2), replicas: 2 }, ['old'], ['create 1 current']],
  ['OnDelete leaves old ones alone', { updateStrategy: { type: 'OnDelete' } }, ['old', 'old', 'old', 'old'], []],
])('%s', (_, spec, states, expected) => {
  const actions = statefulPlan(set(spec), { currentRevision: 'old', updateRevision: 'new', pods: pods(...states), nowMs: now });
  const told = actions.flatMap((action) => (action.type === 'create' ? [`create ${action.ordinal} ${action.revision}`] : action.type === 'delete' ? [`delete ${action.pod.metadata.uid}`] : []));
  expect(told).toEqual(expected);
});

test.each([
  ['Pod', 'db-0', true],
  ['Pod', 'db-1', false],
  ['StatefulSet', 'db-0', false],
])('a claim of %s %s goes with a former db-0: %s', (kind, name, former) => {
  const claim = { metadata: { name: 'data-db-0', ownerReferences: [{ apiVersion: kind === 'Pod' ? 'v1' : 'apps/v1', kind, name, uid: 'x' }] } } as unknown as PersistentVolumeClaim;
  expect(isOfFormerPod(claim, 'db-0')).toBe(former);
});
