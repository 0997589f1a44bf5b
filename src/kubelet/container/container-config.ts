import type { Pod } from '../../api/generated/core-v1.ts';
import type { ContainerConfig, Device, Image, Mount, UserNamespace } from '../../cri/runtime.ts';
import type { PodCgroups } from './pod-cgroups.ts';
import { annotation, label } from '../pod/observation.ts';
import { containerHash, type AnyContainer } from '../pod/pod-containers.ts';
import { expand } from './expansion.ts';
import { linuxResources } from './resources.ts';
import { containerSecurityContext } from './security-context.ts';

export interface ContainerConfigInput {
  readonly pod: Pod;
  readonly container: AnyContainer;
  readonly restartCount: number;
  readonly image: Image;
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly devices?: readonly Device[];
  /** Names of devices that drivers have made ready. */
  readonly cdiDevices?: readonly string[];
  readonly memoryCapacity: number;
  readonly cgroupVersion: PodCgroups['version'];
  /** Where the pod has users of its own. */
  readonly userNamespace?: UserNamespace | undefined;
  /** Of the container an ephemeral one looks into. */
  readonly targetId?: string;
}

/** Upstream: kuberuntime generateContainerConfig. */
export function containerConfig(input: ContainerConfigInput): ContainerConfig {
  const { pod, container, restartCount, image, environment, devices, cdiDevices, userNamespace } = input;
  // What is of a user in a volume is of that user in the pod, whoever that is on the host.
  const mounts = userNamespace ? input.mounts.map((mount) => ({ ...mount, uidMappings: userNamespace.uids, gidMappings: userNamespace.gids })) : input.mounts;
  const expanded = (words: readonly string[] = []): string[] => words.map((word) => expand(word, environment));
  const { name, namespace, uid } = pod.metadata;
  const securityContext = containerSecurityContext(pod, container, image, input.targetId, userNamespace);
  return {
    metadata: { name: container.name, attempt: restartCount },
    // By its id: whatever a tag means meanwhile, this is the image that was made ready.
    image: { image: image.id, userSpecifiedImage: container.image ?? '' },
    command: expanded(container.command), args: expanded(container.args), workingDir: container.workingDir ?? '',
    envs: Object.entries(environment).map(([key, value]) => ({ key, value })),
    mounts, ...(devices?.length && { devices }), ...(cdiDevices?.length && { CDIDevices: cdiDevices.map((device) => ({ name: device })) }),
    labels: { [label.containerName]: container.name, [label.podName]: name, [label.podNamespace]: namespace, [label.podUid]: uid },
    annotations: {
      [annotation.hash]: containerHash(container), [annotation.restartCount]: String(restartCount),
      [annotation.terminationMessagePath]: container.terminationMessagePath ?? '/dev/termination-log',
      [annotation.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File',
      [annotation.terminationGracePeriod]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
      ...(container.ports?.length && { [annotation.ports]: JSON.stringify(container.ports) }),
    },
    logPath: `${container.name}/${restartCount}.log`,
    stdin: container.stdin ?? false, stdinOnce: container.stdinOnce ?? false, tty: container.tty ?? false,
    linux: { resources: linuxResources(pod, container, input.memoryCapacity, input.cgroupVersion), securityContext },
  };
}
