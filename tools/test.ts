// Runs `npm run check` and vitest, and ends with the line `N passed, N failed`, in which the check counts as one test.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Report { numPassedTests: number; numFailedTests: number; numPendingTests: number; numTodoTests: number; numFailedTestSuites: number; success: boolean }

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'wherry-test-'));
const reportFile = join(folder, 'report.json');
const run = (args: string[]): number | null => spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status;

const checkOk = run([join(root, 'tools/check.ts')]) === 0;
const given = process.argv.slice(2);
const projects = given.includes('--project') ? [] : ['unit', 'end-to-end', 'end-to-end-alone'].flatMap((name) => ['--project', name]);
const status = run([join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...projects, '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`, ...given]);
let passed = checkOk ? 1 : 0;
let failed = checkOk ? 0 : 1;
let skipped = 0;
try {
  const report: Report = JSON.parse(readFileSync(reportFile, 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped = report.numPendingTests + report.numTodoTests;
  // A file that does not even load has no tests to count; so has an error outside of tests.
  if (status !== 0 && report.numFailedTests === 0) failed += Math.max(1, report.numFailedTestSuites);
} catch (error) {
  console.error(`no report of the tests: ${(error as Error).message}`);
  failed += 1;
}
rmSync(folder, { recursive: true, force: true });
if (process.env.CI === 'true' && skipped > 0) {
  console.error(`${skipped} tests were skipped; in CI nothing may be`);
  failed += skipped;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
