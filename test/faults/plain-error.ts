import { expect } from 'vitest';
import type { Outcome } from '../../src/testing/cluster-under-test.ts';

/** The command failed with words for a person: no stack trace, no request for a bug report, and it ended by itself. Answers what it said. */
export function plainError(outcome: Outcome): string {
  expect(outcome.stderr).not.toMatch(/^\s+at |this should not happen|\(ended by SIG/m);
  expect(outcome.stderr.trim()).not.toBe('');
  expect(outcome.code).toBe(1);
  return outcome.stderr;
}
