import { internalError, statusError } from '../api/errors.ts';
import type { Random } from '../base/random.ts';
import type { KubeObject, ObjectKey, ResourceType } from '../api/object.ts';
import type { Client } from '../client/client.ts';

export interface FaultOptions {
  readonly random: Random;
  /** The share of writes that fail. */
  readonly rate: number;
  /** `refused`: nothing is written. `lost`: it is written, but the answer does not come. `mixed`: either. */
  readonly kind: 'refused' | 'lost' | 'mixed';
  /** Changes objects under the hands of those that update them, so that some of the refusals are real conflicts. Absent: there are none. */
  readonly meddler?: Client;
}

export const WRITES: ReadonlySet<string | symbol> = new Set(['create', 'createSubresource', 'update', 'updateStatus', 'patch', 'delete', 'deleteCollection']);

/** A client some of whose writes fail, as those over a bad network do. Faults can be switched off by `stop`. */
export function faultyClient(client: Client, { random, rate, kind, meddler }: FaultOptions): Client & { stop(): void } {
  let active = true;
  return new Proxy(client, {
    get(target, name) {
      if (name === 'stop') return () => void (active = false);
      const method = (target as never)[name] as unknown;
      if (typeof method !== 'function') return method;
      if (!WRITES.has(name)) return method.bind(target);
      return async (...parameters: unknown[]) => {
        const fails = active && random.next() < rate;
        if (fails && meddler && (name === 'update' || name === 'updateStatus') && random.next() < 0.7) {
          const [resource, { metadata }] = parameters as [ResourceType<KubeObject>, KubeObject];
          await meddler.patch(resource, keyIn(metadata), { type: 'application/merge-patch+json', body: { metadata: { annotations: { meddled: String(random.next()) } } } });
          return await (method.apply(target, parameters) as Promise<unknown>);
        }
        if (fails && (kind === 'refused' || (kind === 'mixed' && random.next() < 0.6))) throw internalError('a fault made by the test, before the write');
        const answer: unknown = await method.apply(target, parameters);
        if (fails) throw statusError(504, 'Timeout', 'a fault made by the test, after the write');
        return answer;
      };
    },
  }) as Client & { stop(): void };
}

function keyIn({ namespace, name }: KubeObject['metadata']): ObjectKey {
  return { name, ...(namespace !== undefined && { namespace }) };
}
