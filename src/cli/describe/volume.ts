import type { Volume } from '../../api/generated/core-v1.ts';
import type { DescribeWriter } from './writer.ts';

/** One volume of a pod. Upstream: describe.go, describeVolumes. */
export function describeVolume(out: DescribeWriter, volume: Volume): void {
  out.line(1, `${volume.name}:`);
  const type = (text: string): void => out.field(2, 'Type', text);
  if (volume.emptyDir) {
    type("EmptyDir (a temporary directory that shares a pod's lifetime)");
    out.field(2, 'Medium', volume.emptyDir.medium ?? '');
    out.field(2, 'SizeLimit', volume.emptyDir.sizeLimit ?? '<unset>');
  } else if (volume.configMap) {
    type('ConfigMap (a volume populated by a ConfigMap)');
    out.field(2, 'Name', volume.configMap.name ?? '');
    out.field(2, 'Optional', String(volume.configMap.optional === true));
  } else if (volume.secret) {
    type('Secret (a volume populated by a Secret)');
    out.field(2, 'SecretName', volume.secret.secretName ?? '');
    out.field(2, 'Optional', String(volume.secret.optional === true));
  } else if (volume.hostPath) {
    type('HostPath (bare host directory volume)');
    out.field(2, 'Path', volume.hostPath.path);
    out.field(2, 'HostPathType', volume.hostPath.type ?? '');
  } else if (volume.persistentVolumeClaim) {
    type('PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)');
    out.field(2, 'ClaimName', volume.persistentVolumeClaim.claimName);
    out.field(2, 'ReadOnly', String(volume.persistentVolumeClaim.readOnly === true));
  } else if (volume.downwardAPI) {
    type('DownwardAPI (a volume populated by information about the pod)');
    out.line(2, 'Items:');
    for (const item of volume.downwardAPI.items ?? []) out.line(3, `${item.fieldRef?.fieldPath ?? item.resourceFieldRef?.resource} -> ${item.path}`);
  } else if (volume.projected) {
    type('Projected (a volume that contains injected data from multiple sources)');
    for (const source of volume.projected.sources ?? []) {
      if (source.serviceAccountToken) out.field(2, 'TokenExpirationSeconds', String(source.serviceAccountToken.expirationSeconds ?? 3600));
      if (source.configMap) {
        out.field(2, 'ConfigMapName', source.configMap.name ?? '');
        out.field(2, 'Optional', String(source.configMap.optional === true));
      }
      if (source.secret) {
        out.field(2, 'SecretName', source.secret.name ?? '');
        out.field(2, 'Optional', String(source.secret.optional === true));
      }
      if (source.downwardAPI) out.field(2, 'DownwardAPI', 'true');
    }
  } else {
    type(Object.keys(volume).find((key) => key !== 'name') ?? '<unknown>');
  }
}
