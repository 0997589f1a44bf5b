import { expect, test } from 'vitest';
import { DEEPEST, isTextTooDeep, isTooDeep } from './depth.ts';

const nested = (depth: number): string => `${'[{"a":'.repeat(depth / 2)}"${'[{'.repeat(DEEPEST)}\\"["${'}]'.repeat(depth / 2)}`;

test.each([[10, false], [DEEPEST, false], [DEEPEST + 2, true], [100_000, true]])('a value of %i levels is too deep: %s', (depth, expected) => {
  const text = nested(depth);
  expect(isTextTooDeep(Buffer.from(text))).toBe(expected);
  expect(isTooDeep(JSON.parse(text))).toBe(expected);
});
