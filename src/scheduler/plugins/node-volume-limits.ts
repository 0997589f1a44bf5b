import type { Pod } from '../../api/generated/core-v1.ts';
import type { VolumeAttachment } from '../../api/generated/storage-v1.ts';
import type { SchedulerPlugin } from '../framework.ts';
import { rejection } from '../rejection.ts';
import type { PluginContext } from './plugin-context.ts';
import { claimNames } from './volume-binding.ts';
import { classNameOf } from './volume-matching.ts';

/** Volumes with the CSI driver of each: a volume that several pods use counts once. */
type Volumes = ReadonlyMap<string, string>;

interface State {
  readonly wanted: Volumes;
  /** By node: some may still be attached whose pods are gone. */
  readonly attached: ReadonlyMap<string, readonly (readonly [volume: string, driver: string])[]>;
}

/** A node takes no more volumes of a CSI driver than the driver says there that it can. Upstream: plugins/nodevolumelimits. */
export function nodeVolumeLimits(context: PluginContext): SchedulerPlugin<State> {
  return {
    name: 'NodeVolumeLimits',
    preFilter({ pod }) {
      const volumes = csiVolumes(pod, context);
      if (volumes.size === 0) return 'skip';
      const attached = new Map<string, [volume: string, driver: string][]>();
      for (const { spec } of context.volumeAttachments.list()) attached.set(spec.nodeName, [...(attached.get(spec.nodeName) ?? []), ...attachedBy(spec, context)]);
      return { state: { wanted: volumes, attached } };
    },
    filter({ wanted, attached }, _pod, { name, pods }) {
      const limits = new Map((context.csiNodes.get(name)?.spec.drivers ?? []).flatMap(({ name: driver, allocatable }) => (allocatable?.count === undefined ? [] : [[driver, allocatable.count] as const])));
      if (limits.size === 0) return undefined;
      const there = new Map<string, string>();
      for (const other of pods.values()) for (const [volume, driver] of csiVolumes(other.pod, context)) there.set(volume, driver);
      for (const [volume, driver] of attached.get(name) ?? []) there.set(volume, driver);
      const count = (volumes: Iterable<readonly [string, string]>, driver: string): number => [...volumes].filter(([, of]) => of === driver).length;
      const fresh = [...wanted].filter(([volume]) => !there.has(volume));
      for (const driver of new Set(fresh.map(([, of]) => of))) {
        const limit = limits.get(driver);
        if (limit !== undefined && count(there, driver) + count(fresh, driver) > limit) return tooMany;
      }
      return undefined;
    },
    hints: {
      CSINode: (_pod, { action }) => action !== 'delete',
      VolumeAttachment: (_pod, { action }) => action === 'delete',
      PersistentVolumeClaim: (_pod, { action }) => action === 'add',
      AssignedPod: (_pod, { action, object }) => action === 'delete' && claimNames(object as Pod).length > 0,
    },
  };
}

const tooMany = rejection('node(s) exceed max volume count');

function csiVolumes(pod: Pod, { persistentVolumeClaims, persistentVolumes, storageClasses }: PluginContext): Volumes {
  const volumes = new Map<string, string>();
  for (const { name } of claimNames(pod)) {
    const key = `${pod.metadata.namespace}/${name}`;
    const claim = persistentVolumeClaims.get(key);
    if (!claim) continue;
    const volume = claim.spec.volumeName ? persistentVolumes.get(claim.spec.volumeName) : undefined;
    const csi = volume?.spec.csi;
    if (csi) volumes.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver);
    // A volume that is yet to be made counts for the driver that will make it.
    else if (!volume) {
      const provisioner = storageClasses.get(classNameOf(claim))?.provisioner;
      if (provisioner) volumes.set(`${provisioner}/${key}`, provisioner);
    }
  }
  return volumes;
}

function attachedBy({ attacher, source: { persistentVolumeName, inlineVolumeSpec } }: VolumeAttachment['spec'], { persistentVolumes }: PluginContext): [string, string][] {
  const csi = inlineVolumeSpec?.csi ?? (persistentVolumeName ? persistentVolumes.get(persistentVolumeName)?.spec.csi : undefined);
  return csi ? [[`${attacher}/${csi.volumeHandle}`, attacher]] : [];
}
