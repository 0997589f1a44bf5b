import { createHash } from 'node:crypto';
import type { PersistentVolume, Pod } from '../../api/generated/core-v1.ts';
import type { VolumeAttachment } from '../../api/generated/storage-v1.ts';
import { csiDrivers, persistentVolumeClaims, persistentVolumes, pods as podResource, volumeAttachments } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf } from '../../api/object.ts';
import { isPodTerminal } from '../../api/pod/conditions.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { claimNames } from './storage-protection.ts';

/** A pod that has ended keeps its volumes for so long: its kubelet has to unmount them. */
const UNMOUNT_MS = 10_000;
const CLAIM_INDEX = 'claims of attachments';

/**
 * Asks the attachers of CSI drivers, by VolumeAttachments, to bring volumes to the nodes whose pods want them, and to take them away when no pod
 * does any longer. Upstream: pkg/controller/volume/attachdetach, pkg/volume/csi/csi_attacher.go. Thinner: kubelets here do not tell what is still
 * mounted; a volume is taken away when its pods are gone, which kubelets let happen only after the unmounting.
 */
export const attachDetachController: Controller = {
  name: 'persistentvolume-attach-detach-controller',
  start(context) {
    const { client, clock, informers, recorder } = context;
    const pods = informers.informer(podResource);
    const claims = informers.informer(persistentVolumeClaims);
    const volumes = informers.informer(persistentVolumes);
    const drivers = informers.informer(csiDrivers);
    const attachments = informers.informer(volumeAttachments);
    pods.addIndex(CLAIM_INDEX, (pod) => (pod.spec.nodeName ? claimNames(pod).map((name) => keyOf({ metadata: { namespace: pod.metadata.namespace, name } })) : []));
    /** Since when nobody wants an attachment but pods that have ended. */
    const idleSince = new Map<string, number>();

    /** `node/volume` */
    async function reconcile(key: string): Promise<ReconcileResult> {
      const slash = key.indexOf('/');
      const [node, volumeName] = [key.slice(0, slash), key.slice(slash + 1)];
      const volume = volumes.get(volumeName);
      const existing = attachments.list().filter(({ metadata, spec }) => spec.nodeName === node && spec.source.persistentVolumeName === volumeName && isOurs(metadata.name));
      const here = volume ? usersOf(volume).filter((pod) => pod.spec.nodeName === node) : [];
      const users = here.filter((pod) => !isPodTerminal(pod));
      if (volume && users.length > 0 && needsAttachment(volume)) {
        idleSince.delete(key);
        return existing.length === 0 ? await attach(volume, node, users) : undefined;
      }
      if (existing.every(({ metadata }) => metadata.deletionTimestamp)) return void idleSince.delete(key);
      const since = idleSince.get(key) ?? clock.now();
      idleSince.set(key, since);
      const left = here.length > 0 ? since + UNMOUNT_MS - clock.now() : 0;
      if (left > 0) return { requeueAfterMs: left };
      for (const { metadata: { name, uid, deletionTimestamp } } of existing) if (!deletionTimestamp) await detach(name, uid);
    }

    async function attach(volume: PersistentVolume, node: string, users: readonly Pod[]): Promise<ReconcileResult> {
      const { name } = volume.metadata;
      const { driver, volumeHandle } = volume.spec.csi!;
      const elsewhere = attachments.list().find(({ spec }) => spec.source.persistentVolumeName === name && spec.nodeName !== node);
      if (elsewhere && isExclusive(volume)) {
        const others = usersOf(volume).filter((pod) => pod.spec.nodeName === elsewhere.spec.nodeName).map(keyOf);
        const why = others.length > 0 ? `Volume is already used by pod(s) ${others.join(', ')}` : "Volume is already exclusively attached to one node and can't be attached to another";
        for (const pod of users) recorder.event(pod, 'Warning', 'FailedAttachVolume', `Multi-Attach error for volume "${name}" ${why}`);
        return;
      }
      try {
        await client.create(volumeAttachments, { metadata: { name: attachmentName(volumeHandle, driver, node) }, spec: { attacher: driver, nodeName: node, source: { persistentVolumeName: name } } });
      } catch (error) {
        if (!isReason(error, 'AlreadyExists')) throw error;
      }
    }

    async function detach(name: string, uid: string): Promise<void> {
      try {
        await client.delete(volumeAttachments, { name }, { preconditions: { uid } });
      } catch (error) {
        if (!isReason(error, 'NotFound', 'Conflict')) throw error;
      }
    }

    function needsAttachment({ spec: { csi } }: PersistentVolume): boolean {
      return csi !== undefined && (drivers.get(csi.driver)?.spec.attachRequired ?? true);
    }

    /** Pods with a node that use the volume by its claim. */
    function usersOf({ spec: { claimRef }, metadata: { name } }: PersistentVolume): readonly Pod[] {
      if (!claimRef?.name) return [];
      const key = keyOf({ metadata: { namespace: claimRef.namespace, name: claimRef.name } });
      const claim = claims.get(key);
      return claim?.spec.volumeName === name && claim.metadata.uid === (claimRef.uid ?? claim.metadata.uid) ? pods.byIndex(CLAIM_INDEX, key) : [];
    }

    function keysOfPod(pod: Pod): string[] {
      const { nodeName } = pod.spec;
      if (!nodeName) return [];
      return claimNames(pod).flatMap((name) => {
        const volumeName = claims.get(keyOf({ metadata: { namespace: pod.metadata.namespace, name } }))?.spec.volumeName;
        return volumeName && volumes.get(volumeName)?.spec.csi ? [`${nodeName}/${volumeName}`] : [];
      });
    }

    /** All nodes where something about the volume may have to be done. */
    function keysOfVolume(volume: PersistentVolume): string[] {
      if (!volume.spec.csi) return [];
      const { name } = volume.metadata;
      const attached = attachments.list().filter(({ spec }) => spec.source.persistentVolumeName === name).map(({ spec }) => spec.nodeName);
      return [...new Set([...usersOf(volume).map((pod) => pod.spec.nodeName!), ...attached])].map((node) => `${node}/${name}`);
    }

    function tell(before: VolumeAttachment | undefined, { spec, status }: VolumeAttachment): void {
      const volume = volumes.get(spec.source.persistentVolumeName ?? '');
      if (!volume) return;
      const users = usersOf(volume).filter((pod) => pod.spec.nodeName === spec.nodeName && !isPodTerminal(pod));
      const failure = status?.attachError?.message;
      for (const pod of users) {
        if (status?.attached && !before?.status?.attached) recorder.event(pod, 'Normal', 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded for volume "${volume.metadata.name}" `);
        else if (failure && failure !== before?.status?.attachError?.message) recorder.event(pod, 'Warning', 'FailedAttachVolume', `AttachVolume.Attach failed for volume "${volume.metadata.name}" : ${failure}`);
      }
    }

    const loop = startLoop(context, { name: 'persistentvolume-attach-detach-controller', needs: [pods, claims, volumes, drivers, attachments], workers: 4, reconcile });
    loop.follow(pods, keysOfPod);
    loop.follow(volumes, keysOfVolume);
    loop.follow(claims, ({ spec: { volumeName } }) => {
      const volume = volumeName ? volumes.get(volumeName) : undefined;
      return volume ? keysOfVolume(volume) : [];
    });
    loop.follow(drivers, ({ metadata: { name } }) => volumes.list().filter(({ spec }) => spec.csi?.driver === name).flatMap(keysOfVolume));
    // One that goes may let another node have the volume.
    loop.follow(attachments, ({ spec: { nodeName, source } }) => {
      const volume = volumes.get(source.persistentVolumeName ?? '');
      return [...(source.persistentVolumeName ? [`${nodeName}/${source.persistentVolumeName}`] : []), ...(volume ? keysOfVolume(volume) : [])];
    });
    loop.own(attachments.subscribe({ update: tell }));
    return loop;
  },
};

/** What kubelets compute as well. Upstream: csi_attacher.go, getAttachmentName. */
export function attachmentName(volumeHandle: string, driver: string, node: string): string {
  return `csi-${createHash('sha256').update(`${volumeHandle}${driver}${node}`).digest('hex')}`;
}

/** Others may make attachments as well, for purposes of their own: those are let be. */
const isOurs = (name: string): boolean => /^csi-[0-9a-f]{64}$/.test(name);

function isExclusive({ spec: { accessModes = [] } }: PersistentVolume): boolean {
  return accessModes.length > 0 && !accessModes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
}
