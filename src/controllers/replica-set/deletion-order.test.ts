import { expect, test } from 'vitest';
import type { Pod } from '../../api/generated/core-v1.ts';
import { podsToDelete } from './deletion-order.ts';

const now = Date.UTC(2026, 0, 2);
interface Traits { node?: string; phase?: string; ready?: boolean; readySince?: string; cost?: string; restarts?: number; created?: string }

function pod(name: string, { node = 'n1', phase = 'Running', ready = true, readySince = '2026-01-01T00:01:00Z', cost, restarts = 0, created = '2026-01-01T00:00:00Z' }: Traits = {}): Pod {
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: created, ...(cost !== undefined && { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }) },
    spec: { containers: [], ...(node && { nodeName: node }) },
    status: { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: readySince }], containerStatuses: [{ name: 'c', image: '', imageID: '', ready, restartCount: restarts }] },
  };
}

test.each<[string, Traits, Traits]>([
  ['without a node before one with', { node: '' }, {}],
  ['pending before running', { phase: 'Pending' }, {}],
  ['unknown before running', { phase: 'Unknown' }, {}],
  ['unready before ready', { ready: false }, {}],
  ['cheap before dear', { cost: '-5' }, { cost: '0' }],
  ['of a crowded node before one that is alone', { node: 'crowded' }, { node: 'alone' }],
  ['ready for a short while before long ready', { readySince: '2026-01-01T23:59:00Z' }, {}],
  ['often restarted before never restarted', { restarts: 3 }, {}],
  ['young before old', { ready: false, created: '2026-01-01T23:00:00Z' }, { ready: false }],
  ['unready of a lonely node before ready of a crowded one', { ready: false, node: 'alone' }, { node: 'crowded' }],
  ['unscheduled though dear', { node: '', cost: '100' }, { cost: '-100' }],
  ['a malformed cost counts as 0', { cost: '-1' }, { cost: '+7' }],
])('a pod goes: %s', (_, first, second) => {
  const others = ['x', 'y'].map((name) => pod(name, { node: 'crowded' }));
  // Whichever comes first in the list, and whichever has the smaller uid.
  for (const [a, b] of [['a', 'b'], ['b', 'a']] as const) {
    const [goes, stays] = [pod(a, first), pod(b, second)];
    for (const list of [[goes, stays], [stays, goes]]) expect(podsToDelete(list, [...list, ...others], 1, 0, now)).toEqual([goes]);
  }
});

test('what is not ready long enough goes before what is available, though the node is crowded or the cost is high', () => {
  const [fresh, old] = [pod('a', { readySince: '2026-01-01T23:59:55Z', cost: '5' }), pod('b', { node: 'crowded' })];
  const others = ['x', 'y'].map((name) => pod(name, { node: 'crowded' }));
  expect(podsToDelete([old, fresh], [old, fresh, ...others], 1, 10, now)).toEqual([fresh]);
  expect(podsToDelete([old, fresh], [old, fresh, ...others], 1, 0, now)).toEqual([old]);
});

test('among pods of about the same age chance decides, not the clock', () => {
  const [a, b] = [pod('a', { readySince: '2026-01-01T00:01:00Z' }), pod('b', { readySince: '2026-01-01T00:09:00Z' })];
  expect(podsToDelete([b, a], [a, b], 1, 0, now)).toEqual([a]);
});

test('all go when all are too many', () => {
  const list = [pod('a'), pod('b')];
  expect(podsToDelete(list, list, 2, 0, now)).toEqual(list);
});
