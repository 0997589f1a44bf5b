import { expect, test } from 'vitest';
import type { Pod } from '../../api/generated/core-v1.ts';
import { evictionMessage, rankForEviction, storageExcess, type PodUsage } from './ranking.ts';

const MIB = 2 ** 20;
const nothing = { bytes: 0, inodes: 0 };
const usage = (name: string, usedMib: number, requestMib = 0, priority = 0): PodUsage => ({
  pod: { metadata: { name }, spec: { priority, containers: [{ name: 'main', ...(requestMib && { resources: { requests: { memory: `${requestMib}Mi` } } }) }] } } as unknown as Pod,
  containers: [{ name: 'main', memoryBytes: usedMib * MIB, rootfs: nothing, logs: nothing }], volumes: {}, processes: usedMib,
});
const onDisk = (name: string, mib: { rootfs?: number; logs?: number; volume?: number }, spec: object): PodUsage => ({
  pod: { metadata: { name }, spec: { containers: [{ name: 'main' }], ...spec } } as unknown as Pod,
  containers: [{ name: 'main', memoryBytes: 0, rootfs: { bytes: (mib.rootfs ?? 0) * MIB, inodes: 1 }, logs: { bytes: (mib.logs ?? 0) * MIB, inodes: 1 } }],
  volumes: { data: { bytes: (mib.volume ?? 0) * MIB, inodes: 1 } }, processes: 1,
});

test.each<[string, PodUsage[], string | undefined]>([
  ['nobody is there', [], undefined],
  ['over its request goes before within', [usage('within', 900, 1000), usage('over', 20, 10)], 'over'],
  ['less important goes first', [usage('much', 500, 10, 5), usage('little', 20, 10, 1)], 'little'],
  ['the largest excess goes first', [usage('a', 30), usage('b', 300, 200)], 'b'],
  ['critical pods stay', [usage('critical', 900, 0, 2_000_001_000), usage('other', 1)], 'other'],
])('memory: %s', (_, usages, expected) => {
  expect(rankForEviction(usages, 'memory.available')[0]?.pod.metadata.name).toBe(expected);
});

test('disk: what the whole pod has written counts, processes: importance first, then number', () => {
  const pods = [onDisk('rootfs', { rootfs: 50 }, {}), onDisk('volume', { volume: 60, logs: 1 }, {}), onDisk('asked', { volume: 90 }, { containers: [{ name: 'main', resources: { requests: { 'ephemeral-storage': '100Mi' } } }] })];
  expect(rankForEviction(pods, 'nodefs.available').map(({ pod }) => pod.metadata.name)).toEqual(['volume', 'rootfs', 'asked']);
  expect(rankForEviction([usage('few', 5), usage('many', 50), usage('important', 500, 0, 9)], 'pid.available').map(({ pod }) => pod.metadata.name)).toEqual(['many', 'few', 'important']);
});

test('the message names who used too much', () => {
  const threshold = { signal: 'memory.available', amount: 100 * MIB, graceMs: 0 } as const;
  expect(evictionMessage(usage('a', 30, 10), threshold, { available: 50 * MIB, capacity: 1000 * MIB })).toBe(
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 51200Ki. Container main was using 30Mi, request is 10Mi, has larger consumption of memory. ');
  expect(evictionMessage(onDisk('a', { rootfs: 2, logs: 1 }, {}), { signal: 'nodefs.available', share: 0.1, graceMs: 0 }, { available: 50 * MIB, capacity: 1000 * MIB })).toBe(
    'The node was low on resource: ephemeral-storage. Threshold quantity: 100Mi, available: 51200Ki. Container main was using 3Mi, request is 0, has larger consumption of ephemeral-storage. ');
});

test.each<[string, PodUsage, string | undefined]>([
  ['within all limits', onDisk('a', { volume: 1 }, { volumes: [{ name: 'data', emptyDir: { sizeLimit: '2Mi' } }] }), undefined],
  ['a folder', onDisk('a', { volume: 3 }, { volumes: [{ name: 'data', emptyDir: { sizeLimit: '2Mi' } }] }), 'Usage of EmptyDir volume "data" exceeds the limit "2Mi". '],
  ['a container with its log', onDisk('a', { rootfs: 2, logs: 2 }, { containers: [{ name: 'main', resources: { limits: { 'ephemeral-storage': '3Mi' } } }, { name: 'other', resources: { limits: { 'ephemeral-storage': '9Mi' } } }] }), 'Container main exceeded its local ephemeral storage limit "3Mi". '],
  ['the pod with its folders', onDisk('a', { rootfs: 2, volume: 2 }, { containers: [{ name: 'main', resources: { limits: { 'ephemeral-storage': '3Mi' } } }] }), 'Pod ephemeral local storage usage exceeds the total limit of containers 3Mi. '],
])('limits of local storage: %s', (_, found, expected) => {
  expect(storageExcess(found)).toBe(expected);
});
