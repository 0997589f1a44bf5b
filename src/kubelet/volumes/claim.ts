import { realpath } from 'node:fs/promises';
import { persistentVolumeClaims, persistentVolumes } from '../../api/generated/resources.ts';
import { mountPersistent } from './csi.ts';
import { ensureHostPath } from './host-path.ts';
import type { VolumeType } from './volume-type.ts';

/** A claim bound to a volume of this machine: a host path or a local folder. Upstream: kubelet/volumemanager/populator, pkg/volume/local. */
export const claimVolume: VolumeType = {
  name: 'local-volume',
  matches: (volume) => volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined,
  async setUp(context) {
    const { pod, volume, client } = context;
    const { namespace, name: podName, uid } = pod.metadata;
    const name = volume.persistentVolumeClaim?.claimName ?? `${podName}-${volume.name}`;
    const claim = await client.get(persistentVolumeClaims, { namespace, name });
    if (volume.ephemeral && !claim.metadata.ownerReferences?.some((owner) => owner.uid === uid)) throw new Error(`PVC ${namespace}/${name} was not created for pod ${namespace}/${podName} (pod is not owner)`);
    if (claim.metadata.deletionTimestamp) throw new Error(`can't start pod because PVC ${namespace}/${name} is being deleted`);
    if (claim.status?.phase !== 'Bound' || !claim.spec.volumeName) throw new Error(`PVC ${namespace}/${name} has non-bound phase ("${claim.status?.phase ?? ''}") or empty pvc.Spec.VolumeName ("${claim.spec.volumeName ?? ''}")`);
    const bound = await client.get(persistentVolumes, { name: claim.spec.volumeName });
    const { spec } = bound;
    if (spec.claimRef?.uid !== claim.metadata.uid) throw new Error(`PV ${claim.spec.volumeName} is bound to another claim`);
    if (spec.csi) return mountPersistent(context, claim, bound, volume.persistentVolumeClaim?.readOnly ?? false);
    const path = spec.hostPath?.path ?? spec.local?.path;
    if (path === undefined) throw new Error(`no volume plugin matched PV ${claim.spec.volumeName}`);
    const readOnly = volume.persistentVolumeClaim?.readOnly ?? false;
    if (spec.volumeMode === 'Block') {
      if (!spec.local) throw new Error(`volume ${claim.spec.volumeName} has volumeMode Block, which host paths cannot have`);
      await ensureHostPath(path, 'BlockDevice');
      return { path: await realpath(path), readOnly, isDevice: true };
    }
    await ensureHostPath(path, spec.local ? 'Directory' : spec.hostPath?.type);
    return { path, readOnly, owned: spec.local !== undefined };
  },
};
