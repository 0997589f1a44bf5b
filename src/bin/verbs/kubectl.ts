import { text } from 'node:stream/consumers';
import type { Io } from '../command.ts';
import { runKubectl } from '../../cli/kubectl.ts';

export function main(argv: readonly string[], io: Io): Promise<number> {
  return runKubectl(argv, {
    out: io.out, err: io.err, terminal: io.terminal && process.stdin.isTTY === true, signal: io.signal, env: process.env,
    stdin: process.stdin, stdout: process.stdout, readInput: () => text(process.stdin),
  });
}
