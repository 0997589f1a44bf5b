import { expect, test } from 'vitest';
import type { Node } from '../../api/generated/core-v1.ts';
import { EvictionPace, paceOf, zoneState } from './eviction-pace.ts';

test.each([
  [3, 0, 'normal'], [0, 0, 'normal'], [0, 1, 'full'], [1, 2, 'normal'], [2, 3, 'partial'], [3, 3, 'normal'], [2, 2, 'normal'],
] as const)('%i ready and %i down make the zone %s', (ready, down, state) => expect(zoneState(ready, down)).toBe(state));

test.each([['normal', 5, 10_000], ['full', 5, 10_000], ['partial', 50, undefined], ['partial', 51, 100_000]] as const)('%s, of %i nodes: one in %s ms', (state, nodes, pace) => {
  expect(paceOf(state, nodes)).toBe(pace);
});

test('one node after the other, none while most of a small zone is down, none while everything is', () => {
  const told: string[] = [];
  const pace = new EvictionPace((names) => told.push(...names));
  const set = (name: string, ready: boolean, zone = 'a'): void => pace.set({ metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } }, status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }] } } as unknown as Node);
  for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) set(name, true);
  set('b1', true, 'b');
  set('a1', false);
  set('a2', false);
  expect(pace.waitMs('a1', 1000)).toBe(0);
  pace.took('a1', 1000);
  expect(pace.waitMs('a2', 1000)).toBe(10_000);
  expect(pace.waitMs('a2', 11_000)).toBe(0);
  expect(told).toEqual([]);

  set('a3', false);
  expect(told.splice(0)).toEqual(['a1', 'a2', 'a3']);
  expect(pace.waitMs('a2', 11_000)).toBeUndefined();
  set('a4', false);
  set('a5', false);
  // The whole zone, but not all zones: the zone has really gone.
  expect(pace.waitMs('a2', 11_000)).toBe(0);
  expect(pace.cutOff).toBe(false);
  told.length = 0;
  set('b1', false, 'b');
  expect(pace.cutOff).toBe(true);
  expect(pace.waitMs('a2', 11_000)).toBeUndefined();
  expect(told.toSorted()).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'b1']);
  pace.delete('b1');
  set('b2', true, 'b');
  expect(pace.cutOff).toBe(false);
});
