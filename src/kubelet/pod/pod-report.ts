import type { PodStatus } from '../../api/generated/core-v1.ts';
import { finalizeStatus } from './finalize-status.ts';
import { containerReference } from './launch.ts';
import { currentContainer } from './observation.ts';
import type { PodActions } from './pod-actions.ts';
import { podTitle } from './pod-containers.ts';
import type { PodState } from './pod-state.ts';
import { podStatus, type PodFailure } from './pod-status.ts';
import { goDuration } from './restart-backoff.ts';
import { isOwn } from './status-patch.ts';

/** What the API is told of a pod: how it stands, why it was ended from here, and what its containers wait for. */
export class PodReport {
  /** The pod is ending: nothing will be started again. */
  terminating = false;
  #failure: PodFailure | undefined;
  /** Containers whose back-off has been told in an event. */
  readonly #toldBackoff = new Set<string>();
  readonly #state: PodState;

  constructor(state: PodState) {
    this.#state = state;
  }

  /** As last computed. */
  get status(): PodStatus | undefined {
    return this.#state.context.statuses.get(this.#state.uid) ?? this.#state.pod.status;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** From now on the pod's phase is Failed, for this reason, whatever its containers say. The first reason stays. */
  fail(failure: PodFailure): void {
    this.#failure ??= failure;
  }

  publish(): void {
    this.#state.context.statuses.set(this.#state.pod, this.#compute());
  }

  /** All has ended: the last word. */
  publishFinal(): void {
    this.#state.context.statuses.set(this.#state.pod, finalizeStatus(this.#state.pod, this.#compute()));
  }

  /** Containers that back off after a crash say so in their status and, once a crash, in an event. */
  explainDelays({ delayed }: Pick<PodActions, 'delayed'>): void {
    const { pod, observation, retryAt, waiting, backoffPrefix, context: { clock, backoff, recorder } } = this.#state;
    for (const { container: item } of delayed) {
      const { name } = item.container;
      const current = currentContainer(observation, name);
      if (current?.state !== 'exited' || (retryAt.get(name) ?? 0) > clock.now()) continue;
      const delay = goDuration(backoff.delayMs(backoffPrefix + name, current.finishedMs));
      waiting.set(name, { reason: 'CrashLoopBackOff', message: `back-off ${delay} restarting failed container=${name} pod=${podTitle(pod)}` });
      if (this.#toldBackoff.has(current.id)) continue;
      this.#toldBackoff.add(current.id);
      recorder.event(containerReference(pod, item), 'Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${podTitle(pod)}`);
    }
  }

  #compute(): PodStatus {
    const { uid, pod, observation, waiting, probers, resize, context: { clock, statuses, hostIps, features, devices } } = this.#state;
    const { terminating } = this;
    const previous = { ...pod.status, ...statuses.get(uid), ...(pod.status?.conditions && { conditions: this.#conditions() }) };
    const status = podStatus({
      pod, observation, previous, waiting, terminating, hostIps, nowMs: clock.now(), probe: (id) => probers.get(id) ?? { started: false, ready: false },
      recursiveReadOnly: features().recursiveReadOnly, resources: (name, id) => resize.resources(name, id), sized: { allocated: resize.allocatedPod(pod), actual: resize.actualPod(pod) }, resizeConditions: terminating ? [] : resize.conditions(pod, observation),
      ...(this.#failure && { failure: this.#failure }),
    });
    return devices && status.containerStatuses ? { ...status, containerStatuses: devices.withHealth(pod, status.containerStatuses) } : status;
  }

  /** Ours as last computed, others' as the API has them: a readiness gate may close as well as open. */
  #conditions(): NonNullable<PodStatus['conditions']> {
    const own = (this.#state.context.statuses.get(this.#state.uid)?.conditions ?? []).filter(isOwn);
    const api = this.#state.pod.status?.conditions ?? [];
    return [...api.map((c) => own.find((o) => o.type === c.type) ?? c), ...own.filter((o) => !api.some((c) => c.type === o.type))];
  }
}
