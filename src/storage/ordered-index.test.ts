import { expect, test } from 'vitest';
import { seededRandom } from '../base/random.ts';
import { OrderedIndex, prefixEnd } from './ordered-index.ts';

test('stays sorted and counts right through many insertions and deletions', () => {
  const random = seededRandom(7);
  const index = new OrderedIndex<{ key: string; n: number }>();
  const model = new Map<string, number>();
  for (let n = 0; n < 20_000; n++) {
    const key = `/${Math.floor(random.next() * 5000)}`;
    if (random.next() < 0.6) {
      index.set({ key, n });
      model.set(key, n);
    } else {
      expect(index.delete(key)).toBe(model.delete(key));
    }
  }
  const sorted = [...model].map(([key, n]) => ({ key, n })).sort((a, b) => (a.key < b.key ? -1 : 1));
  expect([...index.between('', undefined)]).toEqual(sorted);
  expect(index.size).toBe(sorted.length);
  const inside = sorted.filter((e) => e.key.startsWith('/3'));
  expect(index.slice('/3', prefixEnd('/3'))).toEqual(inside);
  expect(index.count('/3', prefixEnd('/3'))).toBe(inside.length);
  expect(index.slice('/3', prefixEnd('/3'), 7)).toEqual(inside.slice(0, 7));
});

test('an emptied index is empty', () => {
  const index = new OrderedIndex<{ key: string }>();
  index.set({ key: 'a' });
  index.delete('a');
  expect(index.slice('', undefined)).toEqual([]);
  expect(index.count('', undefined)).toBe(0);
});
