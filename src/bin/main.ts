import { UserError } from '../base/user-error.ts';
import { searchPath } from '../machine/program-versions.ts';
import { runCommand, type Io } from './command.ts';
import { verbs } from './verbs.ts';

// What we start finds its programs where we find them.
process.env.PATH = searchPath();

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort(new Error(`ended by ${signal}`)));

const io: Io = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  terminal: process.stdout.isTTY === true,
  signal: abort.signal,
};

// Whoever reads our output may leave early (`wherry status | head -1`): that is no fault of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

function overview(): string {
  const shown = Object.entries(verbs).filter(([, verb]) => verb.summary);
  const width = Math.max(...shown.map(([name]) => name.length));
  return `wherry: a complete Kubernetes on this machine\n\nUsage: wherry VERB [options]\n\n${shown.map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}\n`).join('')}\nMore on each: wherry VERB --help\n`;
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    io.out(overview());
    return 0;
  }
  const verb = Object.hasOwn(verbs, name === '--version' ? 'version' : name) ? verbs[name === '--version' ? 'version' : name] : undefined;
  if (!verb) throw new UserError(`"${name}" is not a verb of wherry`, 'wherry help');
  const loaded = await verb.load();
  return 'main' in loaded ? loaded.main(rest, io) : runCommand(loaded.command, rest, io);
}

/** What the machine refuses, and what to do; its message names the file. */
const SYSTEM_FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'make room on that disk, or use another one: --data-dir DIR',
  EDQUOT: 'make room in your quota, or use another disk: --data-dir DIR',
  EACCES: 'run it as the user whose files these are, or use another folder: --data-dir DIR',
  EPERM: 'run it as the user whose files these are, or as root',
  EROFS: 'use a folder that can be written: --data-dir DIR',
  ENOTDIR: 'use another folder: --data-dir DIR',
  EMFILE: 'raise how many files may be open: ulimit -n',
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UserError) {
    io.err(`wherry: ${error.message}\n${error.remedy ? `  try: ${error.remedy}\n` : ''}`);
  } else if (abort.signal.aborted) {
    io.err(`wherry: ${(abort.signal.reason as Error).message}\n`);
  } else if (error instanceof Error && (error as NodeJS.ErrnoException).code! in SYSTEM_FAULTS) {
    io.err(`wherry: ${error.message}\n  try: ${SYSTEM_FAULTS[(error as NodeJS.ErrnoException).code!]}\n`);
  } else {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    io.err(`wherry: ${message}\n  this should not happen; please report it with what you did\n${process.env.WHERRY_DEBUG ? `${stack}\n` : ''}`);
  }
  process.exitCode = 1;
}
