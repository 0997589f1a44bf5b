import { UserError } from '../../base/user-error.ts';
import { helpOf, runCommand, type Command, type Io } from '../command.ts';

/** Every verb of `wherry node`, one line each; loaded when it is called. */
const verbs: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  add: () => import('./node/add.ts'),
  delete: () => import('./node/delete.ts'),
  list: () => import('./node/list.ts'),
  token: () => import('./node/token.ts'),
  join: () => import('./node/join.ts'),
  leave: () => import('./node/leave.ts'),
};

/** `wherry node VERB …`; options may come before the verb. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const at = argv.findIndex((word) => Object.hasOwn(verbs, word));
  if (at >= 0) return runCommand((await verbs[argv[at]!]!()).command, argv.toSpliced(at, 1), io);
  const commands = await Promise.all(Object.values(verbs).map(async (load) => (await load()).command));
  if (argv.length > 0 && !argv.includes('--help') && !argv.includes('-h')) {
    throw new UserError(`"node ${argv.find((word) => !word.startsWith('-')) ?? argv[0]}" is not a verb of wherry`, commands.map(({ name }) => `wherry ${name}`).join(', '));
  }
  const rows = commands.map(({ usage, summary }) => `  wherry ${usage}\n      ${summary.split('\n')[0]}\n`);
  io.out(`${helpOf({ usage: 'node VERB [options]', summary: 'Adds nodes to a cluster and takes them away, on this machine and on others.', options: {}, run: async () => 0 })}\n${rows.join('')}\nMore on each: wherry node VERB --help\n`);
  return 0;
}
