import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { featureGates } from './feature-gates.ts';

test('the page of gates tells of each that is on once, and of no other', () => {
  const page = readFileSync(new URL('../../../docs/feature-gates.md', import.meta.url), 'utf8');
  const [, ...sections] = page.split(/^## .*$/m);
  // In a table the gate is the first cell; elsewhere a section is nothing but gates.
  const named = sections.flatMap((text) => (text.includes('|---|') ? [...text.matchAll(/^\| ([A-Z]\w+) \|/gm)].map(([, name]) => name!) : text.trim().split(/\s+/)));
  expect(named.toSorted()).toEqual(featureGates.filter(({ isOn }) => isOn).map(({ name }) => name).toSorted());
});
