/** Upstream: ValidateVolumeMounts, ValidateVolumeDevices. */
import { fieldError } from '../../errors.ts';
import type { Container, Volume, VolumeMount } from '../../generated/core-v1.ts';
import { oneOfIfAny, type FieldErrors } from '../fields.ts';

export type VolumesByName = ReadonlyMap<string, Volume>;

export function* mountErrors(path: string, container: Container, volumes: VolumesByName): FieldErrors {
  const devices = container.volumeDevices ?? [];
  const taken = new Set<string>();
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${path}[${i}]`;
    if (!mount.name) yield fieldError.required(`${at}.name`);
    if (!volumes.has(mount.name)) yield fieldError.notFound(`${at}.name`, mount.name);
    if (!mount.mountPath) yield fieldError.required(`${at}.mountPath`);
    if (taken.has(mount.mountPath)) yield fieldError.invalid(`${at}.mountPath`, mount.mountPath, 'must be unique');
    taken.add(mount.mountPath);
    if (devices.some((device) => device.name === mount.name)) yield fieldError.invalid(`${at}.name`, mount.name, 'must not already exist in volumeDevices');
    if (devices.some((device) => device.devicePath === mount.mountPath)) {
      yield fieldError.invalid(`${at}.mountPath`, mount.mountPath, 'must not already exist as a path in volumeDevices');
    }
    yield* subPathErrors(path, at, mount);
    yield* propagationErrors(path, mount, container.securityContext?.privileged ?? false);
  }
}

// Upstream leaves the index out of the paths of the following fields.
function* subPathErrors(path: string, at: string, mount: VolumeMount): FieldErrors {
  if (mount.subPath) yield* relativePathErrors(`${path}.subPath`, mount.subPath);
  if (!mount.subPathExpr) return;
  if (mount.subPath) yield fieldError.invalid(`${at}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive');
  yield* relativePathErrors(`${path}.subPathExpr`, mount.subPathExpr);
}

function* propagationErrors(path: string, mount: VolumeMount, privileged: boolean): FieldErrors {
  const propagation = mount.mountPropagation;
  yield* oneOfIfAny(`${path}.mountPropagation`, propagation, ['Bidirectional', 'HostToContainer', 'None']);
  if (propagation === 'Bidirectional' && !privileged) {
    yield fieldError.forbidden(`${path}.mountPropagation`, 'Bidirectional mount propagation is available only to privileged containers');
  }
  const recursive = mount.recursiveReadOnly;
  if (recursive === undefined || recursive === 'Disabled') return;
  const at = `${path}.recursiveReadOnly`;
  yield* oneOfIfAny(at, recursive, ['Disabled', 'Enabled', 'IfPossible']);
  if (!mount.readOnly) yield fieldError.forbidden(at, 'may only be specified when readOnly is true');
  if (propagation !== undefined && propagation !== 'None') {
    yield fieldError.forbidden(at, 'may only be specified when mountPropagation is None or not specified');
  }
}

/** A path below something, without steps up. Upstream: validateLocalDescendingPath. */
export function* relativePathErrors(path: string, target: string): FieldErrors {
  if (target.startsWith('/')) yield fieldError.invalid(path, target, 'must be a relative path');
  yield* noStepsUp(path, target);
}

export function* noStepsUp(path: string, target: string): FieldErrors {
  if (target.split('/').includes('..')) yield fieldError.invalid(path, target, "must not contain '..'");
}

export function* deviceErrors(path: string, container: Container, volumes: VolumesByName): FieldErrors {
  const mounts = container.volumeMounts ?? [];
  const names = new Set<string>();
  const paths = new Set<string>();
  for (const [i, device] of (container.volumeDevices ?? []).entries()) {
    const at = `${path}[${i}]`;
    const volume = volumes.get(device.name);
    if (!device.name) yield fieldError.required(`${at}.name`);
    if (names.has(device.name)) yield fieldError.invalid(`${at}.name`, device.name, 'must be unique');
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) {
      yield fieldError.invalid(`${at}.name`, device.name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode');
    }
    if (!volume) yield fieldError.notFound(`${at}.name`, device.name);
    if (!device.devicePath) yield fieldError.required(`${at}.devicePath`);
    if (paths.has(device.devicePath)) yield fieldError.invalid(`${at}.devicePath`, device.devicePath, 'must be unique');
    if (device.devicePath.split('/').includes('..')) yield fieldError.invalid(`${at}.devicePath`, device.devicePath, "can not contain backsteps ('..')");
    if (mounts.some((mount) => mount.name === device.name)) yield fieldError.invalid(`${at}.name`, device.name, 'must not already exist in volumeMounts');
    if (mounts.some((mount) => mount.mountPath === device.devicePath)) {
      yield fieldError.invalid(`${at}.devicePath`, device.devicePath, 'must not already exist as a path in volumeMounts');
    }
    names.add(device.name);
    paths.add(device.devicePath);
  }
}
