import type { Rejection } from './rejection.ts';
import type { NodeRejections } from './node-rejections.ts';
import type { NodeScore } from './scheduling-cycle.ts';

/** What the scheduler decided of a pod, and why. */
export interface Decision {
  /** `namespace/name` */
  readonly pod: string;
  readonly uid: string;
  /** Wall time, milliseconds. */
  readonly at: number;
  readonly attempt: number;
  readonly outcome: 'assigned' | 'unschedulable' | 'failed';
  /** Where the pod goes. */
  readonly node?: string;
  readonly message: string;
  /** How many nodes there were, how many were asked, and on how many the pod would fit. */
  readonly nodes: number;
  readonly evaluated: number;
  readonly feasible: number;
  /** Which nodes which plugin rejected for which reason; of many nodes the first twenty names. */
  readonly filtered: readonly { readonly plugin: string; readonly reasons: readonly string[]; readonly count: number; readonly nodes: readonly string[] }[];
  /** The best nodes, the best first; empty where only one fitted. */
  readonly scores: readonly NodeScore[];
  /** Pods that were taken away to make room. */
  readonly preempted?: readonly string[];
  /** How long the choice took, milliseconds. */
  readonly tookMs: number;
}

const PODS_KEPT = 2000;
const DECISIONS_KEPT_PER_POD = 5;
const NAMES_KEPT = 20;

/** The latest decisions, of so many pods and no more. */
export class DecisionRecord {
  readonly #byPod = new Map<string, Decision[]>();

  add(decision: Decision): void {
    const earlier = this.#byPod.get(decision.pod) ?? [];
    const kept = [...earlier.filter(({ uid }) => uid === decision.uid), decision].slice(-DECISIONS_KEPT_PER_POD);
    this.#byPod.delete(decision.pod);
    this.#byPod.set(decision.pod, kept);
    if (this.#byPod.size > PODS_KEPT) this.#byPod.delete(this.#byPod.keys().next().value!);
  }

  /** Of one pod, `namespace/name`; the oldest first. */
  of(pod: string): readonly Decision[] {
    return this.#byPod.get(pod) ?? [];
  }

  /** The last decision of each pod, the latest last. */
  latest(): readonly Decision[] {
    return [...this.#byPod.values()].map((decisions) => decisions.at(-1)!);
  }
}

/** Groups rejections of nodes by plugin and reason. */
export function groupRejections(rejections: NodeRejections): Decision['filtered'] {
  type Group = { readonly plugin: string; readonly reasons: readonly string[]; count: number; readonly nodes: string[] };
  const groups = new Map<string, Group>();
  // Mostly few objects stand for thousands of nodes.
  const groupOf = new Map<Rejection, Group>();
  for (const [rejection, { plugin, count }] of rejections.counts()) {
    const key = `${plugin}: ${rejection.reasons.join()}`;
    const group = groups.get(key) ?? { plugin, reasons: rejection.reasons, count: 0, nodes: [] };
    group.count += count;
    groups.set(key, group);
    groupOf.set(rejection, group);
  }
  let unfinished = groups.size;
  for (const [node, { rejection }] of rejections) {
    const { nodes, count } = groupOf.get(rejection)!;
    if (nodes.length === NAMES_KEPT) continue;
    nodes.push(node);
    if (nodes.length === Math.min(count, NAMES_KEPT) && --unfinished === 0) break;
  }
  return [...groups.values()];
}
