import type { Pod } from '../../api/generated/core-v1.ts';
import { isSidecar, podContainers } from '../pod/pod-containers.ts';
import type { ClaimRecord } from './claim-records.ts';
import type { PodDevices } from './pod-devices.ts';

/**
 * What the containers of a pod have of the node's devices, as the pod resources API tells it. Processors and memory are not given to
 * containers one by one here, and there are no device plugins: those fields stay empty. Upstream: kubelet/apis/podresources/server_v1.go.
 */
export function podResources(pod: Pod, devices: Pick<PodDevices, 'claimsOf'>): object {
  const { name, namespace } = pod.metadata;
  const lasting = podContainers(pod).filter((item) => item.role === 'regular' || isSidecar(item));
  return { name, namespace, containers: lasting.map(({ container }) => ({ name: container.name, dynamicResources: devices.claimsOf(pod, container).map(dynamicResource) })) };
}

function dynamicResource({ name, namespace, drivers }: ClaimRecord): object {
  return {
    claimName: name, claimNamespace: namespace,
    claimResources: Object.entries(drivers).flatMap(([driverName, devices]) => devices.map(({ poolName, deviceName, cdiDeviceIds, shareId }) => ({
      cdiDevices: cdiDeviceIds.map((id) => ({ name: id })), driverName, poolName, deviceName, shareId,
    }))),
  };
}
