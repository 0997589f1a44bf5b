import type { DaemonSet } from '../../api/generated/apps-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { scaledValue } from '../../api/int-or-string.ts';
import { isPodAvailable, isPodReady } from '../../api/pod/conditions.ts';
import type { Placement } from './placement.ts';

/** A node and what of the set is on it, or on its way there. */
export interface DaemonNode {
  readonly name: string;
  readonly placement: Placement;
  readonly pods: readonly Pod[];
}

export interface DaemonPlan {
  /** Names of nodes to make a pod for. */
  readonly create: readonly string[];
  readonly delete: readonly Pod[];
  /** Pods that have ended by themselves and are to be replaced. */
  readonly ended: readonly Pod[];
}

export const REVISION_HASH = 'controller-revision-hash';

const deleting = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;
const updated = (pod: Pod, hash: string): boolean => pod.metadata.labels?.[REVISION_HASH] === hash;

/** Assigned to a node before others, running before waiting, older before younger. */
const eldestFirst = (a: Pod, b: Pod): number =>
  Number(Boolean(b.spec.nodeName)) - Number(Boolean(a.spec.nodeName)) ||
  Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1);

export function fences(set: DaemonSet, desired: number): { readonly surge: number; readonly unavailable: number } {
  const { maxSurge = 0, maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, desired, true);
  const unavailable = scaledValue(maxUnavailable, desired, true);
  return { surge, unavailable: desired > 0 && surge === 0 && unavailable === 0 ? 1 : unavailable };
}

function allowsSurge(set: DaemonSet): boolean {
  const { maxSurge = 0 } = set.spec.updateStrategy?.rollingUpdate ?? {};
  return set.spec.updateStrategy?.type !== 'OnDelete' && scaledValue(maxSurge, 100, true) > 0;
}

/** One pod on each node that should have one, none elsewhere. `mayRetry`: whether an ended pod's node is out of its back-off. Upstream: podsShouldBeOnNode. */
export function placementPlan(set: DaemonSet, nodes: readonly DaemonNode[], hash: string, mayRetry: (node: string) => boolean, nowMs: number): DaemonPlan {
  const plan = { create: [] as string[], delete: [] as Pod[], ended: [] as Pod[] };
  const minReady = set.spec.minReadySeconds ?? 0;
  for (const { name, placement, pods } of nodes) {
    if (placement === 'leave') {
      plan.delete.push(...pods.filter((pod) => !deleting(pod)));
      continue;
    }
    if (pods.length === 0) {
      if (placement === 'run') plan.create.push(name);
      continue;
    }
    const here = pods.filter((pod) => !deleting(pod));
    const ended = here.filter((pod) => pod.status?.phase === 'Succeeded' || (pod.status?.phase === 'Failed' && mayRetry(name)));
    plan.ended.push(...ended);
    const running = here.filter((pod) => pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed').sort(eldestFirst);
    if (!allowsSurge(set)) {
      plan.delete.push(...running.slice(1));
      continue;
    }
    if (running.length === 0 && placement === 'run') plan.create.push(name);
    // While one revision takes over from the other there may be one pod of each.
    const [newest, ...otherNew] = running.filter((pod) => updated(pod, hash));
    const [oldest, ...otherOld] = running.filter((pod) => !updated(pod, hash));
    plan.delete.push(...otherNew, ...otherOld);
    if (newest && oldest && (!isPodReady(oldest) || isPodAvailable(newest, minReady, nowMs))) plan.delete.push(oldest);
  }
  return plan;
}

/** Replaces pods of old revisions, as many at a time as the strategy allows. Upstream: daemon/update.go, rollingUpdate. */
export function updatePlan(set: DaemonSet, nodes: readonly DaemonNode[], hash: string, nowMs: number): DaemonPlan {
  const desired = nodes.filter((node) => node.placement === 'run').length;
  const { surge, unavailable } = fences(set, desired);
  const minReady = set.spec.minReadySeconds ?? 0;
  const available = (pod: Pod): boolean => isPodAvailable(pod, minReady, nowMs);
  const occupied = nodes.filter((node) => node.pods.length > 0).map(({ name, placement, pods }) => {
    const here = pods.filter((pod) => !deleting(pod));
    const fresh = here.filter((pod) => updated(pod, hash));
    const stale = here.filter((pod) => !updated(pod, hash));
    // More than one of a kind: the placement comes first and is not done yet.
    return { name, placement, fresh: fresh[0], stale: stale[0], crowded: fresh.length > 1 || stale.length > 1 };
  });
  const none = { ended: [] as Pod[] };

  if (surge === 0) {
    let down = 0;
    const broken: Pod[] = [];
    const candidates: Pod[] = [];
    for (const { fresh, stale, crowded } of occupied) {
      if (crowded || Boolean(fresh) === Boolean(stale)) down++;
      else if (fresh) down += available(fresh) ? 0 : 1;
      else if (!available(stale!)) {
        broken.push(stale!);
        down++;
      } else candidates.push(stale!);
    }
    return { ...none, create: [], delete: [...broken, ...candidates.slice(0, Math.max(0, unavailable - down))] };
  }

  let surging = 0;
  let up = 0;
  const remove: Pod[] = [];
  const unwanted: Pod[] = [];
  const now: string[] = [];
  const candidates: string[] = [];
  for (const { name, placement, fresh, stale, crowded } of occupied) {
    if (crowded) {
      surging++;
      continue;
    }
    const first = stale ?? fresh;
    if (first && available(first)) up++;
    if (!stale) continue;
    if (fresh) {
      if (available(fresh)) remove.push(stale);
      else surging++;
    } else if (!available(stale)) {
      if (placement === 'run') now.push(name);
      else remove.push(stale);
    } else if (placement === 'run') candidates.push(name);
    else unwanted.push(stale);
  }
  return { ...none, delete: [...remove, ...unwanted.slice(0, Math.max(0, up - desired))], create: [...now, ...candidates.slice(0, Math.max(0, surge - surging))] };
}

/** Upstream: updateDaemonSetStatus. */
export function daemonStatus(set: DaemonSet, nodes: readonly DaemonNode[], hash: string, nowMs: number): NonNullable<DaemonSet['status']> {
  const minReady = set.spec.minReadySeconds ?? 0;
  const wanted = nodes.filter((node) => node.placement === 'run');
  const first = wanted.filter((node) => node.pods.length > 0).map((node) => node.pods.toSorted(eldestFirst)[0]!);
  const numberAvailable = first.filter((pod) => isPodAvailable(pod, minReady, nowMs)).length;
  const updatedNumberScheduled = first.filter((pod) => updated(pod, hash)).length;
  const numberUnavailable = wanted.length - numberAvailable;
  return {
    ...set.status,
    currentNumberScheduled: first.length,
    numberMisscheduled: nodes.filter((node) => node.placement !== 'run' && node.pods.length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: first.filter(isPodReady).length,
    observedGeneration: set.metadata.generation,
    ...omitZero({ updatedNumberScheduled, numberAvailable, numberUnavailable }, set.status),
  };
}

/** Counts that upstream leaves out when they are 0; one that was there must be taken away. */
function omitZero<T extends Record<string, number>>(counts: T, before: object | undefined): Partial<Record<keyof T, number | undefined>> {
  return Object.fromEntries(Object.entries(counts).filter(([key, count]) => count !== 0 || (before && key in before)).map(([key, count]) => [key, count === 0 ? undefined : count])) as Partial<T>;
}
