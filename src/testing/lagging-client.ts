import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';

/** A client whose watches tell everything in order but late, each event by up to `upToMs` after the one before: caches fed by it lag behind the writes. */
export function laggingClient(client: Client, { clock, random, upToMs }: { readonly clock: Clock; readonly random: Random; readonly upToMs: number }): Client {
  const watch: Client['watch'] = async (resource, options) => {
    const events = await client.watch(resource, options);
    return (async function* () {
      for await (const event of events) {
        try {
          await clock.sleep(random.next() * upToMs, options.signal);
        } catch (error) {
          if (options.signal?.aborted) return;
          throw error;
        }
        yield event;
      }
    })();
  };
  return new Proxy(client, {
    get(target, name) {
      if (name === 'watch') return watch;
      const method = (target as never)[name] as unknown;
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });
}
