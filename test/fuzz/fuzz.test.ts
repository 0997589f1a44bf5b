import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';

// The same every time; `npm run fuzz` draws another one each time, and goes on for longer.
const seed = Number(process.env['FUZZ_SEED'] ?? 7);

test(`broken, hostile and enormous requests do the server no harm (seed ${seed})`, { timeout: 120_000 }, async () => {
  const { rounds, faults } = await fuzz({ seed, seconds: 10 });
  expect(faults).toEqual([]);
  expect(rounds).toBeGreaterThan(5);
});
