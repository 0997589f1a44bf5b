// Runs in the network of a pod, a node or the machine, and does there what bench/network.ts says: one JSON command a line, one JSON answer a line.
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface Target {
  readonly address: string;
  readonly port: number;
}
export type Command =
  /** Requests one after the other on each connection; with `fresh`, each on a connection of its own. */
  | { readonly do: 'burst'; readonly target: Target; readonly count: number; readonly parallel: number; readonly fresh: boolean }
  /** Tries every two milliseconds until it is answered; answers when, as milliseconds since 1970. */
  | { readonly do: 'await'; readonly target: Target }
  /** Answers whether it is answered. */
  | { readonly do: 'once'; readonly target: Target }
  /** So many requests a second until `stop`, which answers what became of them: each on a connection of its own, or on those that are kept and free. */
  | { readonly do: 'load'; readonly target: Target; readonly perSecond: number; readonly keepAlive: boolean }
  | { readonly do: 'stop' };
export interface Burst {
  readonly perSecond: number;
  /** Milliseconds each took. */
  readonly latencies: readonly number[];
}
export interface Load {
  readonly answered: number;
  /** What went wrong, on which part of the way, and how often. */
  readonly failed: Readonly<Record<string, number>>;
  readonly p50: number;
  readonly p99: number;
}

/** How many connections are kept under load. */
const KEPT = 50;
const REQUEST = Buffer.from('GET /index.html HTTP/1.1\r\nHost: bench\r\n\r\n');
const LAST_REQUEST = Buffer.from('GET /index.html HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n');

/** `times` requests on one connection; calls back after each answer, which comes in one piece or ends the connection. */
function converse({ address, port }: Target, times: number, onAnswer: (ms: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = times;
    let sent = performance.now();
    let answered = false;
    const socket = connect(port, address);
    const request = times === 1 ? LAST_REQUEST : REQUEST;
    socket.setNoDelay(true);
    socket.setTimeout(5_000, () => socket.destroy(new Error('no answer within 5 s')));
    socket.on('connect', () => socket.write(request));
    socket.on('error', reject);
    socket.on('data', (bytes) => {
      if (answered) return;
      if (bytes.toString('latin1', 9, 12) !== '200') return reject(new Error(`answer ${bytes.toString('latin1', 0, 40)}`));
      answered = times === 1;
      onAnswer(performance.now() - sent);
      if (--left === 0) {
        if (times > 1) socket.destroy();
        return resolve();
      }
      sent = performance.now();
      socket.write(request);
    });
    socket.on('close', () => reject(new Error('closed without an answer')));
  });
}

async function burst({ target, count, parallel, fresh }: Extract<Command, { do: 'burst' }>): Promise<Burst> {
  const latencies: number[] = [];
  const note = (ms: number): void => void latencies.push(ms);
  const each = Math.ceil(count / parallel);
  const began = performance.now();
  await Promise.all(Array.from({ length: parallel }, async () => {
    if (!fresh) return converse(target, each, note);
    for (let i = 0; i < each; i++) await converse(target, 1, note);
  }));
  return { perSecond: (each * parallel * 1000) / (performance.now() - began), latencies };
}

async function awaitAnswer(target: Target): Promise<number> {
  for (;;) {
    try {
      await converse(target, 1, () => undefined);
      return Date.now();
    } catch {
      // Not yet.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

/** A connection that carries one request after the other until the other side says that an answer is the last. */
class Kept {
  readonly #socket: Socket;
  #answer: { resolve: (more: boolean) => void; reject: (error: Error) => void } | undefined;
  #ended = new Error('closed without an answer');
  #open = true;

  constructor({ address, port }: Target) {
    this.#socket = connect(port, address);
    this.#socket.setNoDelay(true);
    this.#socket.setTimeout(5_000, () => this.#socket.destroy(new Error('no answer within 5 s')));
    this.#socket.on('error', (error) => (this.#ended = error));
    this.#socket.on('close', () => {
      this.#open = false;
      this.#answer?.reject(this.#ended);
    });
    this.#socket.on('data', (bytes) => {
      const answer = this.#answer;
      this.#answer = undefined;
      if (bytes.toString('latin1', 9, 12) !== '200') answer?.reject(new Error(`answer ${bytes.toString('latin1', 0, 40)}`));
      else answer?.resolve(!bytes.includes('Connection: close'));
    });
  }

  get open(): boolean {
    return this.#open;
  }

  /** Resolves to whether another request may follow. */
  ask(): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      this.#socket.write(REQUEST);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

function startLoad({ target, perSecond, keepAlive }: Extract<Command, { do: 'load' }>): () => Promise<Load> {
  const latencies: number[] = [];
  const failed: Record<string, number> = {};
  const underWay = new Set<Promise<void>>();
  /** The one that waited longest is next, so that all are in use. */
  const free: Kept[] = Array.from({ length: keepAlive ? KEPT : 0 }, () => new Kept(target));
  const onKept = async (): Promise<void> => {
    const sent = performance.now();
    let one = free.shift() ?? new Kept(target);
    // What was closed while nobody used it is no fault.
    while (!one.open) one = free.shift() ?? new Kept(target);
    const more = await one.ask();
    latencies.push(performance.now() - sent);
    if (more) free.push(one);
  };
  const began = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - began) * perSecond) / 1000);
    for (; sent < due; sent++) {
      const one: Promise<void> = (keepAlive ? onKept() : converse(target, 1, (ms) => void latencies.push(ms))).catch((error: NodeJS.ErrnoException) => {
        // `connect`: nobody took the connection; `read`: it was lost while it waited for its answer.
        const what = `${error.code ?? error.message}${error.syscall ? ` on ${error.syscall}` : ''}`;
        failed[what] = (failed[what] ?? 0) + 1;
      }).finally(() => underWay.delete(one));
      underWay.add(one);
    }
  }, 2);
  return async () => {
    clearInterval(timer);
    await Promise.all(underWay);
    for (const one of free) one.close();
    const sorted = latencies.toSorted((a, b) => a - b);
    return { answered: latencies.length, failed, p50: sorted[Math.floor(sorted.length / 2)]!, p99: sorted[Math.floor(sorted.length * 0.99)]! };
  };
}

if (import.meta.main) {
  let stop: (() => Promise<Load>) | undefined;
  for await (const line of createInterface(process.stdin)) {
    const command = JSON.parse(line) as Command;
    let answer: unknown = {};
    switch (command.do) {
      case 'burst': answer = await burst(command); break;
      case 'await': answer = await awaitAnswer(command.target); break;
      case 'once': answer = await converse(command.target, 1, () => undefined).then(() => true, () => false); break;
      case 'load': stop = startLoad(command); break;
      case 'stop': answer = await stop!(); break;
    }
    console.log(JSON.stringify(answer));
  }
}
