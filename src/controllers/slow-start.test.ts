import { expect, test } from 'vitest';
import { slowStart } from './slow-start.ts';

test.each([[0, 0], [1, 1], [2, 2], [7, 7], [10, 10]])('%i attempts that succeed are %i', async (count, made) => {
  let attempts = 0;
  await slowStart(count, async () => attempts++);
  expect(attempts).toBe(made);
});

test.each([[10, 0, 1], [10, 2, 3], [10, 3, 7], [10, 7, 10]])('of %i, where all after the first %i fail, %i are tried', async (count, good, tried) => {
  let attempts = 0;
  await expect(slowStart(count, async () => {
    if (attempts++ >= good) throw new Error('quota');
  })).rejects.toThrow('quota');
  expect(attempts).toBe(tried);
});
