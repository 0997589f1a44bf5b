import { createHash } from 'node:crypto';
import type { Node, PersistentVolume, Pod } from '../../api/generated/core-v1.ts';
import type { VolumeAttachment } from '../../api/generated/storage-v1.ts';
import { csiDrivers, nodes as nodeResource, persistentVolumeClaims, persistentVolumes, pods as podResource, volumeAttachments } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf } from '../../api/object.ts';
import { isPodTerminal } from '../../api/pod/conditions.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { claimNames } from './storage-protection.ts';

/** A pod that has ended keeps its volumes for so long, for its kubelet to say that it still has them mounted. */
const UNMOUNT_MS = 10_000;
/** A node that is not well has so long to unmount what nobody wants there any more. Upstream: ReconcilerMaxWaitForUnmountDuration. */
const FORCE_MS = 6 * 60_000;
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';
const CLAIM_INDEX = 'claims of attachments';

/**
 * Asks the attachers of CSI drivers, by VolumeAttachments, to bring volumes to the nodes whose pods want them, and to take them away when no pod
 * does any longer. Upstream: pkg/controller/volume/attachdetach, pkg/volume/csi/csi_attacher.go. What a node says
 * it uses is left there, unless the node is out of service or has not been well for long.
 */
export const attachDetachController: Controller = {
  name: 'persistentvolume-attach-detach-controller',
  eventSource: 'attachdetach-controller',
  start(context) {
    const { client, clock, informers, recorder } = context;
    const pods = informers.informer(podResource);
    const claims = informers.informer(persistentVolumeClaims);
    const volumes = informers.informer(persistentVolumes);
    const drivers = informers.informer(csiDrivers);
    const attachments = informers.informer(volumeAttachments);
    const nodes = informers.informer(nodeResource);
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
      const holder = nodes.get(node);
      if (volume && holder && isInUse(holder, volume)) {
        const forceMs = since + FORCE_MS - clock.now();
        if (!isReady(holder) && forceMs > 0) return { requeueAfterMs: forceMs };
        if (isReady(holder)) return;
      }
      for (const { metadata: { name, uid, deletionTimestamp } } of existing) if (!deletionTimestamp) await detach(name, uid);
    }

    /** Writes into the node what is attached to it, before anything is taken away from it. Upstream: statusupdater. */
    async function tellNode(name: string): Promise<void> {
      const node = nodes.get(name);
      if (!node) return;
      const there = attachments.list().filter(({ metadata, spec, status }) => spec.nodeName === name && status?.attached && !metadata.deletionTimestamp && isOurs(metadata.name));
      const volumesAttached = there.flatMap(({ spec }) => volumes.get(spec.source.persistentVolumeName ?? '') ?? []).map((volume) => ({ name: uniqueName(volume), devicePath: '' })).sort((a, b) => (a.name < b.name ? -1 : 1));
      if (semanticEqual(volumesAttached, node.status?.volumesAttached ?? [])) return;
      const body = { status: { volumesAttached: volumesAttached.length > 0 ? volumesAttached : null } };
      try {
        await client.patch(nodeResource, { name }, { type: 'application/merge-patch+json', body }, { subresource: 'status' });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
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

    const loop = startLoop(context, { name: 'persistentvolume-attach-detach-controller', needs: [pods, claims, volumes, drivers, attachments, nodes], workers: 4, reconcile });
    const ofNodes = startLoop(context, { name: 'volumes-attached-to-nodes', needs: [attachments, volumes, nodes], workers: 1, reconcile: tellNode });
    ofNodes.follow(attachments, ({ spec: { nodeName } }) => [nodeName]);
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
    const revisit = (node: Node): void => attachments.list().forEach(({ spec }) => {
      if (spec.nodeName === node.metadata.name && spec.source.persistentVolumeName) loop.enqueue(`${spec.nodeName}/${spec.source.persistentVolumeName}`);
    });
    loop.own(nodes.subscribe({
      update: (before, node) => {
        if (!semanticEqual(before.status?.volumesInUse, node.status?.volumesInUse) || !semanticEqual(before.spec?.taints, node.spec?.taints) || isReady(before) !== isReady(node)) revisit(node);
      },
      delete: revisit,
    }));
    const both = new AsyncDisposableStack();
    both.use(loop);
    both.use(ofNodes);
    return both;
  },
};

/** As kubelets call the volume. Upstream: util.GetUniqueVolumeName. */
const uniqueName = ({ spec: { csi } }: PersistentVolume): string => `kubernetes.io/csi/${csi?.driver ?? ''}^${csi?.volumeHandle ?? ''}`;

/** Whether the node has it mounted, or is about to, as far as it counts: what is out of service has nothing mounted. */
function isInUse({ spec, status }: Node, volume: PersistentVolume): boolean {
  return (status?.volumesInUse ?? []).includes(uniqueName(volume)) && !spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE);
}

const isReady = ({ status }: Node): boolean => status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;

/** What kubelets compute as well. Upstream: csi_attacher.go, getAttachmentName. */
export function attachmentName(volumeHandle: string, driver: string, node: string): string {
  return `csi-${createHash('sha256').update(`${volumeHandle}${driver}${node}`).digest('hex')}`;
}

/** Others may make attachments as well, for purposes of their own: those are let be. */
const isOurs = (name: string): boolean => /^csi-[0-9a-f]{64}$/.test(name);

function isExclusive({ spec: { accessModes = [] } }: PersistentVolume): boolean {
  return accessModes.length > 0 && !accessModes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
}
