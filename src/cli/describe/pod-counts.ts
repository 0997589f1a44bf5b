import type { Pod } from '../../api/generated/core-v1.ts';
import type { KubeObject, ObjectList } from '../../api/object.ts';
import type { Session } from '../command/session.ts';

/** `2 Running / 0 Waiting / 0 Succeeded / 0 Failed` of the pods that the object controls. */
export async function podCounts(session: Session, { metadata }: KubeObject, labelSelector: string): Promise<string> {
  const { items } = await session.json<ObjectList<Pod>>(`/api/v1/namespaces/${metadata.namespace}/pods`, { query: { labelSelector, limit: '500' } });
  const owned = items.filter((pod) => pod.metadata.ownerReferences?.some(({ controller, uid }) => controller && uid === metadata.uid));
  const count = (phase: string): number => owned.filter(({ status }) => status?.phase === phase).length;
  return `${count('Running')} Running / ${count('Pending')} Waiting / ${count('Succeeded')} Succeeded / ${count('Failed')} Failed`;
}
