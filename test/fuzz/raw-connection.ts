import { connect, type TLSSocket } from 'node:tls';
import type { Listening } from './server-process.ts';

/** One connection on which anything may be written. Disposing breaks it off. */
export class RawConnection implements Disposable {
  readonly #socket: TLSSocket;
  #received = '';
  readonly #waiting = new Set<() => void>();
  #closed = false;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      if (this.#received.length < 64 * 1024) this.#received += chunk.toString('latin1');
      this.#wake();
    });
    // Whoever breaks the rules of the protocol is cut off, which is no fault.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static open({ port, authority }: Listening, identity?: Listening['admin']): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, ca: authority, ALPNProtocols: ['http/1.1'], ...(identity && { key: identity.key, cert: identity.certificate }) }, () => resolve(new RawConnection(socket)));
      socket.once('error', reject);
    });
  }

  /** Resolves when the bytes are on their way, or the other end has closed. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed || !this.#socket.writable) return resolve();
      const done = (): void => {
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      this.#socket.write(bytes, done);
    });
  }

  /** The code of the first answer; 0 where the connection was closed without one; undefined where there is none in time. */
  async status(patienceMs: number): Promise<number | undefined> {
    const until = performance.now() + patienceMs;
    for (;;) {
      const code = /^HTTP\/1\.[01] (\d{3})/.exec(this.#received)?.[1];
      if (code) return Number(code);
      if (this.#closed) return 0;
      const left = until - performance.now();
      if (left <= 0) return undefined;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, left);
        const waiting = this.#waiting;
        function done(): void {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        }
        waiting.add(done);
      });
    }
  }

  #wake(): void {
    for (const wake of Array.from(this.#waiting)) wake();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
