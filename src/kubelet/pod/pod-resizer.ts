import type { Pod } from '../../api/generated/core-v1.ts';
import { quantityValue } from '../../api/quantity.ts';
import { linuxResources, podCgroupPath, podCgroupResources } from '../container/resources.ts';
import { currentContainer } from './observation.ts';
import { findContainer } from './pod-containers.ts';
import { resizeMessage } from './pod-resize.ts';
import { RETRY_MS, type PodState } from './pod-state.ts';
import { resizeDirections } from './resize-order.ts';

/** Gives running containers new resources, where the node has them. */
export class PodResizer {
  /** Containers whose new resources the runtime is being told. */
  readonly #telling = new Set<string>();
  /** Containers that were to begin anew for their resources, by name, with the id that each had. */
  readonly #renewed = new Map<string, string>();
  /** Whether the pod's own limits are off while its containers' change. */
  #loose = false;
  readonly #state: PodState;

  constructor(state: PodState) {
    this.#state = state;
  }

  /** Agrees to what the spec asks for or refuses it, and tells the runtime of what was agreed to. */
  consider(): void {
    const { pod, observation, resize, context: { recorder, clock, resizeVerdict, roomFreed } } = this.#state;
    if (resize.asksForMore(pod)) {
      const refusal = resizeVerdict(pod);
      if (!refusal) {
        const { shrinks } = resizeDirections({ pod, allocated: resize.allocatedPod(pod) });
        resize.accept(pod);
        recorder.event(pod, 'Normal', 'ResizeStarted', resizeMessage(pod, 'Pod resize started'));
        if (shrinks) roomFreed();
      } else if (resize.refuse(refusal, clock.now())) {
        recorder.event(pod, 'Warning', `Resize${refusal.reason}`, resizeMessage(pod, `Pod resize ${refusal.reason}`, refusal.message));
      }
    } else resize.withdraw();
    const pending = resize.pending(pod, observation);
    if (resize.podPending && this.#refusesPod()) return;
    for (const { id, name, restart } of pending) if (restart) this.#renewed.set(name, id);
    if (this.#renewed.size > 0) this.#loosen();
    for (const { id, name, restart } of pending) if (!restart && !this.#telling.has(id)) void this.#tell(id, name);
    // Containers first: none may have more than the pod.
    if ((resize.podPending || this.#loose) && pending.length === 0 && !this.#awaitsStart()) this.#tellPod();
  }

  /** The kernel lets no child have more than its parent: the pod's own limits come off while its containers' change. */
  #loosen(): void {
    const { resize, context: { cgroupTree, sandbox: { cgroupRoot } } } = this.#state;
    const pod = resize.allocatedPod(this.#state.pod);
    const { cpuShares } = podCgroupResources(pod);
    cgroupTree?.setPod(podCgroupPath(pod, cgroupRoot), { ...(cpuShares !== undefined && { cpuShares }) });
    this.#loose = true;
  }

  /** Whether a container that was stopped to begin anew has not begun yet. */
  #awaitsStart(): boolean {
    for (const [name, id] of this.#renewed) {
      const now = currentContainer(this.#state.observation, name);
      if (now && now.id !== id && now.state !== 'created') this.#renewed.delete(name);
    }
    return this.#renewed.size > 0;
  }

  /** Whether the pod uses more memory already than it would have: the kernel would end some of it. Upstream: kuberuntime validateMemoryResizeAction. */
  #refusesPod(): boolean {
    const { resize, context: { cgroupTree, sandbox: { cgroupRoot } } } = this.#state;
    const pod = resize.allocatedPod(this.#state.pod);
    const limit = podCgroupResources(pod).memoryLimitInBytes ?? 0;
    const before = podCgroupResources(resize.actualPod(this.#state.pod)).memoryLimitInBytes ?? 0;
    if (limit === 0 || (before !== 0 && limit >= before)) return false;
    const usage = cgroupTree?.memoryUsage(podCgroupPath(pod, cgroupRoot)) ?? 0;
    if (usage < limit) return false;
    this.#fail(`attempting to set pod memory limit (${limit}) below current usage (${usage})`);
    return true;
  }

  /** The same for a container. */
  async #checkUsage(id: string, name: string, limit: number): Promise<void> {
    const { resize, context: { runtime } } = this.#state;
    const before = quantityValue(resize.resources(name, id).actual.limits?.['memory']);
    if (limit === 0 || (before !== 0 && limit >= before)) return;
    const usage = (await runtime.containerStats(id)).memory?.usageBytes?.value ?? 0;
    if (usage >= limit) throw new Error(`attempting to set container ${JSON.stringify(name)} memory limit (${limit}) below current usage (${usage})`);
  }

  /** Told in the pod's condition, and as an event where it is news. */
  #fail(message: string): void {
    const { pod, resize, context: { recorder } } = this.#state;
    if (resize.fail(message)) recorder.event(pod, 'Warning', 'ResizeError', resizeMessage(pod, 'Pod resize error', message));
  }

  /** Gives the pod's own cgroup what is allocated to it. */
  #tighten(pod: Pod): void {
    const { resize, context: { cgroupTree, sandbox: { cgroupRoot } } } = this.#state;
    cgroupTree?.setPod(podCgroupPath(pod, cgroupRoot), podCgroupResources(pod));
    this.#loose = false;
    resize.podStarted();
  }

  #tellPod(): void {
    const { resize, context: { recorder } } = this.#state;
    const pod = resize.allocatedPod(this.#state.pod);
    try {
      this.#tighten(pod);
    } catch (error) {
      // The pod may use more memory than it is to have: it is tried again whenever there is news of it.
      return this.#fail((error as Error).message);
    }
    if (!resize.asksForMore(this.#state.pod)) recorder.event(pod, 'Normal', 'ResizeCompleted', resizeMessage(pod, 'Pod resize completed'));
  }

  async #tell(id: string, name: string): Promise<void> {
    const { resize, context: { runtime, capacity, recorder, clock, cgroups }, starting, changed } = this.#state;
    const pod = resize.allocatedPod(this.#state.pod);
    this.#telling.add(id);
    try {
      const resources = linuxResources(pod, findContainer(pod, name)!.container, capacity.memoryBytes, cgroups.version);
      await this.#checkUsage(id, name, resources.memoryLimitInBytes ?? 0);
      this.#loosen();
      await runtime.updateContainerResources(id, resources);
      resize.started(id, name);
      if (resize.pending(this.#state.pod, this.#state.observation).length > 0 || this.#awaitsStart()) return;
      this.#tighten(pod);
      recorder.event(pod, 'Normal', 'ResizeCompleted', resizeMessage(pod, 'Pod resize completed'));
    } catch (error) {
      this.#fail((error as Error).message);
      changed();
      await clock.sleep(RETRY_MS, starting.signal).catch(() => undefined);
    } finally {
      this.#telling.delete(id);
      changed();
    }
  }
}
