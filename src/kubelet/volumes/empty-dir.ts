import { chmod, mkdir, rm } from 'node:fs/promises';
import type { Pod } from '../../api/generated/core-v1.ts';
import { podResourceLimits, podResourceRequests } from '../../api/pod/resources.ts';
import { quantityValue } from '../../api/quantity.ts';
import type { VolumeType } from './volume-type.ts';

/** A folder that lives as long as the pod; in memory where asked for. Upstream: pkg/volume/emptydir. */
export const emptyDirVolume: VolumeType = {
  name: 'empty-dir',
  matches: (volume) => volume.emptyDir !== undefined,
  async setUp({ pod, volume, directory, ground: { mounter } }) {
    const { medium, sizeLimit } = volume.emptyDir!;
    const isNew = await mkdir(directory, { recursive: true, mode: 0o777 }) !== undefined;
    if (medium?.startsWith('HugePages') && mounter) {
      await mounter.mount(directory, { type: 'hugetlbfs', source: 'nodev', options: [`pagesize=${pageSize(pod, medium)}`] });
      await chmod(directory, 0o777);
    } else if (medium === 'Memory' && mounter) {
      await mounter.mountTmpfs(directory, memorySize(pod, sizeLimit));
      await chmod(directory, 0o777);
    } else if (isNew) {
      // mkdir's mode is cut by the umask.
      await chmod(directory, 0o777);
    }
    return { path: directory, owned: true };
  },
  async tearDown({ directory, ground: { mounter } }) {
    await mounter?.unmount(directory);
    await rm(directory, { recursive: true, force: true });
  },
};

/** The least of what was asked for and what the pod may have of memory at all; undefined: the kernel's own limit. Upstream: emptydir calculateEmptyDirMemorySize. */
function memorySize(pod: Pod, sizeLimit: string | undefined): number | undefined {
  const limit = podResourceLimits(pod)['memory'];
  const isWhole = pod.spec.resources?.limits?.['memory'] !== undefined || pod.spec.containers.every(({ resources }) => resources?.limits?.['memory'] !== undefined);
  const sizes = [sizeLimit, isWhole ? limit : undefined].flatMap((size) => (size === undefined || quantityValue(size) === 0 ? [] : [quantityValue(size)]));
  return sizes.length > 0 ? Math.min(...sizes) : undefined;
}

/** `HugePages-2Mi` names it; otherwise the pod uses huge pages of one size only. Upstream: emptydir getPageSizeMountOption. */
function pageSize(pod: Pod, medium: string): string {
  const named = /^HugePages-(.+)$/.exec(medium)?.[1];
  const used = [...new Set(Object.keys(podResourceRequests(pod)).flatMap((name) => /^hugepages-(.+)$/.exec(name)?.[1] ?? []))];
  if (named === undefined && used.length !== 1) throw new Error('medium HugePages can only be used if a pod requests exactly one page size');
  const size = named ?? used[0]!;
  if (!used.includes(size)) throw new Error(`no resource request for HugePages of size ${size}`);
  return String(quantityValue(size));
}
