import { isReason } from '../api/errors.ts';
import type { Pod } from '../api/generated/core-v1.ts';
import { nodes, pods } from '../api/generated/resources.ts';
import type { Client } from '../client/client.ts';
import type { Clock } from '../base/clock.ts';

/** Lets no new pods onto the node and ends those it has, each with its grace. Resolves when they are gone, after `patienceMs` at the latest. */
export async function drainNode(client: Client, name: string, { clock, patienceMs }: { readonly clock: Clock; readonly patienceMs: number }): Promise<void> {
  await unlessGone(client.patch(nodes, { name }, { type: 'application/merge-patch+json', body: { spec: { unschedulable: true } } }));
  const deadline = clock.monotonic() + patienceMs;
  const leaving = (await podsOf(client, name)).filter((pod) => !isOfDaemonSet(pod));
  for (const { metadata } of leaving) await unlessGone(client.delete(pods, { namespace: metadata.namespace, name: metadata.name }));
  const wanted = new Set(leaving.map(({ metadata }) => metadata.uid));
  while (clock.monotonic() < deadline && (await podsOf(client, name)).some(({ metadata }) => wanted.has(metadata.uid))) await clock.sleep(100);
}

/** Removes the objects of a node that is gone: itself and the pods it still had, which nobody can end any more. */
export async function forgetNode(client: Client, name: string): Promise<void> {
  for (const { metadata } of await podsOf(client, name)) await unlessGone(client.delete(pods, { namespace: metadata.namespace, name: metadata.name }, { gracePeriodSeconds: 0 }));
  await unlessGone(client.delete(nodes, { name }));
}

async function podsOf(client: Client, name: string): Promise<readonly Pod[]> {
  return (await client.list(pods, { fieldSelector: `spec.nodeName=${name}` })).items;
}

/** Their controller makes them again on the same node, whether it takes new pods or not. */
function isOfDaemonSet(pod: Pod): boolean {
  return pod.metadata.ownerReferences?.some(({ kind, controller }) => kind === 'DaemonSet' && controller) ?? false;
}

async function unlessGone(done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}
