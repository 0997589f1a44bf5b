import { expect, it } from 'vitest';
import { sixRange } from './six-range.ts';

it('numbers the addresses of a range', () => {
  const range = sixRange('fd00:10:96::/112');
  expect([range.address(range.first), range.address(range.last)]).toEqual(['fd00:10:96::1', 'fd00:10:96::ffff']);
  expect(['fd00:10:96::5', 'fd00:10:96:0:0:0:0:5', 'fd00:10:97::5', 'fd00:10:96::1:5', '10.96.0.5', 'x'].map(range.numberOf)).toEqual([5, 5, undefined, undefined, undefined, undefined]);
  const small = sixRange('fd00::10/124');
  expect([small.address(1), small.last, small.numberOf('fd00::1f'), small.numberOf('fd00::20')]).toEqual(['fd00::11', 15, 15, undefined]);
  expect(() => sixRange('10.96.0.0/16')).toThrow('no range');
});
