import type { Pod } from '../../api/generated/core-v1.ts';
import { isPodActive, isPodAvailable, isPodReady, podCondition } from '../../api/pod/conditions.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const PHASES = ['Pending', 'Unknown', 'Running'];

/**
 * The pods to delete when there are `surplus` too many: those first that are missed least. Each rule decides only where
 * the ones before it see no difference. `related` are the pods of all sets of the same deployment: of two pods, the one
 * goes whose node holds more of them, so that what stays is spread.
 * Upstream: pkg/controller/controller_utils.go, ActivePodsWithRanks; but that one tells nothing apart among the ready, and so takes available pods
 * away while others are not ready for `minReadySeconds` yet, which a rollout that counts the available ones relies on.
 */
export function podsToDelete(active: readonly Pod[], related: readonly Pod[], surplus: number, minReadySeconds: number, nowMs: number): readonly Pod[] {
  if (surplus >= active.length) return active;
  const onNode = new Map<string | undefined, number>();
  for (const pod of related) if (isPodActive(pod)) onNode.set(pod.spec.nodeName, (onNode.get(pod.spec.nodeName) ?? 0) + 1);
  const ranked = active.map((pod) => ({ pod, neighbours: onNode.get(pod.spec.nodeName) ?? 0, available: isPodAvailable(pod, minReadySeconds, nowMs) }));
  ranked.sort((a, b) => compare(a, b, nowMs));
  return ranked.slice(0, surplus).map(({ pod }) => pod);
}

interface Ranked {
  readonly pod: Pod;
  readonly neighbours: number;
  readonly available: boolean;
}

/** Negative: `a` goes first. */
function compare({ pod: a, neighbours: nearA, available: upA }: Ranked, { pod: b, neighbours: nearB, available: upB }: Ranked, nowMs: number): number {
  const bothReady = isPodReady(a) && isPodReady(b);
  return (
    Number(Boolean(a.spec.nodeName)) - Number(Boolean(b.spec.nodeName)) ||
    PHASES.indexOf(a.status?.phase ?? 'Pending') - PHASES.indexOf(b.status?.phase ?? 'Pending') ||
    Number(isPodReady(a)) - Number(isPodReady(b)) ||
    Number(upA) - Number(upB) ||
    deletionCost(a) - deletionCost(b) ||
    nearB - nearA ||
    (bothReady ? youngerFirst(a, b, readySince(a), readySince(b), nowMs) : 0) ||
    restarts(b) - restarts(a) ||
    sidecarRestarts(b) - sidecarRestarts(a) ||
    youngerFirst(a, b, Date.parse(a.metadata.creationTimestamp), Date.parse(b.metadata.creationTimestamp), nowMs)
  );
}

/** Pods whose ages are of the same power of two are as good as of one age; chance (their uids) decides among them. */
function youngerFirst(a: Pod, b: Pod, sinceA: number, sinceB: number, nowMs: number): number {
  if (sinceA === sinceB) return 0;
  return ageClass(nowMs - sinceA) - ageClass(nowMs - sinceB) || (a.metadata.uid < b.metadata.uid ? -1 : 1);
}

function ageClass(milliseconds: number): number {
  return milliseconds > 0 ? Math.floor(Math.log2(milliseconds * 1e6)) : -1;
}

function readySince(pod: Pod): number {
  return Date.parse(podCondition(pod, 'Ready')?.lastTransitionTime ?? '');
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[DELETION_COST] ?? '0';
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
}

function sidecarRestarts(pod: Pod): number {
  const sidecars = new Set(pod.spec.initContainers?.filter((container) => container.restartPolicy === 'Always').map((container) => container.name));
  return Math.max(0, ...(pod.status?.initContainerStatuses ?? []).filter((status) => sidecars.has(status.name)).map((status) => status.restartCount));
}
