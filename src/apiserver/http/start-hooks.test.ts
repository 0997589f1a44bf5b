import { expect, test } from 'vitest';
import { StartHooks } from './start-hooks.ts';

test('a step is well once it is over, and only then', async () => {
  const hooks = new StartHooks();
  const { promise, resolve } = Promise.withResolvers<number>();
  const step = hooks.done(promise, 'rbac/bootstrap-roles');
  const [check] = hooks.checks();
  expect(check?.name).toBe('poststarthook/rbac/bootstrap-roles');
  expect(() => check?.check()).toThrow('not finished');
  resolve(7);
  expect(await step).toBe(7);
  expect(() => check?.check()).not.toThrow();
});

test('a step that fails stays unfinished', async () => {
  const hooks = new StartHooks();
  await expect(hooks.done(Promise.reject(new Error('no disk')), 'storage-readiness')).rejects.toThrow('no disk');
  expect(() => hooks.checks()[0]?.check()).toThrow('not finished');
});
