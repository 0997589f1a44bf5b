/** Files made of secrets, config maps, fields and tokens. Upstream: validateProjectionSources, validateKeyToPath, validateDownwardAPIVolumeFile. */
import { fieldError } from '../../errors.ts';
import type { ClusterTrustBundleProjection, DownwardAPIVolumeFile, KeyToPath, PodCertificateProjection, ProjectedVolumeSource, VolumeProjection } from '../../generated/core-v1.ts';
import { signerErrors } from '../certificate-request.ts';
import { labelSelector, type FieldErrors } from '../fields.ts';
import { fieldRefErrors, resourceRefErrors } from './env.ts';
import { relativePathErrors } from './mounts.ts';

const volumeFields = ['metadata.name', 'metadata.namespace', 'metadata.labels', 'metadata.annotations', 'metadata.uid'];

export function modeErrors(path: string, mode: number | undefined): FieldErrors {
  return mode === undefined || (mode >= 0 && mode <= 0o777) ? [] : [fieldError.invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive')];
}

/** A path below the volume that does not look like the kubelet's own `..data`. */
function* filePathErrors(path: string, target: string): FieldErrors {
  yield* relativePathErrors(path, target);
  if (target.startsWith('..') && !target.startsWith('../')) yield fieldError.invalid(path, target, "must not start with '..'");
}

export function* keyPathErrors(at: string, { key, path = '', mode }: KeyToPath): FieldErrors {
  if (!key) yield fieldError.required(`${at}.key`);
  if (!path) yield fieldError.required(`${at}.path`);
  yield* filePathErrors(`${at}.path`, path);
  yield* modeErrors(`${at}.mode`, mode);
}

export function* downwardFileErrors(at: string, { path = '', fieldRef, resourceFieldRef, mode }: DownwardAPIVolumeFile): FieldErrors {
  if (!path) yield fieldError.required(`${at}.path`);
  yield* filePathErrors(`${at}.path`, path);
  if (fieldRef) {
    yield* fieldRefErrors(`${at}.fieldRef`, fieldRef, volumeFields);
    if (resourceFieldRef) yield fieldError.invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously');
  } else if (resourceFieldRef) {
    yield* resourceRefErrors(`${at}.resourceFieldRef`, resourceFieldRef, true);
  } else {
    yield fieldError.required(at, 'one of fieldRef and resourceFieldRef is required');
  }
  yield* modeErrors(`${at}.mode`, mode);
}

/** Frozen ones without a fault: they are parts of many pods, as the files of their tokens are. */
const faultless = new WeakSet<ProjectedVolumeSource>();

export function projectedErrors(path: string, source: ProjectedVolumeSource): FieldErrors {
  if (!Object.isFrozen(source)) return sourcesErrors(path, source);
  if (faultless.has(source)) return [];
  const errors = [...sourcesErrors(path, source)];
  if (errors.length === 0) faultless.add(source);
  return errors;
}

function* sourcesErrors(path: string, { defaultMode, sources = [] }: ProjectedVolumeSource): FieldErrors {
  yield* modeErrors(`${path}.defaultMode`, defaultMode);
  const taken = new Set<string>();
  const take = function* (target: string | undefined, shown = target): FieldErrors {
    if (!target) return;
    if (taken.has(target)) yield fieldError.invalid(path, shown, 'conflicting duplicate paths');
    taken.add(target);
  };
  for (const [i, source] of sources.entries()) yield* sourceErrors(path, `${path}.sources[${i}]`, source, take);
}

function* sourceErrors(path: string, at: string, source: VolumeProjection, take: (target: string | undefined, shown?: string) => FieldErrors): FieldErrors {
  for (const field of ['secret', 'configMap'] as const) {
    const ref = source[field];
    if (!ref) continue;
    if (!ref.name) yield fieldError.required(`${at}.${field}.name`);
    for (const [j, item] of (ref.items ?? []).entries()) {
      yield* keyPathErrors(`${at}.${field}.items[${j}]`, item);
      yield* take(item.path, ref.name ?? '');
    }
  }
  for (const file of source.downwardAPI?.items ?? []) {
    yield* downwardFileErrors(`${at}.downwardAPI`, file);
    yield* take(file.path);
  }
  const token = source.serviceAccountToken;
  if (token) {
    const seconds = token.expirationSeconds ?? 3600;
    if (seconds < 600) yield fieldError.invalid(`${at}.serviceAccountToken.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes');
    if (seconds > 2 ** 32) yield fieldError.invalid(`${at}.serviceAccountToken.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds');
    // The path of these two is the volume's: so upstream names it.
    if (!token.path) yield fieldError.required(`${path}.path`);
    else yield* filePathErrors(`${path}.path`, token.path);
  }
  if (source.clusterTrustBundle) {
    yield* trustBundleErrors(`${at}.clusterTrustBundle`, source.clusterTrustBundle);
    yield* take(source.clusterTrustBundle.path);
  }
  if (source.podCertificate) {
    yield* certificateErrors(`${at}.podCertificate`, source.podCertificate);
    for (const field of ['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const) yield* take(source.podCertificate[field]);
  }
  if (Object.values(source).filter((one) => one !== undefined).length > 1) yield fieldError.forbidden(at, 'may not specify more than 1 volume type per source');
}

function* trustBundleErrors(at: string, bundle: ClusterTrustBundleProjection): FieldErrors {
  const { name, signerName, labelSelector: selector, path = '' } = bundle;
  if (name !== undefined && signerName !== undefined) {
    yield fieldError.invalid(at, bundle, 'only one of name and signerName may be used');
  } else if (name !== undefined) {
    if (name === '') yield fieldError.required(`${at}.name`, 'must be a valid object name');
    if (selector) yield fieldError.invalid(`${at}.labelSelector`, selector, 'labelSelector must be unset if name is specified');
  } else if (signerName !== undefined) {
    if (signerName === '') yield fieldError.required(`${at}.signerName`, 'must be a valid signer name');
    yield* signerErrors(`${at}.signerName`, signerName);
    yield* labelSelector(`${at}.labelSelector`, selector);
  } else {
    yield fieldError.required(at, 'either name or signerName must be specified');
  }
  if (!path) yield fieldError.required(`${at}.path`);
  yield* filePathErrors(`${at}.path`, path);
}

const keyTypes = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519'];

function* certificateErrors(at: string, certificate: PodCertificateProjection): FieldErrors {
  yield* signerErrors(`${at}.signerName`, certificate.signerName ?? '');
  if (!keyTypes.includes(certificate.keyType ?? '')) yield fieldError.notSupported(`${at}.keyType`, certificate.keyType ?? '', keyTypes);
  const seconds = certificate.maxExpirationSeconds;
  const longest = certificate.signerName?.startsWith('kubernetes.io/') ? 86400 : 7862400;
  if (seconds !== undefined && seconds < 3600) yield fieldError.invalid(`${at}.maxExpirationSeconds`, seconds, 'if provided, maxExpirationSeconds must be >= 3600');
  if (seconds !== undefined && seconds > longest) yield fieldError.invalid(`${at}.maxExpirationSeconds`, seconds, `if provided, maxExpirationSeconds must be <= ${longest}`);
  const paths = (['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const).filter((field) => certificate[field]);
  for (const field of paths) yield* filePathErrors(`${at}.${field}`, certificate[field]!);
  if (paths.length === 0) yield fieldError.required(at, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath');
}
