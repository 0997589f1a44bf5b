import type { Pod } from '../../api/generated/core-v1.ts';
import { isRuntimeError, type Container, type CriRuntime, type PodSandbox } from '../../cri/runtime.ts';
import { readContainer } from './launch.ts';
import { emptyObservation, observeSandbox, podUidOf, withContainer, withSandbox, type PodObservation } from './observation.ts';

/** All the runtime has of Kubernetes' pods, by pod uid: two list calls, and a status for each container and sandbox that matters. */
export async function relist(runtime: CriRuntime, podOf: (uid: string) => Pod | undefined, podDirectory: (uid: string) => string): Promise<ReadonlyMap<string, PodObservation>> {
  const [sandboxes, containers] = await Promise.all([runtime.listPodSandbox(), runtime.listContainers()]);
  const found = new Map<string, PodObservation>();
  const update = (uid: string, change: (observation: PodObservation) => PodObservation): void => void found.set(uid, change(found.get(uid) ?? emptyObservation));
  const gone = (error: unknown): void => {
    // Removed between the list and the look.
    if (!isRuntimeError(error, 'NotFound')) throw error;
  };
  const readSandbox = async (sandbox: PodSandbox): Promise<void> => {
    const uid = podUidOf(sandbox);
    if (!uid) return;
    const observed = observeSandbox(await runtime.podSandboxStatus(sandbox.id));
    update(uid, (o) => withSandbox(o, observed));
  };
  const readOne = async (container: Container): Promise<void> => {
    const uid = podUidOf(container);
    if (!uid) return;
    const status = await runtime.containerStatus(container.id);
    const observed = await readContainer(status, container.podSandboxId, podOf(uid) ?? unknownPod(uid), { podDirectory });
    update(uid, (o) => withContainer(o, observed));
  };
  await Promise.all([...sandboxes.map((s) => readSandbox(s).catch(gone)), ...containers.map((c) => readOne(c).catch(gone))]);
  return found;
}

/** Stands for a pod that the API no longer knows, just enough to stop and remove it. */
export function unknownPod(uid: string, labels: Readonly<Record<string, string>> = {}): Pod {
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: { uid, name: labels['io.kubernetes.pod.name'] ?? 'unknown', namespace: labels['io.kubernetes.pod.namespace'] ?? 'unknown', resourceVersion: '', creationTimestamp: '' },
    spec: { containers: [] },
  };
}
