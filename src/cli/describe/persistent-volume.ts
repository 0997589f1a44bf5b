import type { PersistentVolume } from '../../api/generated/core-v1.ts';
import { accessModes } from './access-modes.ts';
import type { DescribeContext } from './describe-context.ts';
import { since } from './times.ts';
import { describePersistentSource } from './volume.ts';
import type { DescribeWriter } from './writer.ts';

/** Upstream: describe.go, describePersistentVolume. */
export function describePersistentVolume({ metadata, spec, status }: PersistentVolume, { out, nowMs }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.field(0, 'Finalizers', `[${metadata.finalizers?.join(' ') ?? ''}]`);
  out.field(0, 'StorageClass', metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '');
  out.field(0, 'Status', metadata.deletionTimestamp ? `Terminating (lasts ${since(metadata.deletionTimestamp, nowMs)})` : (status?.phase ?? ''));
  out.field(0, 'Claim', spec?.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : '');
  out.field(0, 'Reclaim Policy', spec?.persistentVolumeReclaimPolicy ?? '');
  out.field(0, 'Access Modes', accessModes(spec?.accessModes));
  out.present(0, 'VolumeMode', spec?.volumeMode);
  out.field(0, 'Capacity', spec?.capacity?.storage ?? '0');
  describeNodeAffinity(out, spec?.nodeAffinity);
  out.field(0, 'Message', status?.message ?? '');
  out.line(0, 'Source:');
  describePersistentSource(out, spec ?? {});
}

function describeNodeAffinity(out: DescribeWriter, affinity: NonNullable<PersistentVolume['spec']>['nodeAffinity']): void {
  const terms = affinity?.required?.nodeSelectorTerms;
  if (!terms) return out.field(0, 'Node Affinity', '<none>');
  out.field(0, 'Node Affinity', '');
  if (terms.length === 0) return out.field(1, 'Required Terms', '<none>');
  out.field(1, 'Required Terms', '');
  terms.forEach(({ matchExpressions = [] }, i) =>
    out.lines(2, `Term ${i}`, matchExpressions.map(({ key, operator, values = [] }) => `${key} ${operator.toLowerCase()}${values.length > 0 ? ` [${values.join(', ')}]` : ''}`)));
}
