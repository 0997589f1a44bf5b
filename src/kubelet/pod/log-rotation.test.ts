import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { LogRotation } from './log-rotation.ts';
import type { PodState } from './pod-state.ts';

/** A running container with a log of so many bytes, and an ended one with as large a log. */
function logOf(bytes: number) {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-logs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [logPath, endedPath] = [join(folder, '0.log'), join(folder, '9.log')];
  for (const path of [logPath, endedPath]) {
    writeFileSync(path, '');
    truncateSync(path, bytes);
  }
  const reopened: string[] = [];
  const runtime = { async reopenContainerLog(id: string) { reopened.push(id); writeFileSync(logPath, ''); } };
  const containers = [{ id: 'c1', name: 'main', state: 'running', logPath }, { id: 'c9', name: 'ended', state: 'exited', logPath: endedPath }];
  const state = { context: { runtime, clock: new FakeClock() }, log: silentLog, observation: { containers, sandboxes: [] } } as unknown as PodState;
  return { rotation: new LogRotation(state), folder, logPath, reopened };
}

test('a log that has grown too large goes on in a new file, only of what runs, the older parts packed and the oldest removed', async () => {
  const { rotation, folder, logPath, reopened } = logOf(10 * 2 ** 20);
  const older = ['20250101-000001', '20250101-000002', '20250101-000003', '20250101-000004'].map((time) => `0.log.${time}`);
  for (const name of older) writeFileSync(join(folder, name), name);
  await rotation.rotate();
  expect(reopened).toEqual(['c1']);
  expect(existsSync(logPath)).toBe(true);
  const names = readdirSync(folder).sort();
  expect(names).toEqual(['0.log', `${older[1]!}.gz`, `${older[2]!}.gz`, `${older[3]!}.gz`, expect.stringMatching(/^0\.log\.\d{8}-\d{6}$/), '9.log']);
});

test('logs that do not grow are looked at more and more seldom, up to every sixth round', async () => {
  const { rotation, logPath } = logOf(100);
  const roundsUntilLook = async (): Promise<number> => {
    let rounds = 1;
    while (!rotation.isDue()) rounds++;
    await rotation.rotate();
    return rounds;
  };
  const waits: number[] = [];
  for (let look = 0; look < 8; look++) waits.push(await roundsUntilLook());
  expect(waits).toEqual([1, 1, 2, 3, 4, 5, 6, 6]);
  truncateSync(logPath, 200);
  expect([await roundsUntilLook(), await roundsUntilLook()]).toEqual([6, 1]);
});
