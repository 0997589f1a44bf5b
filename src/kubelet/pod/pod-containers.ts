import { createHash } from 'node:crypto';
import type { Container, ContainerRestartRule, EphemeralContainer, Pod } from '../../api/generated/core-v1.ts';
import type { ObservedContainer } from './observation.ts';

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

/** The first rule of a container that says what comes after `exitCode`. Upstream: podutil.FindMatchingContainerRestartRule. */
function restartRule({ container }: PodContainer, exitCode: number): ContainerRestartRule | undefined {
  return container.restartPolicyRules?.find(({ exitCodes }) => {
    const listed = exitCodes?.values?.includes(exitCode) ?? false;
    return exitCodes?.operator === 'NotIn' ? !listed : listed;
  });
}

/** Whether the end of one container can have all of the pod begin anew. */
export const mayRestartAll = (pod: Pod): boolean => podContainers(pod).some(({ container }) => container.restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'));

/** The container whose end has all of the pod begin anew, its initialization first. Upstream: kubecontainer.ShouldAllContainersRestart. */
export function restartTrigger(pod: Pod, containers: readonly ObservedContainer[]): ObservedContainer | undefined {
  if (!mayRestartAll(pod)) return undefined;
  return containers.find((observed) => {
    const item = observed.state === 'exited' ? findContainer(pod, observed.name) : undefined;
    return item && item.role !== 'ephemeral' && restartRule(item, observed.exitCode)?.action === 'RestartAllContainers';
  });
}

/** Whether a container that ended with `exitCode` is to be started again. Upstream: podutil.ContainerShouldRestart. */
export function restartsAfter(pod: Pod, item: PodContainer, exitCode: number): boolean {
  const { container, role } = item;
  if (role === 'ephemeral') return false;
  const rule = restartRule(item, exitCode);
  if (rule) return rule.action === 'Restart' || rule.action === 'RestartAllContainers';
  const policy = container.restartPolicy ?? (role === 'init' && pod.spec.restartPolicy === 'Always' ? 'OnFailure' : pod.spec.restartPolicy);
  if (policy === 'Never') return false;
  return policy === 'OnFailure' ? exitCode !== 0 : true;
}

/** `kubia_default(0c1d…)`, as upstream's messages name a pod. */
export const podTitle = (pod: Pod): string => `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
