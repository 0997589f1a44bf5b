/** Upstream: ValidatePersistentVolumeSpec, ValidatePersistentVolumeUpdate. */
import { fieldError } from '../errors.ts';
import type { PersistentVolumeSpec, SecretReference } from '../generated/core-v1.ts';
import { quantitySign, quantityValue } from '../quantity.ts';
import { dnsLabel, dnsSubdomain, driverName, immutable, oneOfIfAny, type FieldErrors } from './fields.ts';
import { accessModeErrors } from './persistent-volume-claim.ts';
import { nodeSelectorErrors } from './pod/node-selector.ts';
import { noStepsUp } from './pod/mounts.ts';
import { isSame } from './same.ts';

/** The members of which one says where the volume is. */
const sources = [
  'hostPath', 'gcePersistentDisk', 'awsElasticBlockStore', 'glusterfs', 'flocker', 'nfs', 'rbd', 'quobyte', 'cephfs', 'iscsi', 'cinder', 'fc', 'flexVolume', 'azureFile', 'vsphereVolume',
  'photonPersistentDisk', 'portworxVolume', 'azureDisk', 'scaleIO', 'local', 'storageos', 'csi',
] as const satisfies readonly (keyof PersistentVolumeSpec)[];

export function* persistentVolumeErrors(path: string, spec: PersistentVolumeSpec): FieldErrors {
  if (!spec.accessModes?.length) yield fieldError.required(`${path}.accessModes`);
  yield* accessModeErrors(`${path}.accessModes`, spec.accessModes ?? []);
  yield* capacityErrors(`${path}.capacity`, spec.capacity ?? {});
  yield* oneOfIfAny(`${path}.persistentVolumeReclaimPolicy`, spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain']);
  if (spec.nodeAffinity?.required) yield* nodeSelectorErrors(`${path}.nodeAffinity.required`, spec.nodeAffinity.required);
  else if (spec.nodeAffinity) yield fieldError.required(`${path}.nodeAffinity.required`, 'must specify required node constraints');
  const used = sources.filter((source) => spec[source] !== undefined);
  if (used.length === 0) yield fieldError.required(path, 'must specify a volume type');
  for (const source of used.slice(1)) yield fieldError.forbidden(`${path}.${source}`, 'may not specify more than 1 volume type');
  yield* sourceErrors(path, spec);
  if (spec.hostPath?.path && posixClean(spec.hostPath.path) === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle') {
    yield fieldError.forbidden(`${path}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'");
  }
  if (spec.storageClassName) yield* dnsSubdomain(`${path}.storageClassName`, spec.storageClassName);
  yield* oneOfIfAny(`${path}.volumeMode`, spec.volumeMode, ['Block', 'Filesystem']);
  if (spec.volumeAttributesClassName === undefined) return;
  if (spec.volumeAttributesClassName === '') yield fieldError.required(`${path}.volumeAttributesClassName`, 'an empty string is disallowed');
  else yield* dnsSubdomain(`${path}.volumeAttributesClassName`, spec.volumeAttributesClassName);
  if (!spec.csi) yield fieldError.required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName');
}

function* capacityErrors(path: string, capacity: Readonly<Record<string, string>>): FieldErrors {
  const names = Object.keys(capacity);
  if (names.length === 0) yield fieldError.required(path);
  if (names.length !== 1 || names[0] !== 'storage') yield fieldError.notSupported(path, names.length === 0 ? null : capacity, ['storage']);
  for (const name of names) {
    if (quantitySign(capacity[name]) < 0) yield fieldError.invalid(`${path}[${name}]`, quantityValue(capacity[name]), 'must be a valid resource quantity');
    if (quantitySign(capacity[name]) <= 0) yield fieldError.invalid(`${path}[${name}]`, capacity[name], 'must be greater than zero');
  }
}

const posixClean = (path: string): string => `/${path.split('/').filter((part) => part !== '' && part !== '.').join('/')}`;

function* sourceErrors(path: string, spec: PersistentVolumeSpec): FieldErrors {
  if (spec.hostPath) {
    if (!spec.hostPath.path) yield fieldError.required(`${path}.hostPath.path`);
    else yield* noStepsUp(`${path}.hostPath.path`, spec.hostPath.path);
    yield* oneOfIfAny(`${path}.hostPath.type`, spec.hostPath.type, ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']);
  }
  if (spec.local) {
    if (!spec.local.path) yield fieldError.required(`${path}.local.path`);
    else yield* noStepsUp(`${path}.local.path`, spec.local.path);
    if (!spec.nodeAffinity) yield fieldError.required(`${path}.nodeAffinity`, 'Local volume requires node affinity');
  }
  if (spec.nfs) {
    for (const field of ['server', 'path'] as const) if (!spec.nfs[field]) yield fieldError.required(`${path}.nfs.${field}`);
    if (!spec.nfs.path?.startsWith('/')) yield fieldError.invalid(`${path}.nfs.path`, spec.nfs.path ?? '', 'must be an absolute path');
  }
  if (spec.csi) {
    yield* driverName(`${path}.csi.driver`, spec.csi.driver);
    if (!spec.csi.volumeHandle) yield fieldError.required(`${path}.csi.volumeHandle`);
    for (const field of ['controllerPublishSecretRef', 'controllerExpandSecretRef', 'nodePublishSecretRef', 'nodeExpandSecretRef'] as const) {
      if (spec.csi[field]) yield* secretErrors(`${path}.csi.${field}`, spec.csi[field]);
    }
  }
}

function* secretErrors(path: string, { name, namespace }: SecretReference): FieldErrors {
  if (!name) yield fieldError.required(`${path}.name`);
  else yield* dnsSubdomain(`${path}.name`, name);
  if (!namespace) yield fieldError.required(`${path}.namespace`);
  else yield* dnsLabel(`${path}.namespace`, namespace);
}

export function* persistentVolumeUpdateErrors(next: PersistentVolumeSpec, previous: PersistentVolumeSpec): FieldErrors {
  const sourceOf = (spec: PersistentVolumeSpec): object => Object.fromEntries(sources.map((source) => [source, spec[source]]));
  const added = previous.csi && next.csi && !previous.csi.controllerExpandSecretRef && next.csi.controllerExpandSecretRef;
  const compared = added ? { ...next, csi: { ...next.csi, controllerExpandSecretRef: undefined } as unknown as NonNullable<PersistentVolumeSpec['csi']> } : next;
  if (!isSame(sourceOf(compared), sourceOf(previous))) {
    yield fieldError.forbidden('spec.persistentvolumesource', `spec.persistentvolumesource is immutable after creation\n  ${JSON.stringify(sourceOf(previous))} -> ${JSON.stringify(sourceOf(next))}`);
  }
  yield* immutable('volumeMode', next.volumeMode, previous.volumeMode);
  if (previous.nodeAffinity) yield* immutable('nodeAffinity', next.nodeAffinity, previous.nodeAffinity);
  if (previous.volumeAttributesClassName !== undefined && next.volumeAttributesClassName === undefined) {
    yield fieldError.forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden');
  }
}
