/** Upstream: ValidateVolumes, validateVolumeSource. */
import { fieldError, type FieldError } from '../../errors.ts';
import type { Volume } from '../../generated/core-v1.ts';
import type { ObjectMeta } from '../../generated/meta-v1.ts';
import { isDns1123Subdomain } from '../../names.ts';
import { quantitySign } from '../../quantity.ts';
import { dnsLabel, dnsSubdomain, driverName, labels, oneOf, oneOfIfAny, type FieldErrors } from '../fields.ts';
import { claimErrors } from '../persistent-volume-claim.ts';
import { noStepsUp, type VolumesByName } from './mounts.ts';
import { downwardFileErrors, keyPathErrors, modeErrors, projectedErrors } from './projections.ts';

export interface CheckedVolumes {
  readonly errors: readonly FieldError[];
  /** Those without a fault: a mount of another is a fault of its own. */
  readonly usable: VolumesByName;
}

export function checkVolumes(path: string, volumes: readonly Volume[], metadata: ObjectMeta | undefined): CheckedVolumes {
  const errors: FieldError[] = [];
  const usable = new Map<string, Volume>();
  const ownClaims = new Set(metadata?.name ? volumes.filter((volume) => volume.ephemeral).map((volume) => `${metadata.name}-${volume.name}`) : []);
  for (const [i, volume] of volumes.entries()) {
    const at = `${path}[${i}]`;
    const faults = [...volumeErrors(at, volume, metadata)];
    if (!volume.name) faults.push(fieldError.required(`${at}.name`));
    else faults.push(...dnsLabel(`${at}.name`, volume.name));
    if (usable.has(volume.name)) faults.push(fieldError.duplicate(`${at}.name`, volume.name));
    if (faults.length === 0) usable.set(volume.name, volume);
    errors.push(...faults);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && ownClaims.has(claim)) errors.push(fieldError.invalid(`${at}.persistentVolumeClaim.claimName`, claim, 'must not reference a PVC that gets created for an ephemeral volume'));
  }
  return { errors, usable };
}

type Source = Exclude<keyof Volume, 'name'>;

