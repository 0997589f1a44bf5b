import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, relative } from 'node:path';
import type { VolumeMount } from '../../api/generated/core-v1.ts';
import type { Mount } from '../../cri/runtime.ts';
import { configError } from '../container/config-error.ts';
import { expand } from '../container/expansion.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import type { MountedVolume } from './volume-type.ts';

const PROPAGATION = { None: 'PROPAGATION_PRIVATE', HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER', Bidirectional: 'PROPAGATION_BIDIRECTIONAL' } as const;

/** The mounts that a container asks for. Makes the folders of sub-paths that are missing. Upstream: kubelet makeMounts. */
export async function volumeMounts(container: AnyContainer, volumes: ReadonlyMap<string, MountedVolume>, environment: Readonly<Record<string, string>>): Promise<readonly Mount[]> {
  return Promise.all((container.volumeMounts ?? []).map(async (mount): Promise<Mount> => {
    const volume = volumes.get(mount.name);
    if (!volume) throw configError(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
    const subPath = subPathOf(mount, environment);
    return {
      containerPath: isAbsolute(mount.mountPath) ? mount.mountPath : `/${mount.mountPath}`,
      hostPath: subPath ? await withinVolume(volume.path, subPath, volume.fixed) : volume.path,
      readonly: (mount.readOnly ?? false) || (volume.readOnly ?? false),
      propagation: PROPAGATION[(mount.mountPropagation ?? 'None') as keyof typeof PROPAGATION] ?? 'PROPAGATION_PRIVATE',
    };
  }));
}

function subPathOf(mount: VolumeMount, environment: Readonly<Record<string, string>>): string {
  const path = mount.subPathExpr ? expand(mount.subPathExpr, environment) : mount.subPath ?? '';
  if (mount.subPathExpr && /\$\([^)]*\)/.test(path)) throw configError(`missing value for "${/\$\(([^)]*)\)/.exec(path)![1]}"`);
  if (isAbsolute(path)) throw configError(`error SubPath \`${path}\` must not be an absolute path`);
  if (path.split('/').includes('..')) throw configError(`unable to provision SubPath \`${path}\`: must not contain '..'`);
  return path;
}

/** A path in a volume, with no way out of it through symbolic links; made as a folder where it is missing. */
async function withinVolume(root: string, subPath: string, fixed = false): Promise<string> {
  const path = join(root, normalize(subPath));
  if (await stat(path).catch(() => undefined) === undefined) {
    if (fixed) throw configError(`failed to prepare subPath for volumeMount: ${subPath} is not in the volume`);
    await mkdir(path, { recursive: true, mode: 0o777 });
    const { mode } = await stat(dirname(path));
    await chmod(path, mode & 0o7777);
  }
  const [realRoot, real] = await Promise.all([realpath(root), realpath(path)]);
  // `..data` and its like are names of ours, not the way out.
  if (/^\.\.(\/|$)/.test(relative(realRoot, real))) throw configError(`failed to prepare subPath for volumeMount: subpath "${path}" not within volume path "${root}"`);
  return real;
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
