import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { claimClusterNumber, clusterNumberOf, numberedClusters, releaseClusterNumber } from './cluster-number.ts';
import { apiPortOf } from './profile.ts';

test('numbers are kept, given once, passed over where the machine cannot use them, and free again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'numbers-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const registry = join(folder, 'registry');
  const [a, b] = ['a', 'b'].map((name) => join(folder, name)) as [string, string];
  for (const cluster of [a, b]) mkdirSync(cluster);
  const usable = (number: number): boolean => number !== 1;
  expect(claimClusterNumber(registry, a, usable)).toBe(0);
  expect(claimClusterNumber(registry, b, usable)).toBe(2);
  expect(claimClusterNumber(registry, a, usable)).toBe(0);
  expect(numberedClusters(registry).sort()).toEqual([a, b]);
  writeFileSync(join(a, 'cluster.json'), '{"apiPort":6450}');
  writeFileSync(join(b, 'cluster.json'), '{"apiPo');
  expect([a, b, join(folder, 'none')].map(apiPortOf)).toEqual([6450, undefined, undefined]);
  releaseClusterNumber(registry, a);
  expect(clusterNumberOf(registry, a)).toBeUndefined();
  expect(clusterNumberOf(registry, b)).toBe(2);
  // A cluster whose folder is gone holds no number.
  rmSync(b, { recursive: true });
  mkdirSync(join(folder, 'c'));
  expect(claimClusterNumber(registry, join(folder, 'c'), (number) => number === 2)).toBe(2);
  expect(() => claimClusterNumber(registry, a, () => false)).toThrow('no address ranges left');
});
