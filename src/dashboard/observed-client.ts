import type { ResourceType } from '../api/object.ts';
import type { Client } from '../client/client.ts';

/** A client that tells how its lists and watches fare: informers try again in silence, and people want to know what they cannot see, and why. */
export function observedClient(client: Client, tell: (resource: ResourceType<unknown>, problem: string | undefined) => void): Client {
  const observe = async <T, R>(resource: ResourceType<T>, call: () => Promise<R>): Promise<R> => {
    try {
      const result = await call();
      tell(resource, undefined);
      return result;
    } catch (error) {
      tell(resource, (error as Error).message);
      throw error;
    }
  };
  return {
    ...client,
    list: (resource, options) => observe(resource, () => client.list(resource, options)),
    watch: (resource, options) => observe(resource, () => client.watch(resource, options)),
  };
}
