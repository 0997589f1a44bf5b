import type { ContainerStatus, Pod, PodCondition } from '../../api/generated/core-v1.ts';
import type { ObservedContainer } from './observation.ts';
import { isSidecar, podContainers, restartTrigger } from './pod-containers.ts';

/** The conditions a kubelet answers for; all others belong to whom they were set by. Upstream: kubelet/types PodConditionsByKubelet. */
export const KUBELET_CONDITIONS: readonly string[] = ['PodScheduled', 'Ready', 'Initialized', 'ContainersReady', 'PodReadyToStartContainers', 'PodResizePending', 'PodResizeInProgress', 'AllContainersRestarting'];

type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>;
const YES: Verdict = { status: 'True' };
const named = (names: readonly string[]): string => `[${names.join(' ')}]`;

function complaint(unknown: readonly string[], others: readonly string[], what: string): string {
  return [unknown.length > 0 && `containers with unknown status: ${named(unknown)}`, others.length > 0 && `containers with ${what} status: ${named(others)}`]
    .filter(Boolean).join(', ');
}

/** Upstream: kubelet/status/generate.go GenerateAllContainersRestartingCondition. */
export function allContainersRestarting(pod: Pod, containers: readonly ObservedContainer[], phase: string): Verdict {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  return restartTrigger(pod, containers) ? { status: 'True', reason: 'RestartAllContainersStarted', message: 'container exited with restart policy rule' } : { status: 'False' };
}

/** Upstream: kubelet/status/generate.go. */
export function containersReady(pod: Pod, statuses: readonly ContainerStatus[], phase: string): Verdict {
  const byName = new Map(statuses.map((status) => [status.name, status]));
  const items = podContainers(pod).filter((item) => item.role === 'regular' || isSidecar(item));
  const unknown = items.filter(({ container }) => !byName.has(container.name)).map(({ container }) => container.name);
  const unready = items.filter(({ container }) => byName.get(container.name)?.ready === false).map(({ container }) => container.name);
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const message = complaint(unknown, unready, 'unready');
  return message ? { status: 'False', reason: 'ContainersNotReady', message } : YES;
}

/** As ContainersReady, and every readiness gate must be True. */
export function podReady(pod: Pod, ready: Verdict, others: readonly PodCondition[]): Verdict {
  if (ready.status !== 'True') return ready;
  const missing = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = others.find((c) => c.type === conditionType);
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return condition.status === 'True' ? [] : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  return missing.length > 0 ? { status: 'False', reason: 'ReadinessGatesNotReady', message: missing.join(', ') } : YES;
}

export function podInitialized(pod: Pod, statuses: readonly ContainerStatus[], phase: string): Verdict {
  const byName = new Map(statuses.map((status) => [status.name, status]));
  const items = podContainers(pod).filter((item) => item.role === 'init');
  const unknown = items.filter(({ container }) => !byName.has(container.name)).map(({ container }) => container.name);
  const incomplete = items.filter((item) => {
    const status = byName.get(item.container.name);
    return status && !(isSidecar(item) ? status.started : status.ready);
  }).map(({ container }) => container.name);
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'True', reason: 'PodCompleted' };
  const hasStarted = pod.spec.containers.some(({ name }) => {
    const status = byName.get(name);
    return status?.state?.running || status?.state?.terminated || status?.lastState?.terminated;
  });
  if (hasStarted) return YES;
  const message = complaint(unknown, incomplete, 'incomplete');
  return message ? { status: 'False', reason: 'ContainersNotInitialized', message } : YES;
}
