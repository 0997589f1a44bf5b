import { expect, test } from 'vitest';
import type { Deployment, ReplicaSet } from '../../api/generated/apps-v1.ts';
import { currentSize, fences, proportionalScale, rollingStep } from './rollout.ts';
import { currentAndOld, nextRevision, revisionAnnotations, setsToForget } from './revision.ts';

const meta = (name: string, more: object = {}) => ({ name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', generation: 1, ...more });
const labels = { app: 'it' };
const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: 'main', image }] } });

function deployment(replicas: number, maxSurge: number | string = '25%', maxUnavailable: number | string = '25%', more: object = {}): Deployment {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: meta('it'), spec: { replicas, selector: { matchLabels: labels }, template: template('new'), strategy, ...more } };
}

function set(name: string, replicas: number, available = replicas, more: { annotations?: Record<string, string>; image?: string; created?: string } = {}): ReplicaSet {
  const { annotations, image = name, created = '2026-01-01T00:00:00Z' } = more;
  return {
    apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { ...meta(name), creationTimestamp: created, ...(annotations && { annotations }) },
    spec: { replicas, selector: { matchLabels: labels }, template: template(image) }, status: { replicas, availableReplicas: available, observedGeneration: 1 },
  };
}

test.each<[number, number | string, number | string, number, number]>([
  [10, '25%', '25%', 3, 2], [4, 1, 0, 1, 0], [3, '0%', '1%', 0, 1], [1, '25%', '25%', 1, 0], [0, '25%', '25%', 0, 1], [10, '100%', '100%', 10, 10],
])('of %i, %s and %s are %i over and %i under', (replicas, over, under, surge, unavailable) => {
  expect(fences(deployment(replicas, over, under))).toEqual({ surge, unavailable });
});

test.each([[10, 0, 0, 10], [10, 0, 10, 3], [10, 3, 13, 3], [10, 8, 11, 10], [10, 12, 12, 10], [0, 4, 4, 0]])('of %i wanted, %i current ones of %i in all become %i', (replicas, current, total, size) => {
  expect(currentSize(deployment(replicas), current, total)).toBe(size);
});

test.each<[string, Deployment, ReplicaSet, ReplicaSet[], Record<string, number>]>([
  ['grows first', deployment(10), set('new', 0), [set('old', 10)], { new: 3 }],
  ['then shrinks by what may be missing', deployment(10), set('new', 3, 0), [set('old', 10)], { old: 8 }],
  ['then waits for the new ones', deployment(10), set('new', 5, 0), [set('old', 8)], {}],
  ['goes on as they become available', deployment(10), set('new', 5, 5), [set('old', 8)], { old: 3 }],
  ['takes broken old pods first, of whatever set', deployment(10), set('new', 3, 0), [set('a', 5, 5), set('b', 5, 3)], { b: 3 }],
  ['takes the oldest set first otherwise', deployment(10), set('new', 3, 3), [set('a', 2), set('b', 8)], { a: 0, b: 5 }],
  ['is done', deployment(10), set('new', 10), [set('old', 0)], {}],
  ['shrinks the current one when it is too large', deployment(2), set('new', 5), [], { new: 2 }],
  ['does nothing about a new pod that never comes', deployment(4, 1, 0), set('new', 1, 0), [set('old', 4)], {}],
])('a rolling update %s', (_, d, current, old, expected) => {
  expect(Object.fromEntries(rollingStep(d, current, old).map(({ set: { metadata }, replicas }) => [metadata.name, replicas]))).toEqual(expected);
});

const number = (key: string) => (s: ReplicaSet): number | undefined => (s.metadata.annotations?.[key] === undefined ? undefined : Number(s.metadata.annotations[key]));
const scale = (d: Deployment, current: ReplicaSet | undefined, old: ReplicaSet[]) => proportionalScale(d, current, old, number('desired'), number('max'));
const during = (desired: number, max: number) => ({ annotations: { desired: String(desired), max: String(max) } });

test.each<[string, Deployment, ReplicaSet | undefined, ReplicaSet[], Record<string, number>]>([
  ['all to the only set', deployment(7), set('new', 5), [set('old', 0)], { new: 7 }],
  ['all to the newest old one while paused before a rollout', deployment(7), undefined, [set('a', 0), set('b', 0)], { b: 7 }],
  ['nothing to old sets after a finished rollout', deployment(5), set('new', 5, 5, during(5, 7)), [set('old', 2)], { old: 0 }],
  ['in proportion', deployment(20, 5, 0), set('new', 5, 0, during(10, 15)), [set('old', 10, 10, during(10, 15))], { old: 17, new: 8 }],
  ['in proportion when shrinking', deployment(5, 5, 0), set('new', 5, 0, during(10, 15)), [set('old', 10, 10, during(10, 15))], { old: 7, new: 3 }],
  ['to none', deployment(0, 5, 0), set('new', 5, 0, during(10, 15)), [set('old', 10, 10, during(10, 15))], { old: 0, new: 0 }],
])('a scaling gives %s', (_, d, current, old, expected) => {
  expect(Object.fromEntries(scale(d, current, old).scales.map(({ set: { metadata }, replicas }) => [metadata.name, replicas]))).toEqual(expected);
});

test('the current set is the oldest of the same template; the hash label does not count', () => {
  const hashed = { ...set('b', 1, 1, { image: 'new' }), spec: { ...set('b', 1).spec, template: { ...template('new'), metadata: { labels: { ...labels, 'pod-template-hash': 'x' } } } } };
  const { current, old } = currentAndOld(deployment(1), [set('a', 1), hashed, set('c', 1, 1, { image: 'new', created: '2026-01-02T00:00:00Z' })]);
  expect([current?.metadata.name, old.map((s) => s.metadata.name)]).toEqual(['b', ['a', 'c']]);
});

const REVISION = 'deployment.kubernetes.io/revision';
const HISTORY = 'deployment.kubernetes.io/revision-history';
test.each<[string, Record<string, string> | undefined, bigint, Record<string, string>]>([
  ['a new set', undefined, 3n, { [REVISION]: '3', note: 'x' }],
  ['the same again', { [REVISION]: '3', note: 'x' }, 3n, { [REVISION]: '3', note: 'x' }],
  ['an old set that is current again', { [REVISION]: '1' }, 4n, { [REVISION]: '4', [HISTORY]: '1', note: 'x' }],
  ['and once more', { [REVISION]: '4', [HISTORY]: '1' }, 6n, { [REVISION]: '6', [HISTORY]: '1,4', note: 'x' }],
])('revision annotations of %s', (_, before, revision, expected) => {
  const d = { ...deployment(1), metadata: meta('it', { annotations: { note: 'x', [REVISION]: '9', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } }) };
  expect(revisionAnnotations(before, d, revision)).toEqual(expected);
});

test('of old sets only empty, settled ones beyond the limit are forgotten, the lowest revisions first', () => {
  const old = [3, 1, 4, 2].map((revision) => set(`r${revision}`, revision === 2 ? 1 : 0, 0, { annotations: { [REVISION]: String(revision) } }));
  expect(nextRevision(old)).toBe(5n);
  expect(nextRevision([set('r', 1, 1, { annotations: { [REVISION]: '3546343826724305832' } })])).toBe(3546343826724305833n);
  expect(setsToForget(deployment(1, 1, 0, { revisionHistoryLimit: 1 }), old).map((s) => s.metadata.name)).toEqual(['r1', 'r3']);
  expect(setsToForget(deployment(1, 1, 0, { revisionHistoryLimit: 10 }), old)).toEqual([]);
});
