import { text } from 'node:stream/consumers';
import { isatty } from 'node:tty';
import type { Io } from '../command.ts';
import { runKubectl } from '../../cli/kubectl.ts';

export function main(argv: readonly string[], io: Io): Promise<number> {
  return runKubectl(argv, {
    out: io.out, err: io.err, terminal: io.terminal && isatty(0), signal: io.signal, env: process.env,
    // Opened by those who read it only.
    get stdin() { return process.stdin; },
    stdout: process.stdout, readInput: () => text(process.stdin),
  });
}
