import { internalError } from '../api/errors.ts';
import type { Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';

export interface FaultOptions {
  readonly random: Random;
  /** The share of writes that fail. */
  readonly rate: number;
  /** `refused`: nothing is written. `lost`: it is written, but the answer does not come. */
  readonly kind: 'refused' | 'lost';
}

const WRITES = new Set<string | symbol>(['create', 'createSubresource', 'update', 'updateStatus', 'patch', 'delete', 'deleteCollection']);

/** A client some of whose writes fail, as those over a bad network do. Faults can be switched off by `stop`. */
export function faultyClient(client: Client, { random, rate, kind }: FaultOptions): Client & { stop(): void } {
  let active = true;
  return new Proxy(client, {
    get(target, name) {
      if (name === 'stop') return () => void (active = false);
      const method = (target as never)[name] as unknown;
      if (typeof method !== 'function') return method;
      if (!WRITES.has(name)) return method.bind(target);
      return async (...parameters: unknown[]) => {
        const fails = active && random.next() < rate;
        if (fails && kind === 'refused') throw internalError('a fault made by the test, before the write');
        const answer: unknown = await method.apply(target, parameters);
        if (fails) throw internalError('a fault made by the test, after the write');
        return answer;
      };
    },
  }) as Client & { stop(): void };
}
