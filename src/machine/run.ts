import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';

/** A program that could not be run or said no. The message carries the command and what it wrote to stderr. */
export class CommandError extends Error {
  readonly argv: readonly string[];
  /** Undefined when the program could not be started at all. */
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(argv: readonly string[], exitCode: number | undefined, stderr: string) {
    const reason = stderr.trim() || (exitCode === undefined ? 'could not be started' : `exit code ${exitCode}`);
    super(`${shortened(argv)}: ${reason}`);
    this.name = 'CommandError';
    this.argv = argv;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

/** Runs a program to its end and answers its stdout; rejects with a CommandError when it fails. */
export function run(argv: readonly string[], options: { readonly input?: string | Readable; readonly signal?: AbortSignal } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0]!, argv.slice(1), { stdio: ['pipe', 'pipe', 'pipe'], signal: options.signal });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // A program that exits before it has read its input closes the pipe; its exit code tells the story.
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => reject(options.signal?.aborted ? error : new CommandError(argv, undefined, error.message)));
    child.once('close', (code) => {
      if (code === 0) resolve(Buffer.concat(stdout).toString('utf8'));
      else reject(new CommandError(argv, code ?? undefined, Buffer.concat(stderr).toString('utf8')));
    });
    if (options.input instanceof Readable) options.input.once('error', reject).pipe(child.stdin);
    else child.stdin.end(options.input ?? '');
  });
}

/** How a node is entered and whole setup scripts are nothing for an error message. */
function shortened(argv: readonly string[]): string {
  const words = argv[0] === 'nsenter' ? argv.slice(argv.indexOf('--') + 1) : argv;
  const text = words.map((word) => (/^[\w./:=@%+-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
