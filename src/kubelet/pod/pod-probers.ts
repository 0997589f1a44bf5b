import { ContainerProber, unprobed, type ContainerProbes, type ProbeKind } from '../probes/prober.ts';
import { containerReference } from './launch.ts';
import { findContainer } from './pod-containers.ts';
import type { PodView } from './pod-view.ts';

/** The probes of a pod's running containers, by container id. */
export class PodProbers implements Disposable {
  readonly #probers = new Map<string, ContainerProbes>();
  readonly #state: PodView;

  constructor(state: PodView) {
    this.#state = state;
  }

  get(id: string): ContainerProbes | undefined {
    return this.#probers.get(id);
  }

  /** Every running container has its probes, no other has. */
  keep(): void {
    const { pod, observation, context: { runtime, network, clock, recorder, probeCounts }, changed } = this.#state;
    const [sandbox] = observation.sandboxes;
    for (const running of observation.containers) {
      const item = findContainer(pod, running.name);
      if (running.state !== 'running' || this.#probers.has(running.id) || !sandbox || !item) continue;
      const { startupProbe, livenessProbe, readinessProbe } = item.container;
      if (!startupProbe && !livenessProbe && !readinessProbe) {
        this.#probers.set(running.id, unprobed);
        continue;
      }
      const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
      const before = [...containerStatuses, ...initContainerStatuses].find((s) => s.containerID === `containerd://${running.id}`);
      this.#probers.set(running.id, new ContainerProber({
        pod, container: item.container, containerId: running.id, podIp: this.#state.podIp(sandbox), startedMs: running.startedMs,
        ...(before?.state?.running && { before: { started: before.started ?? false, ready: before.ready } }),
      }, {
        runtime, network, clock, changed,
        count: ({ name: container }, kind, result) => probeCounts.add({ probe_type: kind, result, container, pod: pod.metadata.name, namespace: pod.metadata.namespace, pod_uid: pod.metadata.uid }),
        event: (_container, ...event) => recorder.event(containerReference(pod, item), ...event),
      }));
    }
  }

  stop(kinds: readonly ProbeKind[]): void {
    for (const prober of this.#probers.values()) prober.stop(kinds);
  }

  end(id: string): void {
    this.#probers.get(id)?.[Symbol.dispose]();
    this.#probers.delete(id);
  }

  [Symbol.dispose](): void {
    for (const id of this.#probers.keys()) this.end(id);
  }
}
