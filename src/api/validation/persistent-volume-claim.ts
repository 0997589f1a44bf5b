/** Upstream: ValidatePersistentVolumeClaim, ValidatePersistentVolumeClaimUpdate. */
import { fieldError } from '../errors.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../generated/core-v1.ts';
import { compareQuantities, quantitySign } from '../quantity.ts';
import { dnsLabel, dnsSubdomain, immutable, labelSelector, oneOfIfAny, type FieldErrors } from './fields.ts';
import { isSame } from './same.ts';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'] as const;
const classAnnotation = 'volume.beta.kubernetes.io/storage-class';

/** The spec of a claim or of a claim template. */
export function* claimErrors(path: string, spec: PersistentVolumeClaimSpec): FieldErrors {
  if (!spec.accessModes?.length) yield fieldError.required(`${path}.accessModes`, 'at least 1 access mode is required');
  yield* labelSelector(`${path}.selector`, spec.selector);
  yield* accessModeErrors(`${path}.accessModes`, spec.accessModes ?? []);
  const size = spec.resources?.requests?.['storage'];
  if (size === undefined) yield fieldError.required(`${path}.resources[storage]`);
  else if (quantitySign(size) <= 0) yield fieldError.invalid(`${path}.resources[storage]`, size, 'must be greater than zero');
  if (spec.storageClassName) yield* dnsSubdomain(`${path}.storageClassName`, spec.storageClassName);
  yield* oneOfIfAny(`${path}.volumeMode`, spec.volumeMode, ['Block', 'Filesystem']);
  yield* sourceErrors(path, spec);
  if (spec.volumeAttributesClassName) yield* dnsSubdomain(`${path}.volumeAttributesClassName`, spec.volumeAttributesClassName);
}

export function* accessModeErrors(path: string, modes: readonly string[]): FieldErrors {
  for (const mode of modes) yield* oneOfIfAny(path, mode, accessModes);
  const others = modes.some((mode) => mode !== 'ReadWriteOncePod' && (accessModes as readonly string[]).includes(mode));
  if (modes.includes('ReadWriteOncePod') && others) yield fieldError.forbidden(path, 'may not use ReadWriteOncePod with other access modes');
}

function* sourceErrors(path: string, spec: PersistentVolumeClaimSpec): FieldErrors {
  for (const field of ['dataSource', 'dataSourceRef'] as const) {
    const source = spec[field];
    if (!source) continue;
    const at = `${path}.${field}`;
    for (const part of ['name', 'kind'] as const) if (!source[part]) yield fieldError.required(`${at}.${part}`);
    if (!source.apiGroup && source.kind !== 'PersistentVolumeClaim') yield fieldError.invalid(at, source.kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
    if (source.apiGroup) yield* dnsSubdomain(`${at}.apiGroup`, source.apiGroup);
  }
  const namespace = spec.dataSourceRef?.namespace;
  if (namespace) yield* dnsLabel(`${path}.dataSourceRef.namespace`, namespace);
  if (!spec.dataSource || !spec.dataSourceRef) return;
  if (namespace) yield fieldError.invalid(path, {}, 'may not be specified when dataSourceRef.namespace is specified');
  else if (!isSame({ apiGroup: spec.dataSource.apiGroup || undefined, kind: spec.dataSource.kind, name: spec.dataSource.name }, { ...spec.dataSourceRef, apiGroup: spec.dataSourceRef.apiGroup || undefined })) {
    yield fieldError.invalid(path, {}, 'must match dataSourceRef');
  }
}

export function* claimUpdateErrors(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): FieldErrors {
  const bound = next.status?.phase === 'Bound';
  const before = previous.spec;
  let compared: PersistentVolumeClaimSpec = next.spec;
  const keep = (field: keyof PersistentVolumeClaimSpec): void => {
    compared = { ...compared, [field]: before[field] };
  };
  // The binder names the volume once; a class may be given where there was none.
  if (!before.volumeName) keep('volumeName');
  if (before.storageClassName === undefined && next.spec.storageClassName !== undefined && previous.metadata.annotations?.[classAnnotation] === undefined) keep('storageClassName');
  if (bound) {
    keep('volumeAttributesClassName');
    const size = before.resources?.requests?.['storage'];
    if (size !== undefined) compared = { ...compared, resources: { ...compared.resources, requests: { ...compared.resources?.requests, storage: size } } };
  }
  if (!isSame(compared, before)) {
    yield fieldError.forbidden('spec', `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${changedFields(compared, before)}`);
  }
  const [oldSize, newSize] = [before.resources?.requests?.['storage'], next.spec.resources?.requests?.['storage']];
  if (compareQuantities(newSize, oldSize) < 0 && compareQuantities(newSize, previous.status?.capacity?.['storage']) <= 0) {
    yield fieldError.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity');
  }
  yield* immutable('volumeMode', next.spec.volumeMode, before.volumeMode);
  if (previous.status?.currentVolumeAttributesClassName !== undefined && before.volumeAttributesClassName !== next.spec.volumeAttributesClassName && !next.spec.volumeAttributesClassName) {
    const value = next.spec.volumeAttributesClassName === undefined ? 'nil' : 'empty string';
    yield fieldError.forbidden('spec.volumeAttributesClassName', `update to ${value} is forbidden when status.currentVolumeAttributesClassName is not nil`);
  }
}

/** The names of the members that differ, for the reader. */
function changedFields(next: object, previous: object): string {
  const [a, b] = [next, previous] as Readonly<Record<string, unknown>>[];
  return [...new Set([...Object.keys(a!), ...Object.keys(b!)])].filter((field) => !isSame(a![field], b![field])).map((field) => `  ${field}: ${JSON.stringify(b![field])} -> ${JSON.stringify(a![field])}`).join('\n');
}

export function* claimStatusErrors(next: PersistentVolumeClaim): FieldErrors {
  for (const [name, amount] of Object.entries(next.status?.capacity ?? {})) {
    if (quantitySign(amount) < 0) yield fieldError.invalid(`status.capacity[${name}]`, amount, 'must be a valid resource quantity');
  }
}
