import type { Pod } from '../../api/generated/core-v1.ts';
import { qosClass } from '../../api/pod/qos-class.ts';
import { podResourceRequests } from '../../api/pod/resources.ts';
import { compareQuantities } from '../../api/quantity.ts';

/** A resize that the node could not give yet. */
export interface DeferredResize {
  /** As it is wanted. */
  readonly pod: Pod;
  /** As the node has agreed to it. */
  readonly allocated: Pod;
  /** When it was refused first, in milliseconds since 1970. */
  readonly sinceMs: number;
}

/** How the requests of a pod change, of CPU and memory, with a resize: it may well be in both directions. */
export function resizeDirections({ pod, allocated }: Pick<DeferredResize, 'pod' | 'allocated'>): { readonly grows: boolean; readonly shrinks: boolean } {
  const [before, after] = [podResourceRequests(allocated), podResourceRequests(pod)];
  const signs = ['cpu', 'memory'].map((name) => compareQuantities(after[name], before[name]));
  return { grows: signs.some((sign) => sign > 0), shrinks: signs.some((sign) => sign < 0) };
}

/**
 * The order in which deferred resizes are tried when room comes free: those that ask for no more, then by priority, then guaranteed pods before others, then those
 * that have waited longest. Upstream: kubelet/allocation sortPendingResizes.
 */
export function compareDeferred(a: DeferredResize, b: DeferredResize): number {
  return Number(resizeDirections(a).grows) - Number(resizeDirections(b).grows)
    || (b.pod.spec.priority ?? 0) - (a.pod.spec.priority ?? 0)
    || Number(qosClass(b.pod) === 'Guaranteed') - Number(qosClass(a.pod) === 'Guaranteed')
    || a.sinceMs - b.sinceMs;
}
