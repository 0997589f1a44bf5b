import type { ContainerStatus, Pod, PodStatus } from '../../api/generated/core-v1.ts';
import { isSidecar, podContainers } from './pod-containers.ts';

/**
 * The last word on a pod: no container is left running or waiting in it. What was never seen to end counts as failed once the pod had
 * begun. Upstream: status.TerminatePod.
 */
export function finalizeStatus(pod: Pod, status: PodStatus): PodStatus {
  const begun = (status.containerStatuses ?? []).some((s) => s.state?.terminated || s.state?.running || s.lastState?.terminated);
  const sidecars = new Set(podContainers(pod).filter(isSidecar).map(({ container }) => container.name));
  const end = (s: ContainerStatus): ContainerStatus => {
    if (s.state?.terminated) return s;
    return { ...s, ready: false, state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was terminated' } } };
  };
  const initBegun = begun || (status.initContainerStatuses ?? []).some((s) => s.state?.terminated || s.state?.running || s.lastState?.terminated);
  const containerStatuses = begun ? (status.containerStatuses ?? []).map(end) : status.containerStatuses;
  const initContainerStatuses = initBegun ? (status.initContainerStatuses ?? []).map((s) => (sidecars.has(s.name) || s.state?.running ? end(s) : s)) : status.initContainerStatuses;
  const phase = status.phase === 'Succeeded' || status.phase === 'Failed' ? status.phase : 'Failed';
  return {
    ...status, phase, ...(containerStatuses && { containerStatuses }), ...(initContainerStatuses?.length && { initContainerStatuses }),
    ...(phase !== status.phase && {
      conditions: (status.conditions ?? []).map((c) => (c.type === 'Ready' || c.type === 'ContainersReady' ? { ...c, status: 'False', reason: 'PodFailed', message: undefined } : c)),
    }),
  };
}
