/** Upstream: pkg/registry/core/persistentvolume/strategy.go. */
import { rfc3339 } from '../../base/clock.ts';
import type { KindDefinition } from '../kind.ts';
import type { PersistentVolume, PersistentVolumeSpec, PersistentVolumeStatus } from '../generated/core-v1.ts';
import { persistentVolumes } from '../generated/resources.ts';
import { persistentVolumeErrors, persistentVolumeUpdateErrors } from '../validation/persistent-volume.ts';
import { fill, fillAbsent, mapMember } from './fill.ts';
import { accessModesText, classAnnotation } from './persistent-volume-claim.ts';
import { ageColumn, nameColumn, text, wide } from './table-columns.ts';

export const persistentVolume: KindDefinition<PersistentVolume> = {
  returnsDeleted: true,
  resource: persistentVolumes,
  defaults: (object) => mapMember(object, 'spec', defaultSpec),
  prepareForCreate: (object, { nowMs }) => ({ ...object, status: { phase: 'Pending', lastPhaseTransitionTime: rfc3339(nowMs) } }),
  prepareForStatusUpdate: (next, previous, { nowMs }) => mapMember(next, 'status', (status) => withPhaseTime(status, previous.status, rfc3339(nowMs))),
  validate: (object) => [...persistentVolumeErrors('spec', object.spec)],
  validateUpdate: (next, previous) => [...persistentVolumeUpdateErrors(next.spec, previous.spec)],
  warnings: ({ spec }) => [
    ...(spec.persistentVolumeReclaimPolicy === 'Recycle' ? ['spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.'] : []),
    ...Object.entries(removedPlugins).filter(([field]) => spec[field as keyof PersistentVolumeSpec] !== undefined).map(([field, text]) => `spec.${field}: ${text}`),
  ],
  generation: false,
  columns: [
    nameColumn,
    text('Capacity', 'The size of the volume.', (object) => object.spec.capacity?.['storage'] ?? '0'),
    text('Access Modes', 'How the volume may be mounted.', (object) => accessModesText(object.spec.accessModes)),
    text('Reclaim Policy', 'What becomes of the volume when its claim is gone.', (object) => object.spec.persistentVolumeReclaimPolicy ?? ''),
    text('Status', 'Whether the volume is free, bound or released.', (object) => (object.metadata.deletionTimestamp === undefined ? (object.status?.phase ?? '') : 'Terminating')),
    text('Claim', 'The claim that has the volume.', ({ spec }) => (spec.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : '')),
    text('StorageClass', 'The class of storage that the volume is of.', (object) => object.metadata.annotations?.[classAnnotation] ?? object.spec.storageClassName ?? ''),
    text('VolumeAttributesClass', 'The class of attributes of the volume.', (object) => object.spec.volumeAttributesClassName ?? '<unset>'),
    text('Reason', 'Why the volume is in its state.', (object) => object.status?.reason ?? ''),
    ageColumn,
    wide(text('VolumeMode', 'File system or block device.', (object) => object.spec.volumeMode ?? '<unset>')),
  ],
};

const removedPlugins: { readonly [K in keyof PersistentVolumeSpec]?: string } = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};

function defaultSpec(spec: PersistentVolumeSpec): PersistentVolumeSpec {
  const next = fillAbsent(fill(spec, { persistentVolumeReclaimPolicy: 'Retain' }), { volumeMode: 'Filesystem' });
  return mapMember(next, 'hostPath', (source) => (source.type === undefined ? { ...source, type: '' } : source));
}

/** The time of the last change of the phase, unless the writer set another. */
function withPhaseTime(status: PersistentVolumeStatus, previous: PersistentVolumeStatus | undefined, now: string): PersistentVolumeStatus {
  const { lastPhaseTransitionTime: given } = status;
  const before = previous?.lastPhaseTransitionTime;
  if (status.phase !== previous?.phase) return given === undefined || given === before ? { ...status, lastPhaseTransitionTime: now } : status;
  return given === undefined && before !== undefined ? { ...status, lastPhaseTransitionTime: before } : status;
}
