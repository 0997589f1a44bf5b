import { searchPath } from '../machine/program-versions.ts';
import { main } from './verbs/kubectl.ts';

// `wherry kubectl` by itself, in one file without the rest of wherry: it starts in the half of the time. What it says and does is src/cli.

process.env.PATH = searchPath();

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort(new Error(`ended by ${signal}`)));

// Whoever reads our output may leave early (`wherry kubectl get pods | head -1`): that is no fault of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

main(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  terminal: process.stdout.isTTY === true,
  signal: abort.signal,
}).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    process.stderr.write(`wherry: ${error.message}\n  this should not happen; please report it with what you did\n${process.env.WHERRY_DEBUG ? `${error.stack}\n` : ''}`);
    process.exitCode = 1;
  },
);
