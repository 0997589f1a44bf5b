import { expect, test } from 'vitest';
import { shortOptions } from './mount-command.ts';

test('names the layers of an image from close by when they would not fit into a page', () => {
  const few = ['ro', 'lowerdir=/images/snapshots/2/fs:/images/snapshots/1/fs'];
  expect(shortOptions(few)).toEqual({ options: few });
  const root = `/${'deep/'.repeat(20)}snapshots`;
  const layers = Array.from({ length: 60 }, (_, i) => `${root}/${i}/fs`);
  const { options, cwd } = shortOptions(['ro', `lowerdir=${layers.join(':')}`]);
  expect(cwd).toBe(root);
  expect(options.join(',').length).toBeLessThan(600);
  expect(options[1]).toMatch(/^lowerdir=0\/fs:1\/fs:/);
});
