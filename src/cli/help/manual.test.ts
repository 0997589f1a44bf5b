import { describe, expect, test } from 'vitest';
import { parseFlags, type FlagSpecs } from '../command/flags.ts';
import { manual } from './manual.ts';
import { globalFlags } from '../command/session.ts';
import type { Verb } from '../command/verb.ts';
import { verbs } from '../verbs.ts';

/** Every verb by its words, those below others too; other names of the same left out. */
async function pages(): Promise<Map<string, Verb>> {
  const found = new Map<string, Verb>();
  const walk = (path: string, verb: Verb): void => {
    found.set(path, verb);
    const seen = new Set<Verb>();
    for (const [name, below] of Object.entries(verb.verbs ?? {})) {
      if (!seen.has(below)) walk(`${path} ${name}`, below);
      seen.add(below);
    }
  };
  for (const [name, { load }] of Object.entries(verbs)) walk(name, (await load()).verb);
  return found;
}

const all = await pages();

/** The words of each call of kubectl in a line of a shell, without what follows in a pipe or goes into a file. */
function calls(line: string): string[][] {
  const words = [...line.matchAll(/(?:\$\([^)]*\)|[^\s"'|<>;&]|"[^"]*"|'[^']*')+|[|<>;&]+/g)].map(([word]) => word.replaceAll(/^\(|\)$/g, ''));
  const found: string[][] = [];
  let call: string[] | undefined;
  for (const word of words) {
    if (/^[|<>;&]/.test(word)) call = undefined;
    else if (word === 'kubectl') found.push((call = []));
    else call?.push(word.replaceAll(/["']/g, ''));
  }
  return found;
}

test('every verb has a page, and every page is of a verb', () => {
  expect([...all.keys()].filter((path) => !Object.hasOwn(manual, path))).toEqual([]);
  expect(Object.keys(manual).filter((path) => !all.has(path))).toEqual([]);
});

describe('examples use flags that there are', () => {
  test.each(Object.entries(manual).flatMap(([path, { examples }]) => examples.map(([, command]) => [path, command] as const)))('%s: %s', (_path, command) => {
    const found = calls(command);
    expect(found.length).toBeGreaterThan(0);
    for (const words of found) {
      let verb: Verb = all.get(words[0]!)!;
      let rest = words.slice(1);
      while (verb.verbs && rest[0] !== undefined && Object.hasOwn(verb.verbs, rest[0])) [verb, rest] = [verb.verbs[rest[0]]!, rest.slice(1)];
      const specs: FlagSpecs = { ...globalFlags, ...verb.flags };
      expect(() => parseFlags(specs, rest)).not.toThrow();
    }
  });
});
