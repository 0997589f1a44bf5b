import { expect, test } from 'vitest';
import { shareUnchanged } from './share-unchanged.ts';

const parsed = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const before = Object.freeze({ metadata: { name: 'a', labels: { app: 'x' } }, spec: { list: [{ n: 1 }, { n: 2 }], on: null as null | boolean }, status: { phase: 'Pending' } });

test('an equal value is the value known before', () => {
  expect(shareUnchanged(before, parsed(before))).toBe(before);
});

test('what did not change is shared, what did is new, and neither side is touched', () => {
  const fresh = Object.freeze({ ...parsed(before), status: Object.freeze({ phase: 'Running' }) });
  const merged = shareUnchanged(before, fresh);
  expect(merged).toEqual(fresh);
  expect(merged.spec).toBe(before.spec);
  expect(merged.metadata).toBe(before.metadata);
  expect(before.status.phase).toBe('Pending');
});

test.each<[unknown, unknown]>([
  [{ a: 1 }, { a: 1, b: undefined }], [{ a: 1, b: 2 }, { a: 1 }], [{ a: 1 }, { b: 1 }], [[1, 2], [1]], [[1], [1, 2]], [[{ x: 1 }, 2], [{ x: 1 }, 3]], [{ a: [] }, { a: {} }], [{ a: null }, { a: {} }], [{}, []], [1, '1'],
])('%j → %j gives the new value', (previous, next) => {
  expect(shareUnchanged(previous, next)).toStrictEqual(next);
});
