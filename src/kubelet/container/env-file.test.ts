import { expect, test } from 'vitest';
import { envFileValue } from './env-file.ts';

const file = `# a comment
  A='one' # said
B='two
lines'
C= 'nothing'
D=''
`;

test.each([['A', 'one'], ['B', 'two\nlines'], ['C', undefined], ['D', undefined], ['E', undefined]])('%s', (key, value) => {
  expect(envFileValue(file, key)).toBe(value);
});

test.each([
  ['no', "missing '='"], ["='x'", 'empty variable name'], ["A ='x'", "whitespace before '='"], ['A=x', 'single quotes'], ["A='x' y", 'after closing quote'], ["A='x", 'starting at line 1: unclosed'],
])('refuses %j', (text, message) => {
  expect(() => envFileValue(text, 'A')).toThrow(message);
});
