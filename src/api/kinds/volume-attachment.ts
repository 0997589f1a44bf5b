/** Upstream: pkg/registry/storage/volumeattachment/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { VolumeAttachment, VolumeAttachmentSpec } from '../generated/storage-v1.ts';
import { volumeAttachments } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { dnsSubdomain, driverName, immutable, type FieldErrors } from '../validation/fields.ts';
import { ageColumn, boolean, nameColumn, text } from './table-columns.ts';

export const volumeAttachment: KindDefinition<VolumeAttachment> = {
  returnsDeleted: true,
  resource: volumeAttachments,
  prepareForCreate: (object) => ({ ...object, status: { attached: false } }),
  validate: (object) => [...specErrors('spec', object.spec ?? {})],
  validateUpdate: (next, previous) => [...immutable('spec', next.spec, previous.spec)],
  generation: false,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    { ...text<VolumeAttachment>('Attacher', 'The driver that attaches.', ({ spec }) => spec.attacher), format: 'name' },
    text('PV', 'The volume.', ({ spec }) => spec.source.persistentVolumeName ?? ''),
    text('Node', 'The node.', ({ spec }) => spec.nodeName),
    boolean('Attached', 'Whether the volume is attached.', ({ status }) => status?.attached ?? false),
    ageColumn,
  ],
};

function* specErrors(path: string, { attacher, source, nodeName }: VolumeAttachmentSpec): FieldErrors {
  if (!attacher) yield fieldError.required(`${path}.attacher`);
  else yield* driverName(`${path}.attacher`, attacher);
  const { inlineVolumeSpec, persistentVolumeName } = source ?? {};
  const rule = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
  if (!inlineVolumeSpec && persistentVolumeName === undefined) yield fieldError.required(`${path}.source`, rule);
  else if (inlineVolumeSpec && persistentVolumeName !== undefined) yield fieldError.forbidden(`${path}.source`, rule);
  else if (persistentVolumeName === '') yield fieldError.required(`${path}.source.persistentVolumeName`, 'must specify non empty persistentVolumeName');
  if (persistentVolumeName !== undefined) yield* dnsSubdomain(`${path}.source.persistentVolumeName`, persistentVolumeName);
  yield* dnsSubdomain(`${path}.nodeName`, nodeName ?? '');
}
