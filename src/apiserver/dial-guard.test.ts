import { expect, test } from 'vitest';
import { DialGuard } from './dial-guard.ts';

test('only addresses of the ranges are refused', () => {
  const guard = new DialGuard(['10.244.0.0/16']);
  expect(() => guard.check('10.244.3.7')).toThrow('10.244.3.7 is the address of a simulated pod');
  for (const host of ['10.245.0.1', '127.0.0.1', 'example.org', '::1']) expect(() => guard.check(host)).not.toThrow();
  expect(() => new DialGuard([]).check('10.244.3.7')).not.toThrow();
});
