import { statusError } from '../api/errors.ts';
import type { Client } from '../client/client.ts';
import { WRITES } from './faulty-client.ts';

/**
 * The clients of one process, which may be killed at any write: what was written stays, but the process never hears of it. Whoever
 * calls a dead client gets an error, so that what is left of the process can be disposed.
 */
export class MortalClients {
  #writesLeft = Infinity;

  get dead(): boolean {
    return this.#writesLeft < 0;
  }

  /** After so many more writes all are dead: 0 at once. */
  dieAfter(writes: number): void {
    this.#writesLeft = Math.min(this.#writesLeft, writes === 0 ? -1 : writes);
  }

  wrap(client: Client): Client {
    return new Proxy(client, {
      get: (target, name) => {
        const method = (target as never)[name] as unknown;
        if (typeof method !== 'function') return method;
        return async (...parameters: unknown[]) => {
          this.#mustLive();
          if (WRITES.has(name) && --this.#writesLeft === 0) this.#writesLeft = -1;
          const answer: unknown = await method.apply(target, parameters);
          this.#mustLive();
          return answer;
        };
      },
    });
  }

  #mustLive(): void {
    if (this.dead) throw statusError(504, 'Timeout', 'killed by the test');
  }
}
