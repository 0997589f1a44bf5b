import type { ContainerStatus, Pod } from '../../api/generated/core-v1.ts';
import { isPodReady } from '../../api/pod/conditions.ts';
import { summarizePod } from '../../api/pod/pod-summary.ts';
import { plainFault } from '../../why/plain-fault.ts';
import { baseRow, ownerOf } from './base-row.ts';
import type { PodRow, Tone } from './row.ts';

export function podRow(pod: Pod): PodRow {
  const { status, readyContainers: ready, totalContainers: total, restarts } = summarizePod(pod);
  const { spec } = pod;
  const why = whyOf(pod);
  return {
    ...baseRow(pod),
    ...ownerOf(pod),
    status,
    tone: toneOf(pod, status),
    ...(why && { why }),
    ready,
    total,
    restarts,
    ...(spec.nodeName && { node: spec.nodeName }),
    ...(pod.status?.podIP && { ip: pod.status.podIP }),
    containers: spec.containers.map(({ name }) => name),
    init: (spec.initContainers ?? []).map(({ name }) => name),
    images: [...new Set(spec.containers.map(({ image }) => image ?? ''))],
    labels: pod.metadata.labels ?? {},
  };
}

/** On the way without anybody's doing. */
const ON_THE_WAY = /^(Pending|ContainerCreating|PodInitializing|Terminating|SchedulingGated|Running|NotReady|Init:\d+\/\d+)$/;

function toneOf(pod: Pod, status: string): Tone {
  if (status === 'Completed' || status === 'Succeeded') return 'done';
  if (status === 'Running' && isPodReady(pod)) return 'ok';
  // A scheduler that found no node will find none until somebody makes room.
  if (status === 'Pending' && unscheduled(pod)) return 'bad';
  return ON_THE_WAY.test(status) ? 'busy' : 'bad';
}

function unscheduled(pod: Pod): string | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  return scheduled?.status === 'False' && scheduled.reason === 'Unschedulable' ? (scheduled.message ?? 'no node takes it') : undefined;
}

/** In words, why a pod is not well; undefined when there is nothing to say. */
function whyOf(pod: Pod): string | undefined {
  const { status } = pod;
  if (!status) return undefined;
  const noNode = unscheduled(pod);
  // What the scheduler says of pushing others out is of no use to who reads it here.
  if (noNode) return `No node takes it: ${noNode.replace(/\s*preemption: .*$/s, '')}`;
  for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
    const reason = whyContainer(container);
    if (reason) return reason;
  }
  if (status.phase === 'Failed') return [status.reason, status.message].filter(Boolean).join(': ') || undefined;
  const waits =
    status.phase === 'Running' && !pod.metadata.deletionTimestamp
      ? (status.containerStatuses ?? []).filter(({ ready, state }) => !ready && state?.running).map(({ name }) => name)
      : [];
  return waits.length > 0
    ? `${waits.join(', ')} ${waits.length > 1 ? 'run but are' : 'runs but is'} not ready yet (readiness probe)`
    : undefined;
}

function whyContainer({ name, state, lastState, restartCount }: ContainerStatus): string | undefined {
  const { waiting, terminated } = state ?? {};
  const last = lastState?.terminated;
  if (waiting?.reason === 'CrashLoopBackOff') {
    return `${name} keeps ending${last ? ` (last: ${ending(last.exitCode, last.reason)}, ${restartCount} restarts)` : ''}; it is started again after a pause`;
  }
  if (waiting?.reason && waiting.reason !== 'ContainerCreating' && waiting.reason !== 'PodInitializing')
    return `${name}: ${waiting.reason}${waiting.message ? ` – ${plainFault(waiting.message)}` : ''}`;
  if (terminated && terminated.exitCode !== 0)
    return `${name} ended: ${ending(terminated.exitCode, terminated.reason)}${terminated.message ? ` – ${terminated.message}` : ''}`;
  return undefined;
}

const ending = (exitCode: number, reason?: string): string =>
  reason === 'OOMKilled' ? 'out of memory (OOMKilled)' : `exit code ${exitCode}`;
