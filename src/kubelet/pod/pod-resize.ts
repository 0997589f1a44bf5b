import type { Pod, PodCondition, ResourceRequirements } from '../../api/generated/core-v1.ts';
import { compareQuantities } from '../../api/quantity.ts';
import { limitsWithin } from '../container/resources.ts';
import type { PodObservation } from './observation.ts';
import { findContainer, podContainers, type PodContainer } from './pod-containers.ts';
import type { DeferredResize } from './resize-order.ts';

export interface ResizeVerdict {
  /** `Deferred`: not now; `Infeasible`: never on this node. */
  readonly reason: 'Deferred' | 'Infeasible';
  readonly message: string;
}

type Condition = Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'>;

const SIZED = ['cpu', 'memory'];

function changed(a: ResourceRequirements, b: ResourceRequirements, name: string): boolean {
  return compareQuantities(a.requests?.[name], b.requests?.[name]) !== 0 || compareQuantities(a.limits?.[name], b.limits?.[name]) !== 0
    || (a.limits?.[name] === undefined) !== (b.limits?.[name] === undefined);
}

const same = (a: ResourceRequirements, b: ResourceRequirements): boolean => a === b || !SIZED.some((name) => changed(a, b, name));

/** What a running container was given, and the limits of its pod at that time, which are its own where it has none. */
interface Given {
  readonly own: ResourceRequirements;
  readonly pod: ResourceRequirements | undefined;
}

/**
 * CPU and memory of a pod and its running containers, in the three forms they have while they are being changed: asked for (the spec),
 * allocated (the node has agreed) and actual (the runtime has been told). Upstream: kubelet/allocation, in-place pod vertical scaling.
 */
export class PodResize {
  readonly #allocated = new Map<string, ResourceRequirements>();
  /** By container id. */
  readonly #actual = new Map<string, Given>();
  /** Of the pod as a whole, where it asks for any. */
  #podAllocated: ResourceRequirements | undefined;
  #podActual: ResourceRequirements | undefined;
  #refused: ResizeVerdict | undefined;
  /** Since when it has been deferred, in milliseconds since 1970. */
  #deferredSince: number | undefined;
  /** Why what was agreed to cannot be done now. */
  #fault: string | undefined;

  constructor(pod: Pod) {
    const { containerStatuses = [], initContainerStatuses = [], conditions } = pod.status ?? {};
    const told = conditions?.find(({ type, reason }) => type === 'PodResizePending' && reason === 'Deferred');
    if (told?.lastTransitionTime) this.#deferredSince = Date.parse(told.lastTransitionTime);
    this.#podAllocated = podLevelOf(pod);
    this.#podActual = this.#podAllocated;
    for (const { container } of resizable(pod)) {
      const status = [...containerStatuses, ...initContainerStatuses].find((s) => s.name === container.name);
      const running = status?.state?.running && status.containerID ? status.resources : undefined;
      this.#allocated.set(container.name, running ?? container.resources ?? {});
      if (running) this.#actual.set(status!.containerID!.replace(/^.*:\/\//, ''), { own: running, pod: this.#podActual });
    }
  }

