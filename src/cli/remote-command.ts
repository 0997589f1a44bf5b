import { WebSocket } from 'ws';
import { StatusError, type Status } from '../api/errors.ts';
import type { HttpClient } from '../client/http-client.ts';
import { KubectlError, type KubectlIo } from './verb.ts';

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

/** Carries standard streams over a WebSocket (exec, attach) until the far end closes. Resolves to the command's exit code. */
export async function openStreams(http: HttpClient, path: string, { stdin, tty, io }: { readonly stdin: boolean; readonly tty: boolean; readonly io: KubectlIo }): Promise<number> {
  const { server, ca, certificate, key, token, insecureSkipTlsVerify, headers } = http.options;
  const bearer = typeof token === 'function' ? token() : token;
  const socket = new WebSocket(new URL(path, server.replace(/^http/, 'ws')), ['v5.channel.k8s.io', 'v4.channel.k8s.io'], {
    ...(ca && { ca }), ...(certificate && { cert: certificate, key }), rejectUnauthorized: !insecureSkipTlsVerify,
    headers: { ...headers, ...(bearer && { authorization: `Bearer ${bearer}` }) }, perMessageDeflate: false,
  });
  const outcome = new Promise<number>((resolve, reject) => {
    let code: number | undefined;
    socket.on('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => reject(refusal(response.statusCode ?? 500, Buffer.concat(chunks).toString())));
    });
    socket.on('error', reject);
    socket.on('message', (data: Buffer) => {
      const payload = data.subarray(1);
      if (data[0] === STDOUT) io.stdout.write(payload);
      else if (data[0] === STDERR) io.err(payload.toString());
      else if (data[0] === ERROR && payload.length > 0) {
        try {
          code = exitCode(JSON.parse(payload.toString()) as ExitStatus);
        } catch (error) {
          reject(error as Error);
        }
      }
    });
    socket.on('close', () => (code === undefined ? reject(new KubectlError('the connection ended before the command did')) : resolve(code)));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    outcome.catch(reject);
  });
  const onAbort = (): void => socket.close();
  io.signal.addEventListener('abort', onAbort, { once: true });
  const release = stdin ? sendInput(socket, tty, io) : () => { /* Nothing was taken. */ };
  try {
    const code = await outcome;
    if (code > 0) io.err(`command terminated with exit code ${code}\n`);
    return code;
  } finally {
    io.signal.removeEventListener('abort', onAbort);
    release();
  }
}

function sendInput(socket: WebSocket, tty: boolean, io: KubectlIo): () => void {
  const input = io.stdin as NodeJS.ReadStream;
  const output = io.stdout as NodeJS.WriteStream;
  const frame = (channel: number, payload: Uint8Array): Buffer => Buffer.concat([Buffer.from([channel]), payload]);
  const onData = (chunk: Buffer): void => socket.send(frame(STDIN, chunk));
  const onEnd = (): void => {
    // v4 has no way to close one channel: the command then sees no end of its input.
    if (socket.protocol === 'v5.channel.k8s.io') socket.send(Buffer.from([CLOSE, STDIN]));
  };
  const onResize = (): void => socket.send(frame(RESIZE, Buffer.from(JSON.stringify({ Width: output.columns, Height: output.rows }))));
  input.on('data', onData);
  input.once('end', onEnd);
  if (tty) {
    input.setRawMode(true);
    onResize();
    output.on('resize', onResize);
  }
  return () => {
    input.off('data', onData);
    input.off('end', onEnd);
    input.pause();
    if (tty) {
      input.setRawMode(false);
      output.off('resize', onResize);
    }
  };
}

function exitCode(status: ExitStatus): number {
  if (status.status === 'Success') return 0;
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
  if (status.reason === 'NonZeroExitCode' && cause?.message) return Number(cause.message);
  throw new KubectlError(`Internal error occurred: ${status.message ?? 'the command failed'}`);
}

function refusal(code: number, text: string): Error {
  try {
    const status = JSON.parse(text) as Status;
    if (status.kind === 'Status') return new StatusError(status);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return new KubectlError(`unable to upgrade connection: ${text.trim() || `the server answered ${code}`}`);
}
