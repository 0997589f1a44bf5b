import type { PersistentVolumeClaim } from '../../api/generated/core-v1.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../api/generated/resources.ts';
import { keyOf } from '../../api/object.ts';
import { compareQuantities } from '../../api/quantity.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { LOCAL_PATH } from './local-path-provisioner.ts';
import { PROVISIONED_BY } from './volume-matching.ts';

const RESIZING = ['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError'];

/**
 * Gives claims that ask for more what they ask for, where the volume is a folder of the local-path provisioner: such a one has the room of its
 * node, so that only the books change. Others are left to their driver's resizer. Upstream: pkg/controller/volume/expand, external-resizer.
 */
export const volumeExpansionController: Controller = {
  name: 'volume_expand',
  start(context) {
    const { client, informers, recorder } = context;
    const claims = informers.informer(persistentVolumeClaims);
    const volumes = informers.informer(persistentVolumes);

    async function reconcile(key: string): Promise<void> {
      const claim = claims.get(key);
      const wanted = claim && wantedSize(claim);
      const volume = claim?.spec.volumeName ? volumes.get(claim.spec.volumeName) : undefined;
      if (!claim || wanted === undefined || !volume || volume.spec.claimRef?.uid !== claim.metadata.uid) return;
      if (volume.metadata.annotations?.[PROVISIONED_BY] !== LOCAL_PATH) {
        recorder.event(claim, 'Normal', 'ExternalExpanding', 'waiting for an external controller to expand this PVC');
        return;
      }
      // The volume first: a claim never has more than its volume.
      if (compareQuantities(volume.spec.capacity?.['storage'], wanted) < 0) {
        await client.update(persistentVolumes, { ...volume, spec: { ...volume.spec, capacity: { ...volume.spec.capacity, storage: wanted } } });
      }
      const conditions = claim.status?.conditions?.filter(({ type }) => !RESIZING.includes(type));
      const { allocatedResourceStatuses: _, ...status } = claim.status ?? {};
      await client.updateStatus(persistentVolumeClaims, {
        ...claim, status: { ...status, ...(conditions && { conditions }), capacity: { ...status.capacity, storage: wanted }, allocatedResources: { ...status.allocatedResources, storage: wanted } },
      });
      recorder.event(claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded');
    }

    const loop = startLoop(context, { name: 'volume_expand', needs: [claims, volumes], workers: 2, reconcile });
    loop.follow(claims, (claim) => (wantedSize(claim) === undefined ? [] : itself(claim)));
    loop.follow(volumes, ({ spec: { claimRef } }) => (claimRef?.name ? [keyOf({ metadata: { namespace: claimRef.namespace, name: claimRef.name } })] : []));
    return loop;
  },
};

/** What a bound claim asks for, if it has less. */
function wantedSize({ spec, status }: PersistentVolumeClaim): string | undefined {
  const wanted = spec.resources?.requests?.['storage'];
  return status?.phase === 'Bound' && wanted !== undefined && compareQuantities(status.capacity?.['storage'], wanted) < 0 ? wanted : undefined;
}
