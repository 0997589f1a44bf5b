/** Upstream: pkg/registry/core/persistentvolumeclaim/strategy.go, pkg/api/persistentvolumeclaim. */
import type { KindDefinition } from '../kind.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec, TypedLocalObjectReference } from '../generated/core-v1.ts';
import { persistentVolumeClaims } from '../generated/resources.ts';
import { milliValue } from '../quantity.ts';
import { claimErrors, claimStatusErrors, claimUpdateErrors } from '../validation/persistent-volume-claim.ts';
import { fill, fillAbsent, mapMember, without } from './fill.ts';
import { ageColumn, nameColumn, text, wide } from './table-columns.ts';

export const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

export const persistentVolumeClaim: KindDefinition<PersistentVolumeClaim> = {
  returnsDeleted: true,
  resource: persistentVolumeClaims,
  defaults: defaultClaim,
  prepareForCreate: (object) => ({ ...object, spec: withBothSources(object.spec), status: { phase: 'Pending' } }),
  prepareForUpdate: (next) => ({ ...next, spec: withBothSources(next.spec) }),
  validate: (object) => [...claimErrors('spec', object.spec)],
  validateUpdate: (next, previous) => [...claimUpdateErrors(next, previous)],
  validateStatusUpdate: (next) => [...claimStatusErrors(next)],
  warnings: ({ spec }) => (['requests', 'limits'] as const).flatMap((field) => {
    const amount = spec.resources?.[field]?.['storage'];
    return amount !== undefined && milliValue(amount) % 1000 !== 0 ? [`spec.resources.${field}[storage]: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`] : [];
  }),
  generation: false,
  columns: [
    nameColumn,
    text('Status', 'Whether the claim has its volume.', (object) => (object.metadata.deletionTimestamp === undefined ? (object.status?.phase ?? '') : 'Terminating')),
    text('Volume', 'The volume that is bound to the claim.', (object) => object.spec.volumeName ?? ''),
    text('Capacity', 'The size of the volume.', (object) => (object.spec.volumeName ? (object.status?.capacity?.['storage'] ?? '0') : '')),
    text('Access Modes', 'How the volume may be mounted.', (object) => (object.spec.volumeName ? accessModesText(object.status?.accessModes) : '')),
    text('StorageClass', 'The class of storage that was asked for.', (object) => object.metadata.annotations?.[classAnnotation] ?? object.spec.storageClassName ?? ''),
    text('VolumeAttributesClass', 'The class of attributes that was asked for.', (object) => object.spec.volumeAttributesClassName ?? '<unset>'),
    ageColumn,
    wide(text('VolumeMode', 'File system or block device.', (object) => object.spec.volumeMode ?? '<unset>')),
  ],
};

export function defaultClaim(object: PersistentVolumeClaim): PersistentVolumeClaim {
  const next = fill(mapMember(object, 'spec', (spec) => fillAbsent(spec, { volumeMode: 'Filesystem', resources: {} })), { status: { phase: 'Pending' } });
  return mapMember(next, 'status', (status) => fill(status, { phase: 'Pending' }));
}

const isCloneable = ({ apiGroup = '', kind }: TypedLocalObjectReference): boolean =>
  (apiGroup === '' && kind === 'PersistentVolumeClaim') || (apiGroup === 'snapshot.storage.k8s.io' && kind === 'VolumeSnapshot');

/** `dataSource` and `dataSourceRef` say the same as far as the former can; who writes one of them means both. */
function withBothSources(spec: PersistentVolumeClaimSpec): PersistentVolumeClaimSpec {
  const { dataSource: given, dataSourceRef } = spec;
  // Of what else it may name, nothing is made: it goes without a word. Upstream: DropDisabledFields.
  if (given && !dataSourceRef && !isCloneable(given)) return withBothSources(without(spec, 'dataSource'));
  const dataSource = given;
  if (dataSource && !dataSourceRef) return { ...spec, dataSourceRef: dataSource };
  if (!dataSourceRef || dataSource || dataSourceRef.namespace) return spec;
  const { apiGroup, kind, name } = dataSourceRef;
  return { ...spec, dataSource: { ...(apiGroup !== undefined && { apiGroup }), kind, name } };
}

const shortModes: Readonly<Record<string, string>> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' };

/** `RWO,ROX`, in upstream's order. */
export function accessModesText(modes: readonly string[] | undefined): string {
  return Object.entries(shortModes).filter(([mode]) => modes?.includes(mode)).map(([, short]) => short).join(',');
}
