import { expect, test } from 'vitest';
import { runCommand, type Command } from './command.ts';
import { examples } from './examples.ts';
import { verbs } from './verbs.ts';

/** The words behind `wherry` of each call in a line of a shell. */
const calls = (line: string): string[][] => line.split(/&&|\||>|"?\$\(|\)"?/).map((part) => part.trim().split(/\s+/)).filter(([first]) => first === 'wherry').map((words) => words.slice(1).filter((word) => word !== '…'));

async function commandOf([verb = '', below = '']: readonly string[]): Promise<{ readonly command: Command; readonly taken: number }> {
  const loaded = await verbs[verb]!.load();
  if ('command' in loaded) return { command: loaded.command, taken: 1 };
  return { command: ((await import(`./verbs/${verb}/${below}.ts`)) as { readonly command: Command }).command, taken: 2 };
}

// `why` reads its words by kubectl's rules, and asks a cluster at once: test/why runs it.
test.each(Object.entries(examples).filter(([verb]) => verb !== 'why').flatMap(([verb, lines]) => lines.flatMap(([, line]) => calls(line).map((words) => [verb, words.join(' '), words] as const))))('%s: wherry %s', async (_verb, _line, words) => {
  const { command, taken } = await commandOf(words);
  let ran = false;
  // What an example leaves out is an address.
  const rest = words.slice(taken);
  const positionals = command.name === 'node join' && rest[0]?.startsWith('--') ? ['https://192.168.50.1:6443', ...rest] : rest;
  await runCommand({ ...command, run: async () => void (ran = true) }, positionals, { out: () => undefined, err: () => undefined, terminal: false, signal: new AbortController().signal });
  expect(ran).toBe(true);
});

test('every verb has examples', () => {
  expect(Object.keys(verbs).filter((verb) => !verb.endsWith('-process') && verb !== 'kubectl' && !Object.hasOwn(examples, verb))).toEqual([]);
});
