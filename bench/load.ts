// A client that costs as little as can be, so that a benchmark of a server measures the server: requests are bytes made beforehand, and of an answer only its
// status and length are read.
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

const BLANK_LINE = Buffer.from('\r\n\r\n');

/** One kept-alive connection; one request at a time. */
export class LoadConnection implements Disposable {
  readonly #socket: TLSSocket;
  #chunks: Buffer[] = [];
  #size = 0;
  /** Of the whole answer; 0 while its head is not there. */
  #expected = 0;
  #head = 0;
  #status = 0;
  #settle: { resolve(answer: Answer): void; reject(error: Error): void } | undefined;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#settle?.reject(error));
    socket.on('close', () => this.#settle?.reject(new Error('the server closed the connection')));
  }

  static open(options: ConnectionOptions): Promise<LoadConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(options, () => resolve(new LoadConnection(socket)));
      socket.setNoDelay(true);
      socket.once('error', reject);
    });
  }

  send(request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the server closed the connection while it was idle'));
      this.#settle = { resolve, reject };
      this.#socket.write(request);
    });
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#expected === 0) {
      const start = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
      const end = start.indexOf(BLANK_LINE);
      if (end < 0) return;
      const head = start.toString('latin1', 0, end);
      const length = /\ncontent-length: (\d+)/i.exec(head);
      if (!length) return this.#settle?.reject(new Error(`an answer without its length: ${head}`));
      this.#head = end + 4;
      this.#status = Number(head.slice(9, 12));
      this.#expected = this.#head + Number(length[1]);
    }
    if (this.#size < this.#expected) return;
    const whole = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    const answer = { status: this.#status, body: whole.subarray(this.#head) };
    this.#chunks = [];
    this.#size = this.#expected = 0;
    this.#settle!.resolve(answer);
  }

  [Symbol.dispose](): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }
}

export interface RequestDescription {
  readonly method?: string;
  readonly path: string;
  readonly body?: string | Buffer;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A whole request as bytes, with the headers that a Go client sends. */
export function requestBytes({ method = 'GET', path, body = '', contentType = 'application/json', headers = {} }: RequestDescription): Buffer {
  const bytes = Buffer.from(body);
  const lines = [
    `${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'User-Agent: bench/v1.36.0 (linux/amd64) kubernetes/bench', 'Accept: application/json',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(bytes.length > 0 ? [`Content-Type: ${contentType}`, `Content-Length: ${bytes.length}`] : []),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes]);
}

/** Sends `count` requests over all connections, each taking the next as it gets its answer. Throws for an answer that is no 2xx. */
export async function drive(connections: readonly LoadConnection[], count: number, request: (index: number) => Buffer): Promise<void> {
  let next = 0;
  await Promise.all(connections.map(async (connection) => {
    while (next < count) {
      const { status, body } = await connection.send(request(next++));
      if (status < 200 || status > 299) throw new Error(`status ${status}: ${body.toString().slice(0, 500)}`);
    }
  }));
}

/** Watches over a connection of its own and tells of each marker that comes; reads nothing else of it. */
export function followMarkers(options: ConnectionOptions, request: Buffer, marker: Buffer, length: number, onMarker: (text: string) => void): Promise<Disposable> {
  return new Promise((resolve, reject) => {
    let kept: Buffer = Buffer.alloc(0);
    const socket = connect(options, () => socket.write(request));
    socket.setNoDelay(true);
    socket.once('error', reject);
    socket.once('data', (first) => (first.toString('latin1', 9, 12) === '200' ? resolve({ [Symbol.dispose]: () => void socket.destroy() }) : reject(new Error(first.toString()))));
    socket.on('data', (chunk: Buffer) => {
      const bytes = kept.length > 0 ? Buffer.concat([kept, chunk]) : chunk;
      let from = 0;
      for (let at = bytes.indexOf(marker); at >= 0 && at + marker.length + length <= bytes.length; at = bytes.indexOf(marker, from)) {
        from = at + marker.length + length;
        onMarker(bytes.toString('latin1', at + marker.length, from));
      }
      kept = bytes.subarray(Math.max(from, bytes.length - marker.length - length + 1));
    });
  });
}
