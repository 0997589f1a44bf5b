import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const page = fileURLToPath(new URL('../../dashboard', import.meta.url));

/** Words that are the same in every language. */
const SAME = new Set(['YAML', 'IP']);

test('all that the page says is said in Korean, too', async () => {
  const { korean } = (await import(join(page, 'korean.ts'))) as { readonly korean: Readonly<Record<string, string>> };
  const missing = new Set<string>();
  const TEXT = String.raw`(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")`;
  for (const name of readdirSync(page, { recursive: true, encoding: 'utf8' })) {
    if (!/\.tsx?$/.test(name) || name.endsWith('.test.ts') || name.startsWith('korean')) continue;
    const source = readFileSync(join(page, name), 'utf8');
    const patterns = [
      String.raw`\bt\(\s*${TEXT}`,
      String.raw`\bmany\([^'"]*?,\s*${TEXT},\s*${TEXT}`,
      String.raw`\{ label: ${TEXT}, width`,
      // Texts that stand in tables.
      ...(name === 'plain-words.ts' ? [String.raw`^ +\w+: ${TEXT},$`] : []),
      String.raw`<Facts? (?:title|name)=${TEXT}`,
    ];
    for (const pattern of patterns) {
      for (const match of source.matchAll(new RegExp(pattern, 'gm'))) {
        for (const found of match.slice(1)) {
          const text = found?.replaceAll("\\'", "'");
          if (text !== undefined && /[A-Za-z]{2}/.test(text) && !SAME.has(text) && !(text in korean)) missing.add(`${name}: ${text}`);
        }
      }
    }
  }
  expect([...missing]).toEqual([]);
  // A place for a value that got lost would show nothing.
  const places = (text: string): string =>
    [...text.matchAll(/\{\w+\}/g)]
      .map(([place]) => place)
      .sort()
      .join();
  expect(
    Object.entries(korean)
      .filter(([english, words]) => places(english) !== places(words))
      .map(([english]) => english),
  ).toEqual([]);
});
