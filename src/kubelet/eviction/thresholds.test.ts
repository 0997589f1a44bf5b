import { expect, test } from 'vitest';
import { hardThresholds, metThresholds, parseThresholds, type Levels } from './thresholds.ts';

const MIB = 2 ** 20;

test.each<[string, Levels, string[]]>([
  ['all is well', { 'memory.available': { available: 200 * MIB, capacity: 1000 * MIB }, 'nodefs.available': { available: 200, capacity: 1000 } }, []],
  ['memory comes first', { 'nodefs.available': { available: 99, capacity: 1000 }, 'memory.available': { available: 99 * MIB, capacity: 1000 * MIB } }, ['memory.available', 'nodefs.available']],
  ['images need more room', { 'nodefs.available': { available: 120, capacity: 1000 }, 'imagefs.available': { available: 120, capacity: 1000 } }, ['imagefs.available']],
  ['inodes', { 'nodefs.inodesFree': { available: 49, capacity: 1000 } }, ['nodefs.inodesFree']],
])("upstream's thresholds: %s", (_, levels, expected) => {
  expect(metThresholds(hardThresholds, levels).map(({ signal }) => signal)).toEqual(expected);
});

test('amounts, percentages and what turns a threshold off', () => {
  expect(parseThresholds({ 'memory.available': '1Gi', 'nodefs.available': '12.5%', 'pid.available': '0%', 'imagefs.available': '100%' })).toEqual([
    { signal: 'memory.available', graceMs: 0, amount: 2 ** 30 }, { signal: 'nodefs.available', graceMs: 0, share: 0.125 },
  ]);
  expect(() => parseThresholds({ 'disk.available': '1' })).toThrow('unsupported eviction signal disk.available');
  expect(() => parseThresholds({ 'nodefs.available': '101%' })).toThrow('must be >= 0% and <= 100%');
  // An amount caps a share.
  expect(metThresholds([{ signal: 'nodefs.available', share: 0.1, amount: 50, graceMs: 0 }], { 'nodefs.available': { available: 60, capacity: 1000 } })).toEqual([]);
});
