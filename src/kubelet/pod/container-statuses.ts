import type { ContainerState, ContainerStatus, Pod, ResourceRequirements, VolumeMountStatus } from '../../api/generated/core-v1.ts';
import { rfc3339 } from '../../base/clock.ts';
import { isSidecar, podContainers, restartsAfter, type ContainerRole, type PodContainer } from './pod-containers.ts';
import type { ObservedContainer, PodObservation } from './observation.ts';

/** Why a container that should run does not: shown as its waiting state. */
export interface WaitingReason {
  readonly reason: string;
  readonly message: string;
}

/** What the probes say of a running container. */
export interface ProbeState {
  readonly started: boolean;
  readonly ready: boolean;
}

export interface ContainerStatusesInput {
  readonly pod: Pod;
  readonly observation: PodObservation;
  /** What the API or the last computation said before. */
  readonly previous: readonly ContainerStatus[];
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  readonly probe: (id: string) => ProbeState;
  /** What a container was given, and what it has now; absent: what its spec says. */
  readonly resources?: (name: string, id: string) => { readonly allocated: ResourceRequirements; readonly actual: ResourceRequirements };
  /** Whether the runtime can make mounts read-only all the way down. */
  readonly recursiveReadOnly?: boolean;
  /** The pod is ending: nothing will be started again. */
  readonly terminating: boolean;
}

/** Statuses of the pod's containers of one role: init containers in the order of the spec, others by name. Upstream: kubelet convertToAPIContainerStatuses, prober UpdatePodStatus. */
export function containerStatuses(role: ContainerRole, input: ContainerStatusesInput): readonly ContainerStatus[] {
  const previous = new Map(input.previous.map((status) => [status.name, status]));
  const statuses = podContainers(input.pod).filter((item) => item.role === role).map((item) => statusOf(item, previous.get(item.container.name), input));
  // As upstream sorts them.
  return role === 'init' ? statuses : statuses.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const milliseconds = (ms: number): string => rfc3339(ms);
const idOf = (container: ObservedContainer): string => `containerd://${container.id}`;

function terminatedState(container: ObservedContainer): ContainerState {
  return {
    terminated: {
      exitCode: container.exitCode, ...(container.reason && { reason: container.reason }), ...(container.message && { message: container.message }),
      ...(container.startedMs > 0 && { startedAt: milliseconds(container.startedMs) }), ...(container.finishedMs > 0 && { finishedAt: milliseconds(container.finishedMs) }),
      containerID: idOf(container),
    },
  };
}

function volumeMounts({ container }: PodContainer, input: ContainerStatusesInput): readonly VolumeMountStatus[] | undefined {
  const mounts = container.volumeMounts?.map((mount) => ({
    name: mount.name, mountPath: mount.mountPath, ...(mount.readOnly && { readOnly: true, recursiveReadOnly: input.recursiveReadOnly && (mount.recursiveReadOnly === 'Enabled' || mount.recursiveReadOnly === 'IfPossible') ? 'Enabled' : 'Disabled' }),
  }));
  return mounts?.length ? mounts : undefined;
}

function statusOf(item: PodContainer, previous: ContainerStatus | undefined, input: ContainerStatusesInput): ContainerStatus {
  const { container, role } = item;
  const [current, last] = input.observation.containers.filter((c) => c.name === container.name);
  const mounts = volumeMounts(item, input);
  const base = { name: container.name, image: container.image ?? '', imageID: '', ready: false, started: false, restartCount: previous?.restartCount ?? 0, lastState: {}, ...(mounts && { volumeMounts: mounts }) };
  if (!current) return withWaiting(item, absentStatus(base, previous, item, input), undefined, input);

  const state: ContainerState = current.state === 'running' ? { running: { startedAt: milliseconds(current.startedMs) } }
    : current.state === 'exited' ? terminatedState(current)
      : current.state === 'unknown' && previous?.state?.running ? lost('The container could not be located when the pod was terminated')
        : { waiting: { reason: 'ContainerCreating' } };
  const lastState = last?.state === 'exited' ? terminatedState(last)
    : previous?.containerID !== undefined && previous.containerID !== idOf(current) && previous.state?.terminated ? previous.state : keptLast(previous);
  const probe = current.state === 'running' ? input.probe(current.id) : undefined;
  const succeeded = current.state === 'exited' && current.exitCode === 0;
  const status: ContainerStatus = {
    ...base, state, ...(lastState && { lastState }), image: current.image || base.image, imageID: current.imageRef, containerID: idOf(current),
    restartCount: current.restartCount, started: probe?.started ?? false,
    ready: role === 'init' && !isSidecar(item) ? succeeded : role === 'ephemeral' ? false : probe?.ready ?? false,
    ...resources(item, current, input), ...(current.user && { user: { linux: current.user } }),
  };
  return withWaiting(item, status, current, input);
}

function resources({ container, role }: PodContainer, { id, name, state }: ObservedContainer, input: ContainerStatusesInput): Partial<ContainerStatus> {
  if (role === 'ephemeral') return {};
  const own = container.resources ?? {};
  const { allocated, actual } = input.resources?.(name, id) ?? { allocated: own, actual: own };
  return { ...(allocated.requests && { allocatedResources: allocated.requests }), resources: state === 'running' ? actual : allocated };
}

const lost = (message: string): ContainerState => ({ terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message } });
const keptLast = (previous: ContainerStatus | undefined): ContainerState | undefined =>
  previous?.lastState && Object.keys(previous.lastState).length > 0 ? previous.lastState : undefined;

/** The runtime knows no container of this name: it was never made, or it is gone with all it was. */
function absentStatus(base: ContainerStatus, previous: ContainerStatus | undefined, item: PodContainer, input: ContainerStatusesInput): ContainerStatus {
  if (previous?.state?.terminated) return { ...previous, ready: item.role === 'init' && previous.ready };
  const reason = (input.pod.spec.initContainers ?? []).length > 0 && item.role !== 'ephemeral' ? 'PodInitializing' : 'ContainerCreating';
  const lastState = keptLast(previous);
  if (previous?.state?.running) {
    const ended = lost('The container could not be located when the pod was deleted.  The container used to be Running');
    return { ...base, state: { waiting: { reason } }, lastState: lastState ?? ended, ...(!input.terminating && { restartCount: base.restartCount + (lastState ? 0 : 1) }) };
  }
  return { ...base, state: { waiting: { reason } }, ...(lastState && { lastState }) };
}

/** A container that is to be started again and cannot be yet is waiting; what it did before moves to its last state. */
function withWaiting(item: PodContainer, status: ContainerStatus, current: ObservedContainer | undefined, input: ContainerStatusesInput): ContainerStatus {
  if (input.terminating || current?.state === 'running') return status;
  if (current?.state === 'exited' && !restartsAfter(input.pod, item, current.exitCode)) return status;
  const waiting = input.waiting.get(item.container.name);
  if (!waiting) return status;
  return {
    ...status, ...(status.state?.terminated && { lastState: status.state }),
    state: { waiting: { reason: waiting.reason, ...(waiting.message && { message: waiting.message }) } },
  };
}
