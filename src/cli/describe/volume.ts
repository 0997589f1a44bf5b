import type { DownwardAPIVolumeFile, PersistentVolumeSpec, ProjectedVolumeSource, Volume } from '../../api/generated/core-v1.ts';
import { compareQuantities } from '../../api/quantity.ts';
import { describeClaimSpec } from './persistent-volume-claim.ts';
import type { DescribeWriter } from './writer.ts';

type Fields = readonly (readonly [name: string, value: unknown])[];

/** Volumes of a pod or of a template. Upstream: describe.go, describeVolumes. */
export function describeVolumes(out: DescribeWriter, volumes: readonly Volume[], template = false): void {
  const level = template ? 1 : 0;
  if (volumes.length === 0) return out.field(level, 'Volumes', '<none>');
  out.line(level, 'Volumes:');
  for (const volume of volumes) {
    out.line(1, `${template ? ' ' : ''}${volume.name}:`);
    describeSource(out, volume);
  }
}

function describeSource(out: DescribeWriter, volume: Volume): void {
  const { projected, downwardAPI, ephemeral, csi } = volume;
  const type = (text: string, fields: Fields = []): void => describeType(out, text, fields);
  if (projected) return describeProjected(out, projected);
  if (downwardAPI) {
    type('DownwardAPI (a volume populated by information about the pod)');
    out.line(2, 'Items:');
    for (const item of downwardAPI.items ?? []) out.line(3, itemText(item));
    return;
  }
  if (ephemeral) {
    type('EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)');
    if (ephemeral.volumeClaimTemplate) describeClaimSpec(out, 2, ephemeral.volumeClaimTemplate as never);
    return;
  }
  if (csi) {
    type('CSI (a Container Storage Interface (CSI) volume source)', [['Driver', csi.driver], ['FSType', csi.fsType ?? ''], ['ReadOnly', csi.readOnly === true]]);
    return describeAttributes(out, csi.volumeAttributes);
  }
  const { emptyDir, configMap, secret, hostPath, persistentVolumeClaim, nfs, image } = volume;
  if (emptyDir) {
    const limited = emptyDir.sizeLimit !== undefined && compareQuantities(emptyDir.sizeLimit, '0') > 0;
    type("EmptyDir (a temporary directory that shares a pod's lifetime)", [['Medium', emptyDir.medium ?? ''], ['SizeLimit', limited ? emptyDir.sizeLimit : '<unset>']]);
  } else if (configMap) {
    type('ConfigMap (a volume populated by a ConfigMap)', [['Name', configMap.name], ['Optional', configMap.optional === true]]);
  } else if (secret) {
    type('Secret (a volume populated by a Secret)', [['SecretName', secret.secretName], ['Optional', secret.optional === true]]);
  } else if (hostPath) {
    type(...hostPathText(hostPath));
  } else if (persistentVolumeClaim) {
    type('PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)', [['ClaimName', persistentVolumeClaim.claimName], ['ReadOnly', persistentVolumeClaim.readOnly === true]]);
  } else if (nfs) {
    type(...nfsText(nfs));
  } else if (image) {
    type('Image (a container image or OCI artifact)', [['Reference', image.reference], ['PullPolicy', image.pullPolicy]]);
  } else {
    out.line(1, '<unknown>');
  }
}

function describeType(out: DescribeWriter, type: string, fields: Fields): void {
  out.field(2, 'Type', type);
  for (const [name, value] of fields) out.field(2, name, String(value ?? ''));
}

const hostPathText = ({ path, type }: { readonly path: string; readonly type?: string }): [string, Fields] => ['HostPath (bare host directory volume)', [['Path', path], ['HostPathType', type ?? '<none>']]];
const nfsText = ({ server, path, readOnly }: { readonly server: string; readonly path: string; readonly readOnly?: boolean }): [string, Fields] =>
  ['NFS (an NFS mount that lasts the lifetime of a pod)', [['Server', server], ['Path', path], ['ReadOnly', readOnly === true]]];

const itemText = ({ fieldRef, resourceFieldRef, path }: DownwardAPIVolumeFile): string => `${fieldRef?.fieldPath ?? resourceFieldRef?.resource} -> ${path}`;

function describeProjected(out: DescribeWriter, { sources = [] }: ProjectedVolumeSource): void {
  describeType(out, 'Projected (a volume that contains injected data from multiple sources)', []);
  for (const { secret, downwardAPI, configMap, serviceAccountToken } of sources) {
    if (secret) {
      out.field(2, 'SecretName', secret.name ?? '');
      out.field(2, 'Optional', secret.optional === true);
    } else if (downwardAPI) {
      out.field(2, 'DownwardAPI', 'true');
    } else if (configMap) {
      out.field(2, 'ConfigMapName', configMap.name ?? '');
      out.field(2, 'Optional', configMap.optional === true);
    } else if (serviceAccountToken) {
      out.field(2, 'TokenExpirationSeconds', serviceAccountToken.expirationSeconds ?? 3600);
    }
  }
}

function describeAttributes(out: DescribeWriter, attributes: Readonly<Record<string, string>> | undefined): void {
  const cut = (text: string): string => (text.length > 140 ? `${text.slice(0, 140)}...` : text);
  const lines = Object.entries(attributes ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => cut(`${key}=${value}`));
  if (lines.length === 0) return out.field(2, 'VolumeAttributes', '<none>');
  lines.forEach((line, i) => out.line(2, i === 0 ? `VolumeAttributes:\t    ${line}` : `    ${'\t'}    ${line}`));
}

/** The source of a persistent volume. */
export function describePersistentSource(out: DescribeWriter, { hostPath, nfs, local, csi }: PersistentVolumeSpec): void {
  if (hostPath) {
    describeType(out, ...hostPathText(hostPath));
  } else if (nfs) {
    describeType(out, ...nfsText(nfs));
  } else if (local) {
    describeType(out, 'LocalVolume (a persistent volume backed by local storage on a node)', [['Path', local.path]]);
  } else if (csi) {
    describeType(out, 'CSI (a Container Storage Interface (CSI) volume source)', [['Driver', csi.driver], ['FSType', csi.fsType ?? ''], ['VolumeHandle', csi.volumeHandle], ['ReadOnly', csi.readOnly === true]]);
    describeAttributes(out, csi.volumeAttributes);
  } else {
    out.line(1, '<unknown>');
  }
}
