/** Upstream: ValidateEnv, ValidateEnvFrom. */
import { fieldError } from '../../errors.ts';
import type { EnvFromSource, EnvVar, EnvVarSource, ObjectFieldSelector, ResourceFieldSelector } from '../../generated/core-v1.ts';
import { isConfigMapKey, isDns1123Subdomain, isEnvironmentName, isQualifiedName } from '../../names.ts';
import { formatErrors, type FieldErrors } from '../fields.ts';

const environmentFields = ['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs'];
const containerResources = ['limits.cpu', 'limits.ephemeral-storage', 'limits.memory', 'requests.cpu', 'requests.ephemeral-storage', 'requests.memory'];

export function* envErrors(path: string, variables: readonly EnvVar[]): FieldErrors {
  for (const [i, variable] of variables.entries()) {
    const at = `${path}[${i}]`;
    if (!variable.name) yield fieldError.required(`${at}.name`);
    else yield* formatErrors(`${at}.name`, variable.name, isEnvironmentName(variable.name));
    if (variable.valueFrom) yield* sourceErrors(`${at}.valueFrom`, variable.valueFrom, variable.value ?? '');
  }
}

function* sourceErrors(path: string, source: EnvVarSource, value: string): FieldErrors {
  if (source.fieldRef) yield* fieldRefErrors(`${path}.fieldRef`, source.fieldRef, environmentFields);
  if (source.resourceFieldRef) yield* resourceRefErrors(`${path}.resourceFieldRef`, source.resourceFieldRef, false);
  for (const field of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const ref = source[field];
    if (!ref) continue;
    yield* formatErrors(`${path}.${field}.name`, ref.name ?? '', isDns1123Subdomain(ref.name ?? ''));
    yield* keyErrors(`${path}.${field}.key`, ref.key);
  }
  if (source.fileKeyRef) {
    for (const field of ['volumeName', 'path', 'key'] as const) if (!source.fileKeyRef[field]) yield fieldError.required(`${path}.fileKeyRef.${field}`);
  }
  const sources = Object.values(source).filter((one) => one !== undefined).length;
  if (sources === 0) yield fieldError.invalid(path, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`');
  else if (value) yield fieldError.invalid(path, '', 'may not be specified when `value` is not empty');
  else if (sources > 1) yield fieldError.invalid(path, '', 'may not have more than one field specified at a time');
}

export function* keyErrors(path: string, key: string | undefined): FieldErrors {
  if (!key) yield fieldError.required(path);
  else yield* formatErrors(path, key, isConfigMapKey(key));
}

/** A field of the pod, given to its containers. `supported` are the fields that need no key in brackets. */
export function* fieldRefErrors(path: string, { apiVersion, fieldPath }: ObjectFieldSelector, supported: readonly string[]): FieldErrors {
  if (!apiVersion) return yield fieldError.required(`${path}.apiVersion`);
  if (!fieldPath) return yield fieldError.required(`${path}.fieldPath`);
  const subscript = /^([^[]*)\['(.*)'\]$/.exec(fieldPath);
  if (!subscript) {
    if (!knownFields.has(fieldPath)) yield fieldError.invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`);
    else if (!supported.includes(fieldPath)) yield fieldError.notSupported(`${path}.fieldPath`, fieldPath, [...supported].sort());
    return;
  }
  const [, field, key = ''] = subscript;
  if (field === 'metadata.annotations') yield* formatErrors(path, key.toLowerCase(), isQualifiedName(key.toLowerCase()));
  else if (field === 'metadata.labels') yield* formatErrors(path, key, isQualifiedName(key));
  else yield fieldError.invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label does not support subscript: ${fieldPath}`);
}

/** Fields of a pod that some reference may name. Upstream: ConvertDownwardAPIFieldLabel. */
const knownFields = new Set([
  ...environmentFields, 'metadata.annotations', 'metadata.labels', 'spec.restartPolicy', 'spec.schedulerName', 'status.phase', 'spec.host',
]);

/** What a container asks for or may use, given to containers. In a volume it must say which container. */
export function* resourceRefErrors(path: string, ref: ResourceFieldSelector, inVolume: boolean): FieldErrors {
  if (inVolume && !ref.containerName) yield fieldError.required(`${path}.containerName`);
  else if (!ref.resource) yield fieldError.required(`${path}.resource`);
  else if (!containerResources.includes(ref.resource) && !/^(requests|limits)\.hugepages-/.test(ref.resource)) {
    yield fieldError.notSupported(`${path}.resource`, ref.resource, containerResources);
  }
  yield* divisorErrors(path, ref);
}

const byteUnits = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

function* divisorErrors(path: string, { resource = '', divisor = '0' }: ResourceFieldSelector): FieldErrors {
  const name = resource.replace(/^(requests|limits)\./, '');
  const subject = name.startsWith('hugepages-') ? 'hugepages' : { cpu: 'cpu', memory: 'memory', 'ephemeral-storage': 'local ephemeral storage' }[name];
  if (divisor === '0' || subject === undefined) return;
  const units = name === 'cpu' ? ['1m', '1'] : byteUnits;
  const shown = name === 'cpu' ? units.join(' and ') : units.join(', ');
  if (!units.includes(divisor)) yield fieldError.invalid(`${path}.divisor`, resource, `only divisor's values ${shown} are supported with the ${subject} resource`);
}

export function* envFromErrors(path: string, sources: readonly EnvFromSource[]): FieldErrors {
  for (const [i, source] of sources.entries()) {
    const at = `${path}[${i}]`;
    if (source.prefix) yield* formatErrors(`${at}.prefix`, source.prefix, isEnvironmentName(source.prefix));
    for (const field of ['configMapRef', 'secretRef'] as const) {
      const ref = source[field];
      if (!ref) continue;
      if (!ref.name) yield fieldError.required(`${at}.${field}.name`);
      else yield* formatErrors(`${at}.${field}.name`, ref.name, isDns1123Subdomain(ref.name));
    }
    if (!source.configMapRef && !source.secretRef) yield fieldError.invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`');
    else if (source.configMapRef && source.secretRef) yield fieldError.invalid(path, '', 'may not have more than one field specified at a time');
  }
}
