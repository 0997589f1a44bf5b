import type { HttpClient } from '../client/http-client.ts';

/** Whether it is another Kubernetes than ours, for which our commands are no help. Anybody may ask for the version. */
export async function isForeign(client: Pick<HttpClient, 'raw'>): Promise<boolean> {
  const { compiler } = JSON.parse((await client.raw('GET', '/version')).body.toString()) as { readonly compiler?: string };
  return compiler !== 'node';
}
