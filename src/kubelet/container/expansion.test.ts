import { expect, test } from 'vitest';
import { expand } from './expansion.ts';

test.each([
  ['$(A)', '1'], ['x$(A)y', 'x1y'], ['$$(A)', '$(A)'], ['$$$(A)', '$1'], ['$(NOPE)', '$(NOPE)'], ['$A', '$A'], ['$(A', '$(A'], ['$', '$'], ['a$$b', 'a$b'], ['$()', '$()'], ['$(A)$(B)', '1two'],
])('%s → %s', (text, expected) => {
  expect(expand(text, { A: '1', B: 'two' })).toBe(expected);
});
