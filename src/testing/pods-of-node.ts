import { pods } from '../api/generated/resources.ts';
import type { Pod, PodSpec } from '../api/generated/core-v1.ts';
import type { Client } from '../client/client.ts';
import type { FakeClock } from './fake-clock.ts';

export const busybox = (command: readonly string[] = ['sleep', 'infinity']) => ({ name: 'main', image: 'busybox:1', command });

/** Already bound to the node `boat`. */
export function createPod(admin: Client, name: string, spec: Partial<PodSpec>): Promise<Pod> {
  return admin.create(pods, { metadata: { name, namespace: 'default' }, spec: { nodeName: 'boat', automountServiceAccountToken: false, containers: [busybox()], ...spec } });
}

/** Some real time, for what reads or writes files. */
export const breathe = (milliseconds: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

/** Lets time pass in small steps until the pod is as wanted; what still reads or writes files at the end of it gets some real time. */
export async function until(clock: FakeClock, admin: Client, name: string, wanted: (pod: Pod | undefined) => unknown, limitMs = 60_000): Promise<Pod> {
  const key = { namespace: 'default', name };
  let pod: Pod | undefined;
  for (let round = 0; round < limitMs / 100 + 300; round++) {
    pod = await admin.get(pods, key).catch(() => undefined);
    if (wanted(pod)) return pod!;
    if (round < limitMs / 100) await clock.advance(100);
    await breathe(round < limitMs / 100 ? 1 : 10);
  }
  throw new Error(`the pod ${name} is ${JSON.stringify(pod?.status, undefined, 1)}`);
}
