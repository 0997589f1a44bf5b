import type { StorageClass } from '../../api/generated/storage-v1.ts';
import { formatLabels } from '../../api/selector.ts';
import type { DescribeContext } from './describe-context.ts';

/** Upstream: describe.go, describeStorageClass. */
export function describeStorageClass({ metadata, provisioner, parameters, allowVolumeExpansion, mountOptions = [], reclaimPolicy, volumeBindingMode, allowedTopologies }: StorageClass, { out }: DescribeContext): void {
  const isDefault = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'].some((key) => metadata.annotations?.[key] === 'true');
  out.field(0, 'Name', metadata.name);
  out.field(0, 'IsDefaultClass', isDefault ? 'Yes' : 'No');
  out.field(0, 'Annotations', formatLabels(metadata.annotations));
  out.field(0, 'Provisioner', provisioner);
  out.field(0, 'Parameters', formatLabels(parameters));
  out.field(0, 'AllowVolumeExpansion', allowVolumeExpansion === undefined ? '<unset>' : allowVolumeExpansion ? 'True' : 'False');
  out.line(0, mountOptions.length > 0 ? 'MountOptions:' : 'MountOptions:\t<none>');
  for (const option of mountOptions) out.line(1, option);
  out.present(0, 'ReclaimPolicy', reclaimPolicy);
  out.present(0, 'VolumeBindingMode', volumeBindingMode);
  if (!allowedTopologies) return;
  out.field(0, 'AllowedTopologies', allowedTopologies.length > 0 ? '' : '<none>');
  allowedTopologies.forEach(({ matchLabelExpressions = [] }, i) => out.lines(1, `Term ${i}`, matchLabelExpressions.map(({ key, values }) => `${key} in${values.length > 0 ? ` [${values.join(', ')}]` : ''}`)));
}
