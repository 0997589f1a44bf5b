import type { Pod } from '../../api/generated/core-v1.ts';
import type { Log } from '../../base/log.ts';
import { isRuntimeError } from '../../cri/runtime.ts';
import type { WaitingReason } from './container-statuses.ts';
import { readContainer } from './launch.ts';
import { aboutPod } from './noted.ts';
import { currentContainer, observeSandbox, without, withContainer, withSandbox, type ObservedContainer, type ObservedSandbox, type PodObservation } from './observation.ts';
import { PodProbers } from './pod-probers.ts';
import { PodResize } from './pod-resize.ts';
import { PodVolumes } from './pod-volumes.ts';
import type { PodView } from './pod-view.ts';
import type { WorkerContext } from './worker-context.ts';

/** How long after a failure that nothing announces the end of (a missing secret, a failed sandbox) the next try comes. Upstream: backOffPeriod. */
export const RETRY_MS = 10_000;

/** What the parts of a pod's worker know together. Only the worker decides on it; the parts act. */
export class PodState implements PodView {
  readonly uid: string;
  readonly context: WorkerContext;
  readonly log: Log;
  pod: Pod;
  #observation: PodObservation;
  /** What was removed: a look begun before may still tell of it. */
  readonly #forgotten = new Set<string>();
  /** Counts the changes of the observation: what was read before the last one may be older than it. */
  changes = 0;
  readonly resize: PodResize;
  readonly probers: PodProbers;
  readonly volumes: PodVolumes;
  /** Why containers that should run do not. */
  readonly waiting = new Map<string, WaitingReason>();
  /** When to try again after a fault, in milliseconds since 1970, by container name; '' stands for the sandbox. */
  readonly retryAt = new Map<string, number>();
  /** How often containers have been started whose last one was removed, so that all begin anew. */
  readonly restarts = new Map<string, number>();
  /** Containers that were stopped for new resources: no crash. */
  readonly resized = new Set<string>();
  /** Aborted when nothing is to be started any more. */
  readonly starting = new AbortController();
  /** Aborted when the grace period of the termination is cut short. */
  readonly hurry = new AbortController();
  /** Something has changed that a decision may depend on. */
  readonly changed: () => void;

  constructor(pod: Pod, observation: PodObservation, context: WorkerContext, changed: () => void) {
    this.uid = pod.metadata.uid;
    this.pod = pod;
    this.#observation = observation;
    this.context = context;
    this.changed = changed;
    this.log = context.log.child(`${pod.metadata.namespace}/${pod.metadata.name}`);
    this.resize = new PodResize(pod);
    this.probers = new PodProbers(this);
    this.volumes = new PodVolumes(this);
  }

  get observation(): PodObservation {
    return this.#observation;
  }

  set observation(observation: PodObservation) {
    this.#observation = observation;
    this.changes++;
  }

  get graceSeconds(): number {
    return this.pod.metadata.deletionGracePeriodSeconds ?? this.pod.spec.terminationGracePeriodSeconds ?? 30;
  }

  get backoffPrefix(): string {
    return `${this.uid}_`;
  }

  /** Earliest time a container may be started again, for a fault or because it crashed. */
  notBeforeMs(name: string): number {
    const retry = this.retryAt.get(name) ?? 0;
    const current = currentContainer(this.observation, name);
    if (current?.state !== 'exited') return retry;
    return Math.max(retry, current.finishedMs + this.context.backoff.delayMs(this.backoffPrefix + name, current.finishedMs));
  }

  podIp(sandbox: ObservedSandbox | undefined = this.observation.sandboxes[0]): string {
    return this.pod.spec.hostNetwork ? this.context.hostIps[0] ?? '' : sandbox?.ips[0] ?? '';
  }

  /** What ended never runs again: news that says so was read earlier than what is known. */
  see(container: ObservedContainer): void {
    if (this.#forgotten.has(container.id)) return;
    if (container.state !== 'exited' && this.observation.containers.some((c) => c.id === container.id && c.state === 'exited')) return;
    const ran = this.observation.containers.find(({ id }) => id === container.id)?.state === 'running';
    this.observation = withContainer(this.observation, container);
    if (container.state !== 'exited') return;
    if (ran) {
      const { name, exitCode, reason, finishedMs, startedMs } = container;
      this.context.work.note({ work: 'exit', about: aboutPod(this.pod), by: 'kubelet', tookMs: Math.max(0, finishedMs - startedMs), facts: { container: name, code: exitCode, ...(reason && { reason }) } });
    }
    this.probers.end(container.id);
    this.resize.ended(container.id);
  }

  seeSandbox(sandbox: ObservedSandbox): void {
    if (sandbox.ready && this.observation.sandboxes.some((s) => s.id === sandbox.id && !s.ready)) return;
    this.observation = withSandbox(this.observation, sandbox);
  }

  forget(id: string): void {
    this.#forgotten.add(id);
    this.observation = without(this.observation, id);
  }

  /** Reads anew what the runtime says of a container or sandbox of this pod; what it no longer has is forgotten. */
  async look(id: string): Promise<void> {
    const { runtime } = this.context;
    const container = this.observation.containers.find((c) => c.id === id);
    try {
      if (container) this.see(await readContainer(await runtime.containerStatus(id), container.sandboxId, this.pod, this.context));
      else this.seeSandbox(observeSandbox(await runtime.podSandboxStatus(id)));
    } catch (error) {
      if (!isRuntimeError(error, 'NotFound')) throw error;
      this.forget(id);
    }
  }
}
