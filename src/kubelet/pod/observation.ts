import type { Container, ContainerStatus, NamespaceOption, PodSandboxStatus } from '../../cri/runtime.ts';

/** What the runtime says of a pod, newest first. The kubelet's only memory of containers besides it is what the API holds. */
export interface PodObservation {
  readonly sandboxes: readonly ObservedSandbox[];
  readonly containers: readonly ObservedContainer[];
}

export interface ObservedSandbox {
  readonly id: string;
  readonly attempt: number;
  readonly ready: boolean;
  /** Empty on the host network. */
  readonly ips: readonly string[];
  readonly createdMs: number;
  readonly hostNetwork: boolean;
}

export interface ObservedContainer {
  readonly id: string;
  readonly name: string;
  readonly sandboxId: string;
  readonly restartCount: number;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  readonly createdMs: number;
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly image: string;
  readonly imageRef: string;
  readonly hash: string;
  readonly logPath: string;
  readonly user?: { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] };
}

export const emptyObservation: PodObservation = { sandboxes: [], containers: [] };

/** Labels and annotations by which a container is known again after a restart. Upstream: kubelet/types/labels.go, kuberuntime/labels.go. */
export const label = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const;

export const annotation = {
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  ports: 'io.kubernetes.container.ports',
  terminationGracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
} as const;

const STATES = { CONTAINER_CREATED: 'created', CONTAINER_RUNNING: 'running', CONTAINER_EXITED: 'exited', CONTAINER_UNKNOWN: 'unknown' } as const;
const milliseconds = (nanoseconds: number): number => Math.floor(nanoseconds / 1e6);

export function observeSandbox(status: PodSandboxStatus): ObservedSandbox {
  const options: NamespaceOption | null = status.linux?.namespaces?.options ?? null;
  const ips = status.network?.ip ? [status.network.ip, ...status.network.additionalIps.map((a) => a.ip)] : [];
  return {
    id: status.id, attempt: status.metadata.attempt, ready: status.state === 'SANDBOX_READY', ips, createdMs: milliseconds(status.createdAt),
    hostNetwork: options?.network === 'NODE',
  };
}

/** `message` is the termination message, read by the caller: the runtime does not know it. */
export function observeContainer(status: ContainerStatus, sandboxId: string, message = status.message): ObservedContainer {
  const user = status.user?.linux;
  return {
    id: status.id, name: status.metadata.name, sandboxId, restartCount: Number(status.annotations[annotation.restartCount] ?? status.metadata.attempt),
    state: STATES[status.state], createdMs: milliseconds(status.createdAt), startedMs: milliseconds(status.startedAt), finishedMs: milliseconds(status.finishedAt),
    exitCode: status.exitCode, reason: status.reason, message, image: status.image.image, imageRef: status.imageRef, hash: status.annotations[annotation.hash] ?? '',
    logPath: status.logPath, ...(user && { user }),
  };
}

/** Newest first; the newest of a name is its current container. */
export function withContainer(observation: PodObservation, container: ObservedContainer): PodObservation {
  const others = observation.containers.filter((c) => c.id !== container.id);
  return { ...observation, containers: [container, ...others].sort((a, b) => b.createdMs - a.createdMs || b.restartCount - a.restartCount) };
}

export function withSandbox(observation: PodObservation, sandbox: ObservedSandbox): PodObservation {
  const others = observation.sandboxes.filter((s) => s.id !== sandbox.id);
  return { ...observation, sandboxes: [sandbox, ...others].sort((a, b) => b.createdMs - a.createdMs || b.attempt - a.attempt) };
}

export function without(observation: PodObservation, id: string): PodObservation {
  return { sandboxes: observation.sandboxes.filter((s) => s.id !== id), containers: observation.containers.filter((c) => c.id !== id) };
}

export function currentContainer(observation: PodObservation, name: string): ObservedContainer | undefined {
  return observation.containers.find((c) => c.name === name);
}

/** Whether a listed container or sandbox is a pod's of ours, and which. */
export function podUidOf(item: Pick<Container, 'labels'>): string | undefined {
  return item.labels[label.podUid];
}
