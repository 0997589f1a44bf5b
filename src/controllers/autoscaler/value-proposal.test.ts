import { expect, test } from 'vitest';
import { proposeForValue } from './value-proposal.ts';

const tolerance = { up: 0.1, down: 0.1 };

test.each([
  ['twice the value: twice the ready pods', 20_000, { type: 'Value', value: '10' }, { current: 3, existing: 3, ready: 2 }, 4],
  ['within tolerance nothing changes', 10_900, { type: 'Value', value: '10' }, { current: 3, existing: 3, ready: 3 }, 3],
  ['from nothing', 25_000, { type: 'Value', value: '10' }, { current: 0, existing: 0, ready: 0 }, 3],
  ['so much for each', 45_000, { type: 'AverageValue', averageValue: '10' }, { current: 2, existing: 2, ready: 1 }, 5],
  ['so much for each, within tolerance', 21_000, { type: 'AverageValue', averageValue: '10' }, { current: 2, existing: 2, ready: 2 }, 2],
  ['nothing to do', 0, { type: 'AverageValue', averageValue: '10' }, { current: 2, existing: 2, ready: 2 }, 0],
])('%s', (_, usage, target, fleet, replicas) => expect(proposeForValue(usage, target, fleet, tolerance).replicas).toBe(replicas));
