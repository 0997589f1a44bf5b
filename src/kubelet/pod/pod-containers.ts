import { createHash } from 'node:crypto';
import type { Container, EphemeralContainer, Pod } from '../../api/generated/core-v1.ts';

export type ContainerRole = 'init' | 'regular' | 'ephemeral';
export type AnyContainer = Container | EphemeralContainer;

export interface PodContainer {
  readonly container: AnyContainer;
  readonly role: ContainerRole;
}

export function podContainers(pod: Pod): readonly PodContainer[] {
  const { initContainers = [], containers, ephemeralContainers = [] } = pod.spec;
  return [
    ...initContainers.map((container) => ({ container, role: 'init' as const })),
    ...containers.map((container) => ({ container, role: 'regular' as const })),
    ...ephemeralContainers.map((container) => ({ container, role: 'ephemeral' as const })),
  ];
}

export function findContainer(pod: Pod, name: string): PodContainer | undefined {
  return podContainers(pod).find(({ container }) => container.name === name);
}

/** An init container that goes on running beside the others. */
export const isSidecar = ({ container, role }: PodContainer): boolean => role === 'init' && container.restartPolicy === 'Always';

/** Only these may change while a container lives, so only these tell whether it is still the one asked for. Upstream: pickFieldsToHash. */
export function containerHash(container: AnyContainer): string {
  return createHash('sha256').update(`${container.name}\0${container.image ?? ''}`).digest('hex').slice(0, 8);
}

/** Whether a container that ended with `exitCode` is to be started again. Upstream: podutil.ContainerShouldRestart. */
export function restartsAfter(pod: Pod, { container, role }: PodContainer, exitCode: number): boolean {
  if (role === 'ephemeral') return false;
  const rule = container.restartPolicyRules?.find(({ exitCodes }) => {
    const listed = exitCodes?.values?.includes(exitCode) ?? false;
    return exitCodes?.operator === 'NotIn' ? !listed : listed;
  });
  if (rule) return rule.action === 'Restart' || rule.action === 'RestartAllContainers';
  const policy = container.restartPolicy ?? (role === 'init' && pod.spec.restartPolicy === 'Always' ? 'OnFailure' : pod.spec.restartPolicy);
  if (policy === 'Never') return false;
  return policy === 'OnFailure' ? exitCode !== 0 : true;
}

/** `kubia_default(0c1d…)`, as upstream's messages name a pod. */
export const podTitle = (pod: Pod): string => `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
