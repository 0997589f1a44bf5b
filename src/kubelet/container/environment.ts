import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EnvVar, FileKeySelector } from '../../api/generated/core-v1.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import type { MountedVolume } from '../volumes/volume-type.ts';
import { withinVolume } from '../volumes/within-volume.ts';
import { configError } from './config-error.ts';
import { envFileValue } from './env-file.ts';
import { expand } from './expansion.ts';
import { fieldValue, resourceValue, type FieldContext } from './field-ref.ts';
import type { ReferencedObjects } from '../referenced-objects.ts';

/**
 * The environment of a container, in upstream's order of precedence: service variables, then envFrom, then env, later over earlier.
 * Rejects with CreateContainerConfigError where a needed object or key is missing. Upstream: kubelet makeEnvironmentVariables.
 */
export async function containerEnvironment(
  container: AnyContainer, context: FieldContext, services: Readonly<Record<string, string>>, objects: ReferencedObjects,
  volumes: ReadonlyMap<string, MountedVolume> = new Map(),
): Promise<Record<string, string>> {
  const { namespace } = context.pod.metadata;
  const result: Record<string, string> = {};
  for (const source of container.envFrom ?? []) {
    const entries = source.configMapRef ? await fromConfigMap(namespace, source.configMapRef, objects)
      : source.secretRef ? await fromSecret(namespace, source.secretRef, objects) : {};
    for (const [key, value] of Object.entries(entries)) result[(source.prefix ?? '') + key] = value;
  }
  for (const variable of container.env ?? []) {
    const value = await variableValue(variable, container, context, { ...services, ...result }, objects, volumes);
    if (value !== undefined) result[variable.name] = value;
  }
  return { ...services, ...result };
}

interface Reference {
  readonly name?: string;
  readonly optional?: boolean;
}

async function fromConfigMap(namespace: string, { name = '', optional }: Reference, objects: ReferencedObjects): Promise<Readonly<Record<string, string>>> {
  const found = await objects.configMap(namespace, name);
  if (!found && !optional) throw configError(`configmap "${name}" not found`);
  return found?.data ?? {};
}

async function fromSecret(namespace: string, { name = '', optional }: Reference, objects: ReferencedObjects): Promise<Readonly<Record<string, string>>> {
  const found = await objects.secret(namespace, name);
  if (!found && !optional) throw configError(`secret "${name}" not found`);
  return Object.fromEntries(Object.entries(found?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

async function fromFile({ volumeName, path, key, optional }: FileKeySelector, volumes: ReadonlyMap<string, MountedVolume>): Promise<string | undefined> {
  const volume = volumes.get(volumeName);
  if (!volume) throw configError(`cannot find the volume "${volumeName}" referenced by FileKeyRef`);
  let value: string | undefined;
  try {
    value = envFileValue(await readFile(await withinVolume(volume.path, path, true), 'utf8'), key);
  } catch {
    // What is wrong with it could tell of files that are not the pod's to read.
    throw configError("couldn't parse env file");
  }
  if (value === undefined && !optional) throw configError(`environment variable key "${key}" not found in file "${join(volume.path, path)}"`);
  return value;
}

async function variableValue(
  variable: EnvVar, container: AnyContainer, context: FieldContext, soFar: Readonly<Record<string, string>>, objects: ReferencedObjects,
  volumes: ReadonlyMap<string, MountedVolume>,
): Promise<string | undefined> {
  const { namespace, name: podName } = context.pod.metadata;
  const source = variable.valueFrom;
  if (!source) return expand(variable.value ?? '', soFar);
  if (source.fieldRef) {
    const value = fieldValue(source.fieldRef.fieldPath, context);
    if (value === undefined) throw configError(`unsupported fieldPath: ${source.fieldRef.fieldPath}`);
    return value;
  }
  if (source.resourceFieldRef) return resourceValue(source.resourceFieldRef, container, context);
  if (source.configMapKeyRef) {
    const { name = '', key, optional } = source.configMapKeyRef;
    const found = await objects.configMap(namespace, name);
    if (!found && !optional) throw configError(`configmap "${name}" not found`);
    const value = found?.data?.[key];
    if (value === undefined && !optional) throw configError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    return value;
  }
  if (source.secretKeyRef) {
    const { name = '', key, optional } = source.secretKeyRef;
    const found = await objects.secret(namespace, name);
    if (!found && !optional) throw configError(`secret "${name}" not found`);
    const value = found?.data?.[key];
    if (value === undefined && !optional) throw configError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
  }
  if (source.fileKeyRef) return fromFile(source.fileKeyRef, volumes);
  throw configError(`environment variable ${variable.name} of pod ${namespace}/${podName} has a source this kubelet does not know`);
}
