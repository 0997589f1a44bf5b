import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { VolumeMount } from '../../api/generated/core-v1.ts';
import type { Device, Mount } from '../../cri/runtime.ts';
import { configError } from '../container/config-error.ts';
import { expand } from '../container/expansion.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import type { MountedVolume } from './volume-type.ts';
import { withinVolume } from './within-volume.ts';

const PROPAGATION = { None: 'PROPAGATION_PRIVATE', HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER', Bidirectional: 'PROPAGATION_BIDIRECTIONAL' } as const;

/** The mounts that a container asks for. Makes the folders of sub-paths that are missing. Upstream: kubelet makeMounts. */
export async function volumeMounts(
  container: AnyContainer, volumes: ReadonlyMap<string, MountedVolume>, environment: Readonly<Record<string, string>>, recursiveReadOnlyWorks = false,
): Promise<readonly Mount[]> {
  return Promise.all((container.volumeMounts ?? []).map(async (mount): Promise<Mount> => {
    const volume = volumes.get(mount.name);
    if (!volume) throw configError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
    if (volume.isDevice) throw configError(`volume ${mount.name} has volumeMode Block, but is specified in volumeMounts`);
    const subPath = subPathOf(mount, environment);
    return {
      containerPath: isAbsolute(mount.mountPath) ? mount.mountPath : `/${mount.mountPath}`,
      hostPath: subPath ? await withinVolume(volume.path, subPath, volume.fixed) : volume.path,
      readonly: (mount.readOnly ?? false) || (volume.readOnly ?? false),
      ...(isRecursiveReadOnly(mount, recursiveReadOnlyWorks) && { recursiveReadOnly: true }),
      propagation: PROPAGATION[(mount.mountPropagation ?? 'None') as keyof typeof PROPAGATION] ?? 'PROPAGATION_PRIVATE',
    };
  }));
}

/** Upstream: kubelet resolveRecursiveReadOnly. */
export function isRecursiveReadOnly({ name, readOnly, recursiveReadOnly = 'Disabled' }: VolumeMount, works: boolean): boolean {
  if (recursiveReadOnly === 'Disabled' || !readOnly) return false;
  if (recursiveReadOnly === 'Enabled' && !works) throw configError(`volume "${name}" requested recursive read-only mode, but it is not supported by the runtime`);
  return works;
}

/** The block devices that a container asks for. Upstream: kubelet makeBlockVolumes. */
export function volumeDevices(container: AnyContainer, volumes: ReadonlyMap<string, MountedVolume>): readonly Device[] {
  return (container.volumeDevices ?? []).map(({ name, devicePath }): Device => {
    const volume = volumes.get(name);
    if (!volume) throw configError(`cannot find volume "${name}" to pass into container "${container.name}"`);
    if (!volume.isDevice) throw configError(`volume ${name} has volumeMode Filesystem, but is specified in volumeDevices`);
    return { containerPath: devicePath, hostPath: volume.path, permissions: volume.readOnly ? 'r' : 'mrw' };
  });
}

function subPathOf(mount: VolumeMount, environment: Readonly<Record<string, string>>): string {
  const path = mount.subPathExpr ? expand(mount.subPathExpr, environment) : mount.subPath ?? '';
  if (mount.subPathExpr && /\$\([^)]*\)/.test(path)) throw configError(`missing value for "${/\$\(([^)]*)\)/.exec(path)![1]}"`);
  if (isAbsolute(path)) throw configError(`error SubPath \`${path}\` must not be an absolute path`);
  if (path.split('/').includes('..')) throw configError(`unable to provision SubPath \`${path}\`: must not contain '..'`);
  return path;
}

/** The file a container may write its last words into. */
export function terminationMessageMount(container: AnyContainer, podDirectory: string, restartCount: number): Mount | undefined {
  const { terminationMessagePath = '/dev/termination-log' } = container;
  if (!terminationMessagePath) return undefined;
  const file = join(podDirectory, 'containers', container.name, `termination-${restartCount}`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  chmodSync(file, 0o666);
  return { containerPath: terminationMessagePath, hostPath: file };
}
