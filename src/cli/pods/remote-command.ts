import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { WebSocket } from 'ws';
import type { Status } from '../../api/errors.ts';
import type { HttpClient } from '../../client/http-client.ts';
import { openSocket } from './socket.ts';
import type { DetachKeys } from './detach-keys.ts';
import type { KubectlIo } from '../command/kubectl-io.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** Channels of `v4.channel.k8s.io` and `v5.channel.k8s.io`: the first byte of every message. */
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
/** v5 only: closes the channel of the following byte. */
const CLOSE = 255;

interface ExitStatus extends Status {
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

/**
 * The far end of a command: what it writes goes to `stdout` and `stderr`, what it reads comes from `stdin`. A taker that cannot take more
 * answers with a promise; until it settles, nothing more is read from the far end.
 */
export interface RemoteStreams {
  readonly stdin?: NodeJS.ReadableStream;
  /** A terminal: raw input, sizes are sent. */
  readonly tty?: boolean;
  readonly terminal?: NodeJS.WriteStream;
  /** Tells the far end a wrong size first: a program that is already there draws itself anew. */
  readonly redraw?: boolean;
  /** Keys that end the input. */
  readonly detach?: DetachKeys | undefined;
  stdout(bytes: Buffer): void | Promise<unknown>;
  stderr(bytes: Buffer): void;
  readonly signal: AbortSignal;
}

/** Carries standard streams over a WebSocket (exec, attach) until the far end closes. Resolves to the command's exit code. */
export async function openStreams(http: HttpClient, path: string, { stdin, tty, io, redraw = false, detach }: { readonly stdin: boolean; readonly tty: boolean; readonly io: KubectlIo; readonly redraw?: boolean; readonly detach?: DetachKeys | undefined }): Promise<number> {
  const code = await runRemote(http, path, {
    ...(stdin && { stdin: io.stdin }), tty: tty && stdin, redraw, detach, terminal: io.stdout as NodeJS.WriteStream, signal: io.signal,
    stdout: (bytes) => (io.stdout.write(bytes) ? undefined : once(io.stdout, 'drain')), stderr: (bytes) => io.err(bytes.toString()),
  });
  if (code > 0 && !io.signal.aborted) io.err(`command terminated with exit code ${code}\n`);
  return code;
}

/** As `openStreams`, with streams of the caller's and without a word about the exit code. */
export async function runRemote(http: HttpClient, path: string, streams: RemoteStreams): Promise<number> {
  const socket = await openSocket(http, path, ['v5.channel.k8s.io', 'v4.channel.k8s.io']);
  const outcome = new Promise<number>((resolve, reject) => {
    let code: number | undefined;
    socket.on('error', reject);
    socket.on('message', (data: Buffer) => {
      const payload = data.subarray(1);
      if (data[0] === STDOUT) {
        const taken = streams.stdout(payload);
        if (!taken) return;
        socket.pause();
        taken.then(() => socket.resume(), reject);
      } else if (data[0] === STDERR) streams.stderr(payload);
      else if (data[0] === ERROR && payload.length > 0) {
        try {
          code = exitCode(JSON.parse(payload.toString()) as ExitStatus);
        } catch (error) {
          reject(error as Error);
        }
      }
    });
    socket.on('close', () => (streams.signal.aborted ? resolve(130) : code === undefined ? reject(new KubectlError('the connection ended before the command did')) : resolve(code)));
  });
  const onAbort = (): void => socket.close();
  streams.signal.addEventListener('abort', onAbort, { once: true });
  const release = streams.stdin ? sendInput(socket, streams.stdin, streams) : () => { /* Nothing was taken. */ };
  try {
    return await outcome;
  } finally {
    streams.signal.removeEventListener('abort', onAbort);
    release();
  }
}

function sendInput(socket: WebSocket, stdin: NodeJS.ReadableStream, { tty, terminal, redraw, detach }: RemoteStreams): () => void {
  const input = stdin as NodeJS.ReadStream;
  const frame = (channel: number, payload: Uint8Array): Buffer => Buffer.concat([Buffer.from([channel]), payload]);
  const onData = (chunk: Buffer): void => {
    const typed = detach ? detach.take(Buffer.from(chunk)) : Buffer.from(chunk);
    if (typed === undefined) {
      input.off('data', onData);
      return onEnd();
    }
    if (typed.length === 0) return;
    socket.send(frame(STDIN, typed));
    if (socket.bufferedAmount < 4 << 20) return;
    // A slow far end holds the source back.
    input.pause();
    socket.send(frame(STDIN, Buffer.alloc(0)), () => input.resume());
  };
  const onEnd = (): void => {
    // v4 has no way to close one channel: the command then sees no end of its input.
    if (socket.protocol === 'v5.channel.k8s.io') socket.send(Buffer.from([CLOSE, STDIN]));
  };
  const resize = (more: number): void => socket.send(frame(RESIZE, Buffer.from(JSON.stringify({ Width: (terminal?.columns ?? 80) + more, Height: (terminal?.rows ?? 24) + more }))));
  const onResize = (): void => resize(0);
  const raw = tty === true && input.isTTY;
  input.on('data', onData);
  input.once('end', onEnd);
  if (raw) {
    input.setRawMode(true);
    // Node leaves one translation of output on, which full-screen programs do not survive. Where there is no stty it stays so.
    spawnSync('stty', ['-onlcr'], { stdio: ['inherit', 'ignore', 'ignore'] });
    if (redraw) resize(1);
    onResize();
    terminal?.on('resize', onResize);
  }
  return () => {
    input.off('data', onData);
    input.off('end', onEnd);
    input.pause();
    if (!raw) return;
    input.setRawMode(false);
    terminal?.off('resize', onResize);
  };
}

function exitCode(status: ExitStatus): number {
  if (status.status === 'Success') return 0;
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
  if (status.reason === 'NonZeroExitCode' && cause?.message) return Number(cause.message);
  // As whoever ran the command worded it: runtimes write a whole sentence.
  throw new KubectlError(status.message ?? 'the command failed');
}
