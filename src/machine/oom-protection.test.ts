import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mayProtectFromOom } from './oom-protection.ts';

test.each(['0', '-1000', '300'])('the score %s is as it was after the trial', (score) => {
  const folder = mkdtempSync(join(tmpdir(), 'oom-'));
  const file = join(folder, 'oom_score_adj');
  writeFileSync(file, score);
  expect(mayProtectFromOom(file)).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe(score);
  rmSync(folder, { recursive: true });
});

test.runIf(process.platform === 'linux')('the kernel is asked, and this process is left as it was', () => {
  const before = readFileSync('/proc/self/oom_score_adj', 'utf8');
  mayProtectFromOom();
  expect(readFileSync('/proc/self/oom_score_adj', 'utf8')).toBe(before);
});
