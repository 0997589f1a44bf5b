import type { NamespaceCondition } from '../api/generated/core-v1.ts';
import { rfc3339 } from '../base/clock.ts';
import { withCondition } from './conditions.ts';

/** What one attempt to empty a namespace found. */
export interface Remains {
  /** `configmaps.` → 3: resource and group, as upstream writes them, the core group empty. */
  readonly resources: ReadonlyMap<string, number>;
  readonly finalizers: ReadonlyMap<string, number>;
  readonly failures: readonly Error[];
}

/** What a terminating namespace says about the state of its end. Upstream: namespace/deletion/status_condition_utils.go. */
export function namespaceConditions(conditions: readonly NamespaceCondition[] | undefined, { resources, finalizers, failures }: Remains, nowMs: number): readonly NamespaceCondition[] {
  const listed = (map: ReadonlyMap<string, number>, phrase: string): string => [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => `${name} ${phrase.replace('%d', String(count))}`).join(', ');
  const found: readonly [type: string, wrong: boolean, reason: string, message: string, fineReason: string, fineMessage: string][] = [
    ['NamespaceDeletionDiscoveryFailure', false, '', '', 'ResourcesDiscovered', 'All resources successfully discovered'],
    ['NamespaceDeletionGroupVersionParsingFailure', false, '', '', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'],
    ['NamespaceDeletionContentFailure', failures.length > 0, 'ContentDeletionFailed',
      `Failed to delete all resource types, ${failures.length} remaining: ${failures.map((failure) => failure.message).sort().join(', ')}`,
      'ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
    ['NamespaceContentRemaining', resources.size > 0, 'SomeResourcesRemain', `Some resources are remaining: ${listed(resources, 'has %d resource instances')}`,
      'ContentRemoved', 'All content successfully removed'],
    ['NamespaceFinalizersRemaining', finalizers.size > 0, 'SomeFinalizersRemain', `Some content in the namespace has finalizers remaining: ${listed(finalizers, 'in %d resource instances')}`,
      'ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
  ];
  const lastTransitionTime = rfc3339(nowMs);
  return found.reduce<readonly NamespaceCondition[]>((all, [type, wrong, reason, message, fineReason, fineMessage]) =>
    withCondition(all, wrong ? { type, status: 'True', reason, message, lastTransitionTime } : { type, status: 'False', reason: fineReason, message: fineMessage, lastTransitionTime }),
  conditions ?? []);
}
