import type { ContainerStatus, Pod } from '../../api/generated/core-v1.ts';
import { isSidecar, podContainers, restartsAfter, type PodContainer } from './pod-containers.ts';

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/**
 * The pod's phase from its containers' statuses. `terminal`: nothing will be started any more, whatever the restart policy says.
 * `initialized`: a regular container has run. Upstream: kubelet getPhase.
 */
export function podPhase(pod: Pod, statuses: readonly ContainerStatus[], terminal: boolean, initialized: boolean): Phase {
  const byName = new Map(statuses.map((status) => [status.name, status]));
  const ended = (status: ContainerStatus): number | undefined => (status.state?.terminated ?? (status.state?.waiting && status.lastState?.terminated))?.exitCode;
  const items = podContainers(pod).filter((item) => item.role !== 'ephemeral');
  let initPending = 0;
  let sidecarPending = 0;
  const count = { unknown: 0, running: 0, waiting: 0, stopped: 0, succeeded: 0, restarting: 0 };
  for (const item of items) {
    const status = byName.get(item.container.name);
    const exitCode = status && ended(status);
    if (item.role === 'init' && !isSidecar(item)) {
      if (exitCode === undefined) initPending++;
      else if (exitCode !== 0 && !restartsAfter(pod, item, exitCode)) return 'Failed';
    } else if (item.role === 'init') {
      if (!status) count.unknown++;
      else if (status.state?.running) {
        count.running++;
        if (!status.started) sidecarPending++;
      } else if (exitCode === undefined) {
        sidecarPending++;
        count.waiting++;
      }
    } else countRegular(pod, item, status, exitCode, count);
  }
  if (initPending > 0 || (sidecarPending > 0 && !initialized) || count.waiting > 0) return 'Pending';
  if (count.running > 0 && count.unknown === 0) return 'Running';
  if (count.stopped > 0 && count.unknown === 0) {
    if (!terminal && count.restarting > 0) return 'Running';
    return count.stopped === count.succeeded ? 'Succeeded' : 'Failed';
  }
  return 'Pending';
}

function countRegular(
  pod: Pod, item: PodContainer, status: ContainerStatus | undefined, exitCode: number | undefined,
  count: { unknown: number; running: number; waiting: number; stopped: number; succeeded: number; restarting: number },
): void {
  if (!status?.state) count.unknown++;
  else if (status.state.running) count.running++;
  else if (exitCode === undefined) count.waiting++;
  else {
    count.stopped++;
    if (exitCode === 0 && status.state.terminated) count.succeeded++;
    if (restartsAfter(pod, item, exitCode)) count.restarting++;
  }
}
