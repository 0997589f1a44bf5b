import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { MAX_HEADER_BYTES } from '../base/http-limits.ts';
import type { ExecSyncResult } from '../cri/runtime.ts';

const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const STATUS = 3;
/** Version 5 only: tells that a stream is at its end. */
const CLOSE = 255;

export interface StreamedCommand {
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
  run(command: readonly string[]): Promise<ExecSyncResult>;
}

/**
 * Serves exec of a simulated runtime over WebSocket (v5 and v4 channels); SPDY is refused. A command without input runs once; a shell
 * with input runs line by line until `exit` or the end of the input. Listens on loopback from the first use on, and holds no process up.
 */
export class StreamingServer implements AsyncDisposable {
  readonly #waiting = new Map<string, StreamedCommand>();
  #server: Promise<Server> | undefined;

  /** Resolves with a URL that is good for one connection. */
  async offer(command: StreamedCommand): Promise<string> {
    this.#server ??= this.#listen();
    const { port } = (await this.#server).address() as AddressInfo;
    const token = randomBytes(8).toString('hex');
    this.#waiting.set(token, command);
    return `http://127.0.0.1:${port}/exec/${token}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = await this.#server;
    server?.closeAllConnections();
    server?.close();
  }

  #listen(): Promise<Server> {
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false });
    const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (_, response) => response.writeHead(400).end('simulated containers speak WebSocket only\n'));
    server.on('upgrade', (request, socket, head) => {
      const token = request.url?.split('/').at(-1) ?? '';
      const command = this.#waiting.get(token);
      const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
      if (!command || request.headers.upgrade?.toLowerCase() !== 'websocket' || !offered.some((protocol) => PROTOCOLS.includes(protocol))) {
        socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
        return;
      }
      this.#waiting.delete(token);
      sockets.handleUpgrade(request, socket, head, (connection) => void converse(connection, command));
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => resolve(server.unref()));
    });
  }
}

const isShell = ([program = '', ...rest]: readonly string[]): boolean => /(^|\/)(sh|bash|ash)$/.test(program) && rest.length === 0;

async function converse(socket: WebSocket, { command, stdin, tty, run }: StreamedCommand): Promise<void> {
  const send = (channel: number, data: Buffer | string): void => socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(data)]));
  const finish = (exitCode: number): void => {
    const failure = { status: 'Failure', reason: 'NonZeroExitCode', message: `command terminated with exit code ${exitCode}`, details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] } };
    send(STATUS, JSON.stringify({ metadata: {}, ...(exitCode === 0 ? { status: 'Success' } : failure) }));
    socket.close(1000);
  };
  const newline = tty ? '\r\n' : '\n';
  const execute = async (words: readonly string[]): Promise<number> => {
    const { stdout, stderr, exitCode } = await run(words);
    if (stdout.length > 0) send(STDOUT, tty ? stdout.toString().replaceAll('\n', newline) : stdout);
    if (stderr.length > 0) send(tty ? STDOUT : STDERR, stderr);
    return exitCode;
  };
  if (!stdin || !isShell(command)) return finish(await execute(command));

  const prompt = (): void => { if (tty) send(STDOUT, '/ # '); };
  let typed = '';
  let last = 0;
  let work = Promise.resolve();
  const runLine = async (text: string): Promise<void> => {
    if (socket.readyState !== socket.OPEN) return;
    const exit = /^\s*exit(?:\s+(\d+))?\s*$/.exec(text);
    if (exit) return finish(Number(exit[1] ?? last));
    if (text.trim() !== '') last = await execute(['sh', '-c', text]);
    prompt();
  };
  socket.on('message', (data: Buffer) => {
    if (data[0] === CLOSE) return void (work = work.then(() => (socket.readyState === socket.OPEN ? finish(last) : undefined)));
    if (data[0] !== STDIN) return;
    const text = data.subarray(1).toString();
    if (tty) send(STDOUT, text.replaceAll('\r', newline));
    typed += text;
    const lines = typed.split(/\r?\n|\r/);
    typed = lines.pop()!;
    for (const text of lines) work = work.then(() => runLine(text));
  });
  prompt();
}
