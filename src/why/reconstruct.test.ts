import { expect, test } from 'vitest';
import type { Situation } from './finding.ts';
import { reconstruct } from './reconstruct.ts';
import { renderStory } from './render.ts';
import { storyOf } from './story.ts';

const deep = (value: unknown): any => value;
const at = (second: number): string => `2026-01-01T12:00:${String(second).padStart(2, '0')}Z`;
const meta = (name: string, second: number, more: object = {}) => ({ name, namespace: 'default', uid: `uid-${name}`, resourceVersion: '1', creationTimestamp: at(second), ...more });
const wrote = (manager: string, second: number, subresource?: string) => ({ manager, operation: 'Update', time: at(second), ...(subresource && { subresource }) });
const ownedBy = (kind: string, name: string) => ({ ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid: `uid-${name}`, controller: true }] });
const scaled = (name: string, from: number, to: number, second: number) =>
  deep({ involvedObject: { uid: 'uid-web' }, reason: 'ScalingReplicaSet', message: `Scaled ${to > from ? 'up' : 'down'} replica set ${name} from ${from} to ${to}`, firstTimestamp: at(second), metadata: meta(`event-${second}`, second) });

function told(given: Partial<Situation>): readonly string[] {
  const situation = deep({ pods: [], replicaSets: [], events: [], ...given }) as Situation;
  return renderStory(storyOf(reconstruct(situation), { focus: situation.focus.metadata.uid }), { reader: { name: 'me' }, alike: 3, clockTime: () => 'TIME' });
}

test('a deployment that was changed: what it was made with is not claimed, and its replica sets are told with the sizes that their events say', () => {
  const template = (image: string) => ({ replicas: 2, template: { spec: { containers: [{ name: 'main', image }] } } });
  expect(told({
    focus: deep({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: meta('web', 0, { generation: 2, managedFields: [wrote('kubectl-create', 0), wrote('kubectl-set', 9), wrote('kube-controller-manager', 9, 'status')] }), spec: template('b:1') }),
    replicaSets: deep([
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: meta('web-a', 1, { generation: 3, ...ownedBy('Deployment', 'web') }), spec: { ...template('a:1'), replicas: 0 } },
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: meta('web-b', 10, { generation: 2, ...ownedBy('Deployment', 'web') }), spec: template('b:1') },
    ]),
    events: [scaled('web-a', 0, 2, 1), scaled('web-b', 0, 1, 10), scaled('web-a', 2, 1, 12), scaled('web-b', 1, 2, 12), scaled('web-a', 1, 0, 14)],
  })).toEqual([
    'TIME  somebody, with kubectl create, made the deployment web',
    '├─ +1 s  the deployment controller made the replica set web-a, for 2 pods of a:1',
    '├─ +9 s  somebody, with kubectl set, changed the deployment web',
    '├─ +10 s  the deployment controller made the replica set web-b, for 1 pod of b:1',
    '├─ +12 s  the deployment controller changed the number of pods from 2 to 1 (the replica set web-a)',
    '├─ +12 s  the deployment controller changed the number of pods from 1 to 2 (the replica set web-b)',
    '└─ +14 s  the deployment controller changed the number of pods from 1 to 0 (the replica set web-a)',
  ]);
});

test('of those who wrote in the second of its making, a person made it', () => {
  const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: meta('data', 0, { managedFields: [wrote('kube-controller-manager', 0), wrote('kubectl-client-side-apply', 0)] }), spec: {} };
  expect(told({ focus: deep(claim) })).toEqual(['TIME  somebody, with kubectl apply, made the volume claim data']);
});
