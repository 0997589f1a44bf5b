import { access } from 'node:fs/promises';
import type { ContainerStatus, Pod } from '../../api/generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { ObservedContainer, PodObservation } from '../pod/observation.ts';
import { findContainer } from '../pod/pod-containers.ts';
import { HttpFault } from './http-fault.ts';
import { readLog, type LogOptions } from './log-file.ts';

/** Reads the query of `/containerLogs`, the same as PodLogOptions'. */
export function logOptions(query: URLSearchParams, nowMs: number): LogOptions & { readonly previous: boolean } {
  const number = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0) throw new HttpFault(422, '{"message": "Invalid request."}');
    return value;
  };
  const flag = (name: string): boolean => ['true', '1'].includes(query.get(name) ?? '');
  const sinceSeconds = number('sinceSeconds');
  const sinceTime = query.get('sinceTime');
  const tailLines = query.get('tail') === 'all' ? undefined : number('tail') ?? number('tailLines');
  const limitBytes = number('limitBytes');
  const stream = query.get('stream') ?? 'All';
  if (stream !== 'All' && stream !== 'Stdout' && stream !== 'Stderr') throw new HttpFault(400, `invalid stream type "${stream}"`);
  const sinceMs = sinceSeconds !== undefined ? nowMs - sinceSeconds * 1000 : sinceTime ? Date.parse(sinceTime) : undefined;
  return {
    follow: flag('follow'), timestamps: flag('timestamps'), previous: flag('previous'), stream,
    ...(tailLines !== undefined && { tailLines }), ...(sinceMs !== undefined && { sinceMs }), ...(limitBytes !== undefined && { limitBytes }),
  };
}

/** Which of a container's incarnations the log is of. Throws, in upstream's words, where there is none. Upstream: kubelet validateContainerLogStatus. */
export function chooseContainer(pod: Pod, name: string, observation: PodObservation, previous: boolean): ObservedContainer {
  const podName = pod.metadata.name;
  if (!findContainer(pod, name)) throw new HttpFault(404, `container "${name}" not found in pod "${podName}"`);
  const all = observation.containers.filter((c) => c.name === name && c.startedMs > 0);
  const [latest] = all;
  if (previous) {
    // The status shows an ended container as the last one while its successor waits to be started.
    const status = statusOf(pod, name);
    const ended = status?.state?.waiting && latest?.state === 'exited' ? latest : all[1];
    if (!ended) throw new HttpFault(400, `previous terminated container "${name}" in pod "${podName}" not found`);
    return ended;
  }
  if (latest) return latest;
  const reason = statusOf(pod, name)?.state?.waiting?.reason ?? 'ContainerCreating';
  const cause = reason === 'ErrImagePull' ? "image can't be pulled" : reason === 'ImagePullBackOff' ? 'trying and failing to pull image' : reason;
  throw new HttpFault(400, `container "${name}" in pod "${podName}" is waiting to start: ${cause}`);
}

function statusOf(pod: Pod, name: string): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  return [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find((status) => status.name === name);
}

/** Resolves with the text of a container's log, once it is known that there is one. `observe` answers how the pod stands when asked. */
export async function containerLogs(
  pod: Pod, name: string, query: URLSearchParams, observe: () => PodObservation, clock: Clock, signal: AbortSignal,
): Promise<AsyncGenerator<Buffer>> {
  const { previous, ...options } = logOptions(query, clock.now());
  const container = chooseContainer(pod, name, observe(), previous);
  const running = (): boolean => observe().containers.some((c) => c.id === container.id && c.state === 'running');
  try {
    await access(container.logPath);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new HttpFault(400, `failed to try resolving symlinks in path "${container.logPath}": lstat ${container.logPath}: no such file or directory`);
    throw error;
  }
  return readLog(container.logPath, options, running, clock, signal);
}
