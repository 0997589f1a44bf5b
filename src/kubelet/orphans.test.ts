import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../base/log.ts';
import { Orphans } from './orphans.ts';

test('what nobody looks after goes when it is found twice, and nothing else', async () => {
  const rootDir = mkdtempSync(join(tmpdir(), 'orphans-'));
  onTestFinished(() => rmSync(rootDir, { recursive: true }));
  const podLogsDir = join(rootDir, 'logs');
  const make = (uid: string): void => {
    for (const path of [`pods/${uid}/volumes/kubernetes.io~empty-dir/data/file`, `logs/default_web_${uid}/main`]) mkdirSync(join(rootDir, path), { recursive: true });
  };
  for (const uid of ['kept', 'gone']) make(uid);
  const removed: string[] = [];
  const orphans = new Orphans({
    runtime: {} as never, log: silentLog, rootDir, podLogsDir, volumeGround: { mounter: undefined, runtime: {} as never, csi: undefined, log: silentLog }, isWanted: (uid) => uid === 'kept',
    cgroups: { version: 'v1', remove: async (path) => void removed.push(path) }, cgroupTree: { pods: () => ['kept', 'gone'].map((uid) => ({ uid, path: `/kubepods/pod${uid}` })) } as never,
  });
  await orphans.look();
  expect(existsSync(join(rootDir, 'pods/gone'))).toBe(true);
  await orphans.look();
  expect(readdirSync(join(rootDir, 'pods'))).toEqual(['kept']);
  expect(readdirSync(podLogsDir)).toEqual(['default_web_kept']);
  expect(removed).toEqual(['/kubepods/podgone']);
});
