import type { Deployment } from '../../api/generated/apps-v1.ts';
import type { Pod, Service } from '../../api/generated/core-v1.ts';
import type { ObjectList } from '../../api/object.ts';
import { systemClock } from '../../base/clock.ts';
import { formatLabels, formatLabelSelector } from '../../api/selector.ts';
import { isPodReady } from '../../api/pod/conditions.ts';
import { resolveTargets, targetPath } from '../targets/targets.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** The pod that `POD` or `TYPE/NAME` stands for: of a workload or service, a ready one first, then the oldest; with `tell` it is said which of several. */
export async function podOf(call: Call, text: string, { tell = false }: { readonly tell?: boolean } = {}): Promise<Pod> {
  const usable = await podsOf(call, text);
  const [best] = usable.toSorted((a, b) => Number(isPodReady(b)) - Number(isPodReady(a)) || (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
  if (tell && usable.length > 1) call.io.err(`Found ${usable.length} pods, using pod/${best!.metadata.name}\n`);
  if (!best) throw new KubectlError('timed out waiting for the condition');
  return best;
}

/** All pods that `POD` or `TYPE/NAME` stands for; of a workload or service those that are not going away. */
export async function podsOf(call: Call, text: string): Promise<readonly Pod[]> {
  const { session } = call;
  const namespace = await session.namespace();
  if (!text.includes('/')) return [await session.json<Pod>(`/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(text)}`)];
  const [target] = await resolveTargets(call, { args: [text] });
  if (target!.resource.kind === 'Pod') return [await session.json<Pod>(targetPath(target!))];
  const owner = await session.json<Deployment | Service>(targetPath(target!));
  const { selector } = ((owner as { readonly spec?: object }).spec ?? {}) as { readonly selector?: unknown };
  if (!selector) {
    const type = `*${target!.resource.version}.${target!.resource.kind}`;
    throw new KubectlError(`${call.path === 'kubectl logs' ? 'cannot get the logs from' : 'cannot attach to'} ${type}: selector for ${type} not implemented`);
  }
  const labelSelector = ['Service', 'ReplicationController'].includes(target!.resource.kind) ? formatLabels(selector as Record<string, string>) : formatLabelSelector(selector as never);
  return selectedPods(call, namespace, labelSelector, call.flags.has('pod-running-timeout') ? call.flags.duration('pod-running-timeout') : 0);
}

/** The pods that the selector finds; where there is none yet, waits for the first one. */
async function selectedPods({ session, io }: Call, namespace: string, labelSelector: string, timeoutMs: number): Promise<readonly Pod[]> {
  const deadline = systemClock.monotonic() + timeoutMs;
  for (;;) {
    const { items } = await session.json<ObjectList<Pod>>(`/api/v1/namespaces/${namespace}/pods`, { query: { labelSelector } });
    const usable = items.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    if (usable.length > 0 || systemClock.monotonic() >= deadline) return usable;
    await systemClock.sleep(300, io.signal);
  }
}
