import type { PersistentVolume, PersistentVolumeClaim } from '../../api/generated/core-v1.ts';
import type { StorageClass } from '../../api/generated/storage-v1.ts';
import { nodes as nodeResource, persistentVolumeClaims, persistentVolumes, storageClasses } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import type { New } from '../../api/object.ts';
import { referenceTo } from '../../client/event-recorder.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { classOf, PROVISIONED_BY, SELECTED_NODE, STORAGE_PROVISIONER } from './volume-matching.ts';

/** What a storage class names as its provisioner to get folders on the nodes. */
export const LOCAL_PATH = 'wherry.dev/local-path';
const DEFAULT_ROOT = '/var/lib/wherry/local-path';

/**
 * Makes volumes that are folders on the node where the claim is used first; with `volumeBindingMode: Immediate` on any
 * ready node. The kubelet makes the folder when a pod mounts it. On the claim's end the volume goes (where its class says
 * `Delete`); the folder is the node's to remove when it sees that.
 */
export const localPathProvisionerController: Controller = {
  name: 'local-path-provisioner',
  start(context) {
    const { client, informers, recorder } = context;
    const claims = informers.informer(persistentVolumeClaims);
    const volumes = informers.informer(persistentVolumes);
    const classes = informers.informer(storageClasses);
    const nodes = informers.informer(nodeResource);

    async function provision(key: string): Promise<void> {
      const claim = claims.get(key);
      const storageClass = claim && classes.get(classOf(claim));
      if (!claim || claim.spec.volumeName || claim.metadata.deletionTimestamp || claim.metadata.annotations?.[STORAGE_PROVISIONER] !== LOCAL_PATH || !storageClass) return;
      const node = claim.metadata.annotations[SELECTED_NODE] ?? (storageClass.volumeBindingMode === 'WaitForFirstConsumer' ? undefined : anyNode());
      if (!node) return;
      const volume = localVolume(claim, storageClass, node);
      if (volumes.get(volume.metadata.name!)) return;
      try {
        await client.create(persistentVolumes, volume);
        recorder.event(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${volume.metadata.name}`);
      } catch (error) {
        if (isReason(error, 'AlreadyExists')) return;
        recorder.event(claim, 'Warning', 'ProvisioningFailed', `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${(error as Error).message}`);
        throw error;
      }
    }

    function anyNode(): string | undefined {
      return nodes.list().find((node) => node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'))?.metadata.name;
    }

    async function reclaim(name: string): Promise<void> {
      const volume = volumes.get(name);
      if (volume?.metadata.annotations?.[PROVISIONED_BY] !== LOCAL_PATH || volume.metadata.deletionTimestamp) return;
      if (volume.status?.phase !== 'Released' || volume.spec.persistentVolumeReclaimPolicy !== 'Delete') return;
      try {
        await client.delete(persistentVolumes, { name }, { preconditions: { uid: volume.metadata.uid } });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }

    const needs = [claims, volumes, classes, nodes];
    const makes = startLoop(context, { name: 'local-path-provisioner', needs, workers: 2, reconcile: provision });
    makes.follow(claims, itself);
    const unmakes = startLoop(context, { name: 'local-path-reclaimer', needs, workers: 1, reconcile: reclaim });
    unmakes.follow(volumes, itself);
    const both = new AsyncDisposableStack();
    both.use(makes);
    both.use(unmakes);
    return both;
  },
};

function localVolume(claim: PersistentVolumeClaim, storageClass: StorageClass, node: string): New<PersistentVolume> {
  const name = `pvc-${claim.metadata.uid}`;
  const root = storageClass.parameters?.['path'] ?? DEFAULT_ROOT;
  const onNode = { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] };
  return {
    metadata: { name, annotations: { [PROVISIONED_BY]: LOCAL_PATH } },
    spec: {
      capacity: { storage: claim.spec.resources?.requests?.['storage'] ?? '0' },
      accessModes: claim.spec.accessModes ?? ['ReadWriteOnce'],
      volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      hostPath: { path: `${root}/${name}_${claim.metadata.namespace}_${claim.metadata.name}`, type: 'DirectoryOrCreate' },
      nodeAffinity: { required: { nodeSelectorTerms: [onNode] } },
      claimRef: referenceTo(claim),
    },
  };
}
