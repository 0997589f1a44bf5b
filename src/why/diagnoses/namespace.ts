import type { Namespace } from '../../api/generated/core-v1.ts';
import { humanDuration } from '../../api/human-duration.ts';
import type { Diagnose } from '../finding.ts';

/** Namespaces that are to go and do not: what is still in them, and who keeps it. */
export const namespace: Diagnose = ({ focus, nowMs }) => {
  if (focus.kind !== 'Namespace' || !focus.metadata.deletionTimestamp) return [];
  const { metadata: { name, deletionTimestamp }, status } = focus as Namespace;
  const said = (type: string): string | undefined => status?.conditions?.find((condition) => condition.type === type && condition.status === 'True')?.message;
  const [content, finalizers, discovery, failure] = [said('NamespaceContentRemaining'), said('NamespaceFinalizersRemaining'), said('NamespaceDeletionDiscoveryFailure'), said('NamespaceDeletionContentFailure')];
  const kinds = [...(content ?? '').matchAll(/(\S+?)\.? has (\d+) resource instances/g)].map(([, kind, count]) => `${count} ${kind}`);
  const holders = [...(finalizers ?? '').matchAll(/(\S+) in (\d+) resource instances/g)].map(([, finalizer, count]) => `${finalizer} (on ${count})`);
  return [{
    waitsFor: `all that is in the namespace ${name} to be gone (asked for ${humanDuration(nowMs - Date.parse(deletionTimestamp!))} ago)`,
    because: [
      ...(kinds.length > 0 ? [`Still there: ${kinds.join(', ')}.`] : content ? [content] : []),
      ...(holders.length > 0 ? [`Some are held by what has to be done before they go (finalizers): ${holders.join(', ')}. Each is taken away by whoever put it there.`] : finalizers ? [finalizers] : []),
      ...(discovery ? [`The server cannot say all that may be in it: ${discovery}`] : []),
      ...(failure ? [failure] : []),
      ...(content ?? finalizers ?? discovery ?? failure ? [] : ['It is being emptied; nothing is known that holds it up.']),
    ],
    help: [
      ...(kinds.length > 0 ? [`See what holds one of them: kubectl get ${kinds[0]!.split(' ')[1]} -n ${name}, then wherry why`] : []),
      ...(holders.length > 0 ? ['See whether the program that puts these finalizers there still runs. If it is gone for good: kubectl patch … --type=merge -p \'{"metadata":{"finalizers":null}}\''] : []),
      ...(discovery ? ['A server behind the API does not answer: kubectl get apiservices'] : []),
    ],
  }];
};
