import type { Rejection } from './rejection.ts';
import type { NodeRejections } from './node-rejections.ts';

/** Why no node took a pod. */
export interface Diagnosis {
  readonly nodeCount: number;
  readonly rejections: NodeRejections;
  /** Of nodes that were not asked. */
  readonly absent?: Rejection;
  /** All nodes at once were rejected before any was asked. */
  readonly preFilter?: Rejection;
  /** Plugins that rejected: events that concern them may help. */
  readonly rejectedBy: ReadonlySet<string>;
}

/**
 * `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: …` as events and conditions have it.
 * Upstream: framework.FitError.Error.
 */
export function fitMessage(diagnosis: Diagnosis, postFilterMessage = ''): string {
  const { nodeCount, rejections, absent, preFilter } = diagnosis;
  let message = `0/${nodeCount} nodes are available:`;
  if (preFilter) {
    message += ` ${preFilter.reasons.join(', ')}.`;
  } else {
    const counts = new Map<string, number>();
    const count = (reasons: readonly string[], times: number): void => {
      for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + times);
    };
    for (const [{ reasons }, { count: nodes }] of rejections.counts()) count(reasons, nodes);
    if (absent && rejections.size < nodeCount) count(absent.reasons, nodeCount - rejections.size);
    const texts = [...counts].map(([reason, times]) => `${times} ${reason}`).sort();
    if (texts.length > 0) message += ` ${texts.join(', ')}.`;
  }
  return postFilterMessage ? `${message} ${postFilterMessage}` : message;
}
