import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CgroupTree, cgroupFiles, cgroupMounts, cpuWeight } from './cgroup-tree.ts';

test('finds the hierarchies of version 1, 2 and both', () => {
  const v1 = '30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct\n31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory';
  const v2 = '32 25 0:28 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate';
  expect(cgroupMounts(v1)).toEqual({ cpu: '/sys/fs/cgroup/cpu,cpuacct', memory: '/sys/fs/cgroup/memory' });
  expect(cgroupMounts(v2)).toEqual({ unified: '/sys/fs/cgroup' });
});

test.each([[2, 1], [1024, 39], [262_144, 10_000]])('%d shares weigh %d', (shares, weight) => {
  expect(cpuWeight(shares)).toBe(weight);
});

test('writes limits, and their absence', () => {
  expect(cgroupFiles('v1', { cpuShares: 102, cpuQuota: 50_000, memoryLimitInBytes: 1024 })).toEqual([['cpu', 'cpu.shares', '102'], ['cpu', 'cpu.cfs_quota_us', '50000'], ['memory', 'memory.limit_in_bytes', '1024']]);
  expect(cgroupFiles('v1', { cpuShares: 2 })).toEqual([['cpu', 'cpu.shares', '2'], ['cpu', 'cpu.cfs_quota_us', '-1'], ['memory', 'memory.limit_in_bytes', '-1']]);
  expect(cgroupFiles('v2', { cpuShares: 1024, cpuQuota: 50_000 })).toEqual([['cpu', 'cpu.weight', '39'], ['cpu', 'cpu.max', '50000 100000'], ['memory', 'memory.max', 'max']]);
});

test('finds the cgroups of pods in all hierarchies and classes, each once', () => {
  const root = mkdtempSync(join(tmpdir(), 'wherry-cgroups-'));
  for (const path of ['cpu/here/kubepods/pod1', 'memory/here/kubepods/pod1', 'memory/here/kubepods/burstable/podb-2', 'cpu/here/kubepods/besteffort/pod3/abc', 'cpu/elsewhere/kubepods/pod4']) mkdirSync(join(root, path), { recursive: true });
  const tree = new CgroupTree('v1', '/here', `1 1 0:1 / ${root}/cpu rw - cgroup cgroup rw,cpu\n2 1 0:2 / ${root}/memory rw - cgroup cgroup rw,memory`);
  expect(tree.pods().map(({ uid, path }) => `${uid} ${path}`).toSorted()).toEqual(['1 /here/kubepods/pod1', '3 /here/kubepods/besteffort/pod3', 'b-2 /here/kubepods/burstable/podb-2']);
  rmSync(root, { recursive: true });
});
