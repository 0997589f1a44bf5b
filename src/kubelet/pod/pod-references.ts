import type { Pod } from '../../api/generated/core-v1.ts';
import { podContainers } from './pod-containers.ts';

/** `configmaps/NAMESPACE/NAME` and `secrets/NAMESPACE/NAME` of all that a pod refers to. */
export function podReferences(pod: Pod): ReadonlySet<string> {
  const found = new Set<string>();
  const { namespace } = pod.metadata;
  const add = (kind: 'configmaps' | 'secrets', name: string | undefined): void => {
    if (name) found.add(`${kind}/${namespace}/${name}`);
  };
  for (const { container } of podContainers(pod)) {
    for (const source of container.envFrom ?? []) {
      add('configmaps', source.configMapRef?.name);
      add('secrets', source.secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add('configmaps', valueFrom?.configMapKeyRef?.name);
      add('secrets', valueFrom?.secretKeyRef?.name);
    }
  }
  for (const volume of pod.spec.volumes ?? []) {
    add('configmaps', volume.configMap?.name);
    add('secrets', volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) {
      add('configmaps', source.configMap?.name);
      add('secrets', source.secret?.name);
    }
  }
  for (const { name } of pod.spec.imagePullSecrets ?? []) add('secrets', name);
  return found;
}
