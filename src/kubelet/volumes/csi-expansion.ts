import { persistentVolumeClaims } from '../../api/generated/resources.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/generated/core-v1.ts';
import { compareQuantities, quantityValue } from '../../api/quantity.ts';
import { isRuntimeError } from '../../cri/runtime.ts';
import type { VolumeContext } from './volume-type.ts';

/** What the driver's NodeExpandVolume is asked besides the size. */
export interface ExpansionRequest {
  readonly volumeId: string;
  readonly volumePath: string;
  readonly stagingTargetPath: string;
  readonly volumeCapability: object;
  readonly secrets: Readonly<Record<string, string>>;
}

/** Whether the volume has grown and its file system has not: the claim says what the pod has, the volume what there is. Pure. */
export function hasGrown(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  const [has, there] = [claim.status?.capacity?.['storage'], volume.spec.capacity?.['storage']];
  return has !== undefined && there !== undefined && compareQuantities(there, has) > 0;
}

/**
 * Lets the driver make the file system (or the device, as the node sees it) as large as the volume, and says so in the claim. Rejects where the driver fails; where
 * it cannot be done here as things are (FailedPrecondition), the pod goes on with what it has. Upstream: operationexecutor nodeExpandVolume, util.MarkFSResizeFinished.
 */
export async function expandOnNode({ client, ground }: VolumeContext, call: (name: string, request: object) => Promise<unknown>, claim: PersistentVolumeClaim, volume: PersistentVolume, request: ExpansionRequest): Promise<void> {
  const storage = volume.spec.capacity!['storage']!;
  try {
    await call('NodeExpandVolume', { ...request, capacityRange: { requiredBytes: quantityValue(storage) } });
  } catch (error) {
    if (isRuntimeError(error, 'FailedPrecondition')) return ground.log.warn('a volume cannot be expanded on this node', { volume: volume.metadata.name, error });
    throw new Error(`MountVolume.NodeExpandVolume failed for volume "${volume.metadata.name}" : ${(error as Error).message}`, { cause: error });
  }
  const { namespace, name } = claim.metadata;
  const body = {
    status: {
      capacity: { storage }, allocatedResourceStatuses: { storage: null },
      conditions: (claim.status?.conditions ?? []).filter(({ type }) => ['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError'].includes(type)).map(({ type }) => ({ $patch: 'delete', type })),
    },
  };
  await client.patch(persistentVolumeClaims, { namespace, name }, { type: 'application/strategic-merge-patch+json', body }, { subresource: 'status' });
}
