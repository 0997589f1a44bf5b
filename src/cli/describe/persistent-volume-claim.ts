import type { PersistentVolumeClaim, Pod } from '../../api/generated/core-v1.ts';
import type { ObjectList } from '../../api/object.ts';
import { accessModes } from './access-modes.ts';
import type { DescribeContext } from './describe-context.ts';
import { rfc1123, since } from './times.ts';
import type { DescribeWriter } from './writer.ts';

/** Upstream: describe.go, describePersistentVolumeClaim. */
export async function describePersistentVolumeClaim(claim: PersistentVolumeClaim, { session, out, nowMs }: DescribeContext): Promise<void> {
  const { metadata, status } = claim;
  const { items } = await session.json<ObjectList<Pod>>(`/api/v1/namespaces/${metadata.namespace}/pods`);
  const users = items.filter((pod) => pod.spec.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === metadata.name) || metadata.ownerReferences?.some(({ kind, uid }) => kind === 'Pod' && uid === pod.metadata.uid));
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  describeClaimSpec(out, 0, claim, nowMs);
  out.lines(0, 'Used By', users.map((pod) => pod.metadata.name).toSorted());
  if (!status?.conditions?.length) return;
  out.line(0, 'Conditions:');
  out.line(1, 'Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage');
  out.line(1, '----\t------\t-----------------\t------------------\t------\t-------');
  for (const c of status.conditions) out.line(1, `${c.type} \t${c.status} \t${rfc1123(c.lastProbeTime)} \t${rfc1123(c.lastTransitionTime)} \t${c.reason ?? ''} \t${c.message ?? ''}`);
}

/** A claim, or (without `nowMs`) the template of one: that has no status. */
export function describeClaimSpec(out: DescribeWriter, level: number, claim: PersistentVolumeClaim, nowMs?: number): void {
  const { metadata, spec, status } = claim;
  out.field(level, 'StorageClass', claimClass(claim));
  if (nowMs !== undefined) out.field(level, 'Status', metadata.deletionTimestamp ? `Terminating (lasts ${since(metadata.deletionTimestamp, nowMs)})` : (status?.phase ?? ''));
  out.field(level, 'Volume', spec?.volumeName ?? '');
  out.map(level, 'Labels', metadata?.labels);
  out.annotations(level, 'Annotations', metadata?.annotations);
  if (nowMs !== undefined) out.field(level, 'Finalizers', `[${metadata.finalizers?.join(' ') ?? ''}]`);
  const bound = Boolean(spec?.volumeName);
  out.field(level, 'Capacity', bound ? (status?.capacity?.storage ?? '0') : '');
  out.field(level, 'Access Modes', bound ? accessModes(status?.accessModes) : '');
  out.present(level, 'VolumeMode', spec?.volumeMode);
  if (!spec?.dataSource) return;
  out.line(level, 'DataSource:');
  out.present(level + 1, 'APIGroup', spec.dataSource.apiGroup);
  out.field(level + 1, 'Kind', spec.dataSource.kind);
  out.field(level + 1, 'Name', spec.dataSource.name);
}

/** The class of the annotation of old, else of the spec. */
export function claimClass({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';
}
