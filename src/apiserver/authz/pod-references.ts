import type { Container, EphemeralContainer, Pod, Volume } from '../../api/generated/core-v1.ts';

export interface PodReferences {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly persistentVolumeClaims: ReadonlySet<string>;
  readonly resourceClaims: ReadonlySet<string>;
  readonly serviceAccount: string;
}

/** Names (in the pod's namespace) of all that a pod makes use of. Upstream: pkg/api/pod.VisitPodSecretNames, VisitPodConfigmapNames. */
export function podReferences(pod: Pod): PodReferences {
  const secrets = new Set<string>();
  const configMaps = new Set<string>();
  const claims = new Set<string>();
  const resourceClaims = new Set<string>();
  const add = (to: Set<string>, name: string | undefined): void => {
    if (name) to.add(name);
  };
  const { spec } = pod;
  for (const reference of spec.imagePullSecrets ?? []) add(secrets, reference.name);
  const containers: readonly (Container | EphemeralContainer)[] = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
  for (const container of containers) {
    for (const source of container.envFrom ?? []) {
      add(secrets, source.secretRef?.name);
      add(configMaps, source.configMapRef?.name);
    }
    for (const variable of container.env ?? []) {
      add(secrets, variable.valueFrom?.secretKeyRef?.name);
      add(configMaps, variable.valueFrom?.configMapKeyRef?.name);
    }
  }
  for (const volume of spec.volumes ?? []) {
    for (const name of volumeSecrets(volume)) add(secrets, name);
    add(configMaps, volume.configMap?.name);
    for (const source of volume.projected?.sources ?? []) add(configMaps, source.configMap?.name);
    add(claims, volume.persistentVolumeClaim?.claimName);
    if (volume.ephemeral) claims.add(`${pod.metadata.name}-${volume.name}`);
  }
  for (const claim of spec.resourceClaims ?? []) add(resourceClaims, claim.resourceClaimName);
  for (const status of pod.status?.resourceClaimStatuses ?? []) add(resourceClaims, status.resourceClaimName);
  add(resourceClaims, pod.status?.extendedResourceClaimStatus?.resourceClaimName);
  return { secrets, configMaps, persistentVolumeClaims: claims, resourceClaims, serviceAccount: spec.serviceAccountName ?? '' };
}

function volumeSecrets(volume: Volume): readonly (string | undefined)[] {
  return [
    volume.secret?.secretName, volume.azureFile?.secretName, volume.cephfs?.secretRef?.name, volume.cinder?.secretRef?.name, volume.flexVolume?.secretRef?.name,
    volume.rbd?.secretRef?.name, volume.scaleIO?.secretRef?.name, volume.iscsi?.secretRef?.name, volume.storageos?.secretRef?.name,
    volume.csi?.nodePublishSecretRef?.name, ...(volume.projected?.sources ?? []).map((source) => source.secret?.name),
  ];
}
