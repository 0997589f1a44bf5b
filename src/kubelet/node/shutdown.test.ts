import { expect, test } from 'vitest';
import type { Pod } from '../../api/generated/core-v1.ts';
import { shutdownGroups, shutdownPeriods } from './shutdown.ts';

const item = (name: string, priority?: number): { readonly name: string; readonly pod: Pod } => ({ name, pod: { metadata: { name }, spec: { containers: [], ...(priority !== undefined && { priority }) } } as unknown as Pod });
const periods = [{ priority: 1000, graceSeconds: 10 }, { priority: 100, graceSeconds: 20 }, { priority: 0, graceSeconds: 30 }];

test.each([
  ['the lowest priority first', periods, [item('high', 1000), item('none'), item('middle', 100)], ['30: none', '20: middle', '10: high']],
  ['between two: with the lower one', periods, [item('a', 999), item('b', 99)], ['30: b', '20: a']],
  ['over the highest and under the lowest', periods, [item('a', 2_000_000_000), item('b', -5)], ['30: b', '10: a']],
  ['groups without pods take no time', periods, [item('a', 100)], ['20: a']],
  ['the older form', shutdownPeriods(30, 10), [item('critical', 2_000_001_000), item('a', 5)], ['20: a', '10: critical']],
  ['off', shutdownPeriods(0, 0), [item('a')], []],
])('%s', (_, given, items, expected) => {
  expect(shutdownGroups(given, items).map((group) => `${group.graceSeconds}: ${group.items.map(({ name }) => name).join(' ')}`)).toEqual(expected);
});
