import { expect, test } from 'vitest';
import { lastWords } from './last-words.ts';

const line = (tag: string, text: string): string => `2026-01-01T00:00:00.000000000Z stdout ${tag} ${text}\n`;

test.each<[string, string, string]>([
  ['nothing', '', ''],
  ['a line', line('F', 'DONE and out'), 'DONE and out\n'],
  ['an empty line among others', line('F', 'a') + line('F', '') + line('F', 'b'), 'a\n\nb\n'],
  ['output that does not end its line', line('F', 'a') + line('P', 'DONE'), 'a\nDONE'],
  ['a line in pieces', line('P', 'one ') + line('P', 'two ') + line('F', 'three'), 'one two three\n'],
  ['more than 80 lines', Array.from({ length: 90 }, (_, i) => line('F', String(i))).join(''), Array.from({ length: 80 }, (_, i) => `${i + 10}\n`).join('')],
  ['more than fits', line('F', 'x'.repeat(3000)), `${'x'.repeat(2047)}\n`],
])('%s', (_, log, expected) => {
  expect(lastWords(log)).toBe(expected);
});
