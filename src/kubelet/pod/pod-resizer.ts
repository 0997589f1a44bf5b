import { linuxResources, podCgroupPath, podCgroupResources } from '../container/resources.ts';
import { findContainer } from './pod-containers.ts';
import { resizeMessage } from './pod-resize.ts';
import { RETRY_MS, type PodState } from './pod-state.ts';

/** Gives running containers new resources, where the node has them. */
export class PodResizer {
  /** Containers whose new resources the runtime is being told. */
  readonly #telling = new Set<string>();
  readonly #state: PodState;

  constructor(state: PodState) {
    this.#state = state;
  }

  /** Agrees to what the spec asks for or refuses it, and tells the runtime of what was agreed to. */
  consider(): void {
    const { pod, observation, resize, context: { recorder, resizeVerdict } } = this.#state;
    if (resize.asksForMore(pod)) {
      const refusal = resizeVerdict(pod);
      if (!refusal) {
        resize.accept(pod);
        recorder.event(pod, 'Normal', 'ResizeStarted', resizeMessage(pod, 'Pod resize started'));
      } else if (resize.refuse(refusal)) {
        recorder.event(pod, 'Warning', `Resize${refusal.reason}`, resizeMessage(pod, `Pod resize ${refusal.reason}`, refusal.message));
      }
    } else resize.withdraw();
    const pending = resize.pending(pod, observation);
    for (const { id, name, restart } of pending) if (!restart && !this.#telling.has(id)) void this.#tell(id, name);
    // Containers first: none may have more than the pod.
    if (resize.podPending && pending.length === 0) this.#tellPod();
  }

  #tellPod(): void {
    const { resize, context: { recorder, cgroupTree, sandbox: { cgroupRoot } } } = this.#state;
    const pod = resize.allocatedPod(this.#state.pod);
    try {
      cgroupTree?.setPod(podCgroupPath(pod, cgroupRoot), podCgroupResources(pod));
    } catch (error) {
      // The pod may use more memory than it is to have: it is tried again whenever there is news of it.
      return recorder.event(pod, 'Warning', 'ResizeError', resizeMessage(pod, 'Pod resize error', (error as Error).message));
    }
    resize.podStarted();
    if (!resize.asksForMore(this.#state.pod)) recorder.event(pod, 'Normal', 'ResizeCompleted', resizeMessage(pod, 'Pod resize completed'));
  }

  async #tell(id: string, name: string): Promise<void> {
    const { resize, context: { runtime, capacity, recorder, clock, cgroups, cgroupTree, sandbox: { cgroupRoot } }, starting, changed } = this.#state;
    const pod = resize.allocatedPod(this.#state.pod);
    this.#telling.add(id);
    const path = podCgroupPath(pod, cgroupRoot);
    const whole = podCgroupResources(pod);
    try {
      // The kernel lets no child have more than its parent: the pod's own limits come off while its containers' change.
      cgroupTree?.setPod(path, { ...(whole.cpuShares !== undefined && { cpuShares: whole.cpuShares }) });
      await runtime.updateContainerResources(id, linuxResources(pod, findContainer(pod, name)!.container, capacity.memoryBytes, cgroups.version));
      resize.started(id, name);
      cgroupTree?.setPod(path, whole);
      if (resize.pending(this.#state.pod, this.#state.observation).length > 0) return;
      resize.podStarted();
      recorder.event(pod, 'Normal', 'ResizeCompleted', resizeMessage(pod, 'Pod resize completed'));
    } catch (error) {
      recorder.event(pod, 'Warning', 'ResizeError', resizeMessage(pod, 'Pod resize error', (error as Error).message));
      await clock.sleep(RETRY_MS, starting.signal).catch(() => undefined);
    } finally {
      this.#telling.delete(id);
      changed();
    }
  }
}
