import type { Pod } from '../../api/generated/core-v1.ts';
import { isRuntimeError } from '../../cri/runtime.ts';
import { runHook } from '../probes/run-probe.ts';
import { containerReference } from './launch.ts';
import type { ObservedContainer } from './observation.ts';
import { findContainer } from './pod-containers.ts';
import type { WorkerContext } from './worker-context.ts';

/** Upstream gives a container at least so many seconds between SIGTERM and SIGKILL, even when a preStop hook used up its time. */
const LEAST_GRACE_S = 2;

export interface Kill {
  readonly pod: Pod;
  readonly container: ObservedContainer;
  readonly podIp: string;
  /** Asked again after a preStop hook: it may have been cut short meanwhile. */
  readonly graceSeconds: () => number;
  /** For the Killing event. */
  readonly message: string;
  /** Ends the wait of a preStop hook: the grace period was cut short. */
  readonly hurry: AbortSignal;
}

/** Lets the pod's services send their clients elsewhere, runs the preStop hook, and stops the container; resolves when it has ended. Upstream: kuberuntime killContainer. */
export async function killContainer(kill: Kill, context: WorkerContext): Promise<void> {
  const { pod, container, message, hurry } = kill;
  const graceSeconds = kill.graceSeconds();
  const { runtime, clock, recorder, network } = context;
  const item = findContainer(pod, container.name);
  const started = clock.monotonic();
  if (item) recorder.event(containerReference(pod, item), 'Normal', 'Killing', message);
  // Side by side with the hook, so that it costs no time of its own where there is one.
  const drained = pod.metadata.deletionTimestamp !== undefined && graceSeconds > 0 ? context.drainPod?.(pod, hurry) : undefined;
  const preStop = item?.container.lifecycle?.preStop;
  if (item && preStop && graceSeconds > 0 && container.state === 'running') {
    const target = { pod, container: item.container, containerId: container.id, podIp: kill.podIp };
    const hook = runHook(preStop, target, runtime, network, (ms) => clock.sleep(ms, hurry)).catch((error: unknown) => {
      if (!hurry.aborted) recorder.event(containerReference(pod, item), 'Warning', 'FailedPreStopHook', 'PreStopHook failed');
      context.log.debug('a preStop hook failed', { pod: pod.metadata.name, container: container.name, error });
    });
    const limit = new AbortController();
    await Promise.race([hook, clock.sleep(graceSeconds * 1000, AbortSignal.any([hurry, limit.signal])).catch(() => undefined)]);
    limit.abort();
  }
  await drained;
  const grace = kill.graceSeconds();
  const left = Math.max(Math.min(LEAST_GRACE_S, grace), Math.round(grace - (clock.monotonic() - started) / 1000));
  try {
    await runtime.stopContainer(container.id, left);
  } catch (error) {
    if (!isRuntimeError(error, 'NotFound')) throw error;
  }
}
