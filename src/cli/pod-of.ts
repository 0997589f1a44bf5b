import type { Deployment } from '../api/generated/apps-v1.ts';
import type { Pod, Service } from '../api/generated/core-v1.ts';
import type { ObjectList } from '../api/object.ts';
import { formatLabels, formatLabelSelector } from '../api/selector.ts';
import { isPodReady } from '../api/pod/conditions.ts';
import { resolveTargets, targetPath } from './targets.ts';
import { KubectlError, type Call } from './verb.ts';

/** The pod that `POD` or `TYPE/NAME` stands for: of a workload or service, a ready one first, then the oldest. */
export async function podOf(call: Call, text: string): Promise<Pod> {
  const { session } = call;
  const namespace = await session.namespace();
  if (!text.includes('/')) return session.json<Pod>(`/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(text)}`);
  const [target] = await resolveTargets(call, { args: [text] });
  if (target!.resource.kind === 'Pod') return session.json<Pod>(targetPath(target!));
  const owner = await session.json<Deployment | Service>(targetPath(target!));
  const { selector } = owner.spec as { readonly selector?: unknown };
  if (!selector) throw new KubectlError(`cannot attach to *${target!.resource.kind}: selector for it is not implemented`);
  const labelSelector = ['Service', 'ReplicationController'].includes(target!.resource.kind) ? formatLabels(selector as Record<string, string>) : formatLabelSelector(selector as never);
  const { items } = await session.json<ObjectList<Pod>>(`/api/v1/namespaces/${namespace}/pods`, { query: { labelSelector } });
  const usable = items.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  const [best] = usable.toSorted((a, b) => Number(isPodReady(b)) - Number(isPodReady(a)) || (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
  if (usable.length > 1) call.io.err(`Found ${usable.length} pods, using pod/${best!.metadata.name}\n`);
  if (!best) throw new KubectlError('timed out waiting for the condition');
  return best;
}