  /** Whether the spec asks for other resources than are allocated. */
  asksForMore(pod: Pod): boolean {
    return !same(pod.spec.resources ?? {}, this.#podAllocated ?? {}) || resizable(pod).some(({ container }) => !same(container.resources ?? {}, this.#allocated.get(container.name) ?? {}));
  }

  accept(pod: Pod): void {
    this.withdraw();
    this.#fault = undefined;
    this.#podAllocated = pod.spec.resources;
    for (const { container } of resizable(pod)) this.#allocated.set(container.name, container.resources ?? {});
  }

  /** Answers whether this is news. */
  refuse(verdict: ResizeVerdict, nowMs: number): boolean {
    this.#deferredSince = verdict.reason === 'Deferred' ? this.#deferredSince ?? nowMs : undefined;
    const isNews = this.#refused?.reason !== verdict.reason || this.#refused.message !== verdict.message;
    this.#refused = verdict;
    return isNews;
  }

  /** Answers whether this is news. */
  fail(message: string): boolean {
    const isNews = this.#fault !== message;
    this.#fault = message;
    return isNews;
  }

  withdraw(): void {
    this.#refused = undefined;
    this.#deferredSince = undefined;
  }

  /** What the node could not give yet. */
  deferred(pod: Pod): DeferredResize | undefined {
    return this.#deferredSince === undefined ? undefined : { pod, allocated: this.allocatedPod(pod), sinceMs: this.#deferredSince };
  }

  /** The pod as it may be started: with what is allocated. */
  allocatedPod(pod: Pod): Pod {
    if (!this.asksForMore(pod)) return pod;
    const map = <C extends PodContainer['container']>(container: C): C => ({ ...container, resources: this.#allocated.get(container.name) ?? container.resources });
    return { ...pod, spec: { ...pod.spec, ...(this.#podAllocated && { resources: this.#podAllocated }), containers: pod.spec.containers.map(map), ...(pod.spec.initContainers && { initContainers: pod.spec.initContainers.map(map) }) } };
  }

  started(id: string, name: string): void {
    this.#fault = undefined;
    this.#actual.set(id, { own: this.#allocated.get(name) ?? {}, pod: this.#podAllocated });
  }

  /** The pod's own cgroup has what is allocated to it. */
  podStarted(): void {
    this.#fault = undefined;
    this.#podActual = this.#podAllocated;
  }

  /** Whether the pod's own cgroup is not yet as allocated. */
  get podPending(): boolean {
    return !same(this.#podActual ?? {}, this.#podAllocated ?? {});
  }

  /** The pod as its cgroup has it, for its status. */
  actualPod(pod: Pod): Pod {
    const allocated = this.allocatedPod(pod);
    return this.podPending ? { ...allocated, spec: { ...allocated.spec, ...(this.#podActual && { resources: this.#podActual }) } } : allocated;
  }

  ended(id: string): void {
    this.#actual.delete(id);
  }

  /** Running containers whose resources are not yet as allocated, and whether they must be restarted for it. */
  pending(pod: Pod, observation: PodObservation): readonly { readonly id: string; readonly name: string; readonly restart: boolean }[] {
    return observation.containers.flatMap(({ id, name, state }) => {
      const actual = this.#actual.get(id);
      const item = findContainer(pod, name);
      const allocated = this.#allocated.get(name);
      if (state !== 'running' || !actual || !item || !allocated) return [];
      const [before, after] = [limitsWithin(actual.pod, actual.own), limitsWithin(this.#podAllocated, allocated)];
      if (same(before, after)) return [];
      const restart = SIZED.some((resource) => changed(before, after, resource)
        && item.container.resizePolicy?.find((policy) => policy.resourceName === resource)?.restartPolicy === 'RestartContainer');
      return [{ id, name, restart }];
    });
  }

  resources(name: string, id: string | undefined): { readonly allocated: ResourceRequirements; readonly actual: ResourceRequirements } {
    const allocated = this.#allocated.get(name) ?? {};
    return { allocated, actual: (id === undefined ? undefined : this.#actual.get(id)?.own) ?? allocated };
  }

  conditions(pod: Pod, observation: PodObservation): readonly Condition[] {
    return [
      ...(this.#refused ? [{ type: 'PodResizePending', status: 'True', reason: this.#refused.reason, message: this.#refused.message }] : []),
      ...(this.podPending || this.pending(pod, observation).length > 0 ? [{ type: 'PodResizeInProgress', status: 'True', ...(this.#fault !== undefined && { reason: 'Error', message: this.#fault }) }] : []),
    ];
  }
}

/**
 * What was allocated to the pod as a whole, as a kubelet before this one has told it. With an overhead, which is added to what is told, it is taken for what the
 * spec says.
 */
function podLevelOf({ spec: { resources, overhead }, status }: Pod): ResourceRequirements | undefined {
  const told = status?.phase === 'Running' && !overhead ? status.resources : undefined;
  if (!resources || !told) return resources;
  const list = (field: 'requests' | 'limits') => resources[field] && Object.fromEntries(Object.entries(resources[field]).map(([name, amount]) => [name, SIZED.includes(name) ? told[field]?.[name] ?? amount : amount]));
  return { ...resources, ...(resources.requests && { requests: list('requests')! }), ...(resources.limits && { limits: list('limits')! }) };
}

/** Upstream: allocation.IsResizableContainer. */
function resizable(pod: Pod): readonly PodContainer[] {
  return podContainers(pod).filter(({ role }) => role !== 'ephemeral');
}

/** `Pod resize completed: {"containers":[…],"generation":2}`. Upstream: kubelet/events/resize.go. */
export function resizeMessage(pod: Pod, prefix: string, error?: string): string {
  const list = (role: PodContainer['role']) => podContainers(pod).filter((item) => item.role === role).map(({ container }) => ({ name: container.name, resources: container.resources ?? {} }));
  const init = list('init');
  return `${prefix}: ${JSON.stringify({ ...(init.length > 0 && { initContainers: init }), containers: list('regular'), generation: pod.metadata.generation ?? 0, ...(error && { error }) })}`;
}
