import { expect, test } from 'vitest';
import type { Pod } from '../../api/generated/core-v1.ts';
import { chooseVictim, memoryMessage, type PodUsage } from './eviction.ts';

const MIB = 2 ** 20;
const usage = (name: string, usedMib: number, requestMib = 0, priority = 0): PodUsage => ({
  pod: { metadata: { name }, spec: { priority, containers: [{ name: 'main', ...(requestMib && { resources: { requests: { memory: `${requestMib}Mi` } } }) }] } } as unknown as Pod,
  containers: [{ name: 'main', memoryBytes: usedMib * MIB }],
});

test.each<[string, PodUsage[], string | undefined]>([
  ['nobody is there', [], undefined],
  ['over its request goes before within', [usage('within', 900, 1000), usage('over', 20, 10)], 'over'],
  ['less important goes first', [usage('much', 500, 10, 5), usage('little', 20, 10, 1)], 'little'],
  ['the largest excess goes first', [usage('a', 30), usage('b', 300, 200)], 'b'],
  ['critical pods stay', [usage('critical', 900, 0, 2_000_001_000), usage('other', 1)], 'other'],
])('%s', (_, usages, expected) => {
  expect(chooseVictim(usages)?.pod.metadata.name).toBe(expected);
});

test('the message names who used too much', () => {
  expect(memoryMessage(usage('a', 30, 10), 50 * MIB)).toBe(
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 51200Ki. Container main was using 30720Ki, request is 10Mi, has larger consumption of memory. ');
});