/** The sources in upstream's order, each with what is asked of it; of those without a check only one must be named. */
const checks: { readonly [S in Source]?: ((path: string, source: NonNullable<Volume[S]>) => FieldErrors) | null } = {
  emptyDir: function* (path, { sizeLimit }) {
    if (sizeLimit !== undefined && quantitySign(sizeLimit) < 0) yield fieldError.forbidden(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity');
  },
  hostPath: function* (path, { path: target, type }) {
    if (!target) {
      yield fieldError.required(`${path}.path`);
      return;
    }
    yield* noStepsUp(`${path}.path`, target);
    yield* oneOfIfAny(`${path}.type`, type, ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']);
  },
  gitRepo: function* (path, { repository }) {
    if (!repository) yield fieldError.required(`${path}.repository`);
  },
  gcePersistentDisk: null,
  awsElasticBlockStore: null,
  secret: function* (path, { secretName, defaultMode, items = [] }) {
    if (!secretName) yield fieldError.required(`${path}.secretName`);
    yield* modeErrors(`${path}.defaultMode`, defaultMode);
    for (const [i, item] of items.entries()) yield* keyPathErrors(`${path}.items[${i}]`, item);
  },
  nfs: function* (path, { server, path: target = '' }) {
    if (!server) yield fieldError.required(`${path}.server`);
    if (!target) yield fieldError.required(`${path}.path`);
    if (!target.startsWith('/')) yield fieldError.invalid(`${path}.path`, target, 'must be an absolute path');
  },
  iscsi: function* (path, { targetPortal, iqn, lun }) {
    if (!targetPortal) yield fieldError.required(`${path}.targetPortal`);
    if (!iqn) yield fieldError.required(`${path}.iqn`);
    else if (!/^(iqn|eui|naa)/.test(iqn)) yield fieldError.invalid(`${path}.iqn`, iqn, 'must be valid format starting with iqn, eui, or naa');
    if (lun < 0 || lun > 255) yield fieldError.invalid(`${path}.lun`, lun, 'must be between 0 and 255, inclusive');
  },
  glusterfs: null,
  flocker: null,
  persistentVolumeClaim: function* (path, { claimName }) {
    if (!claimName) yield fieldError.required(`${path}.claimName`);
  },
  rbd: null,
  cinder: null,
  cephfs: null,
  quobyte: null,
  downwardAPI: function* (path, { defaultMode, items = [] }) {
    yield* modeErrors(`${path}.defaultMode`, defaultMode);
    for (const file of items) yield* downwardFileErrors(path, file);
  },
  fc: function* (path, { targetWWNs = [], wwids = [], lun }) {
    if (targetWWNs.length === 0 && wwids.length === 0) yield fieldError.required(`${path}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both');
    if (targetWWNs.length > 0 && wwids.length > 0) yield fieldError.invalid(`${path}.targetWWNs`, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously');
    if (targetWWNs.length === 0) return;
    if (lun === undefined) yield fieldError.required(`${path}.lun`, 'lun is required if targetWWNs is specified');
    else if (lun < 0 || lun > 255) yield fieldError.invalid(`${path}.lun`, lun, 'must be between 0 and 255, inclusive');
  },
  flexVolume: null,
  configMap: function* (path, { name, defaultMode, items = [] }) {
    if (!name) yield fieldError.required(`${path}.name`);
    yield* modeErrors(`${path}.defaultMode`, defaultMode);
    for (const [i, item] of items.entries()) yield* keyPathErrors(`${path}.items[${i}]`, item);
  },
  azureFile: null,
  vsphereVolume: null,
  photonPersistentDisk: null,
  portworxVolume: null,
  azureDisk: null,
  storageos: null,
  projected: projectedErrors,
  scaleIO: null,
  csi: function* (path, { driver, nodePublishSecretRef }) {
    yield* driverName(`${path}.driver`, driver);
    if (nodePublishSecretRef && !nodePublishSecretRef.name) yield fieldError.required(`${path}.nodePublishSecretRef.name`);
    else if (nodePublishSecretRef) yield* dnsSubdomain(`${path}.name`, nodePublishSecretRef.name);
  },
  ephemeral: function* (path, { volumeClaimTemplate }) {
    if (!volumeClaimTemplate) yield fieldError.required(`${path}.volumeClaimTemplate`);
    else {
      yield* labels(`${path}.volumeClaimTemplate.metadata.labels`, volumeClaimTemplate.metadata?.labels);
      yield* claimErrors(`${path}.volumeClaimTemplate.spec`, volumeClaimTemplate.spec ?? {});
    }
  },
  image: function* (path, { reference, pullPolicy }) {
    if (!reference) yield fieldError.required(`${path}.reference`);
    yield* oneOf(`${path}.pullPolicy`, pullPolicy, ['Always', 'IfNotPresent', 'Never']);
  },
};

/** The sources that a volume names, in upstream's order. */
function sourcesOf(volume: Volume): readonly Source[] {
  const sources: Source[] = [];
  for (const key in volume) if (key !== 'name' && volume[key as Source] !== undefined) sources.push(key as Source);
  return sources.length < 2 ? sources : (Object.keys(checks) as Source[]).filter((source) => sources.includes(source));
}

function* volumeErrors(path: string, volume: Volume, metadata: ObjectMeta | undefined): FieldErrors {
  let found = false;
  for (const source of sourcesOf(volume)) {
    if (found) yield fieldError.forbidden(`${path}.${source}`, 'may not specify more than 1 volume type');
    else yield* (checks[source] as ((at: string, value: unknown) => FieldErrors) | null | undefined)?.(`${path}.${source}`, volume[source]) ?? [];
    found = true;
  }
  if (!found) yield fieldError.required(path, 'must specify a volume type');
  if (volume.ephemeral && metadata?.name && volume.name) {
    const claim = `${metadata.name}-${volume.name}`;
    for (const fault of isDns1123Subdomain(claim)) yield fieldError.invalid(`${path}.name`, volume.name, `PVC name ${JSON.stringify(claim)}: ${fault}`);
  }
}
