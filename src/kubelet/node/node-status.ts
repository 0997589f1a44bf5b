import type { NodeCondition, NodeStatus } from '../../api/generated/core-v1.ts';
import { quantityOf } from '../../api/quantity.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { Image, RuntimeStatus, RuntimeVersion } from '../../cri/runtime.ts';
import type { PressureCondition } from '../eviction/thresholds.ts';
import type { MachineFacts } from '../machine-facts.ts';
import { handlersOfNode, runtimeFeatures } from './runtime-features.ts';

export interface NodeStatusInput {
  readonly nodeName: string;
  /** Of each family one. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly machine: MachineFacts;
  readonly maxPods: number;
  readonly reserved: { readonly milliCpu: number; readonly memoryBytes: number };
  readonly kubeletVersion: string;
  readonly runtime: RuntimeVersion;
  readonly runtimeStatus: RuntimeStatus;
  readonly images: readonly Image[];
  /** undefined: ready. */
  readonly notReady?: string;
  readonly pressures: readonly PressureCondition[];
  /** Unique names of attachable volumes. */
  readonly volumesInUse: readonly string[];
  readonly previous: NodeStatus;
  readonly nowMs: number;
}

/** What not every kubelet of the last versions can do, and this one can; sorted. Upstream: component-helpers nodedeclaredfeatures/features. */
const DECLARED_FEATURES: readonly string[] = ['ExtendWebSocketsToKubelet', 'InPlacePodLevelResourcesVerticalScaling', 'InPlacePodVerticalScalingInitContainers', 'RestartAllContainersOnContainerExits'];
const MAX_IMAGES = 50;
const MIB = 2 ** 20;
const NO_HUGE_PAGES = [{ bytes: 2 ** 30, count: 0 }, { bytes: 2 * MIB, count: 0 }];

/** The status of a node. Pure. Upstream: kubelet/nodestatus/setters.go. */
export function nodeStatus(input: NodeStatusInput): NodeStatus {
  const { machine, runtime, reserved, maxPods } = input;
  const { volumesInUse: _, ...previous } = input.previous;
  const kibibytes = (bytes: number): string => `${Math.floor(bytes / 1024)}Ki`;
  const hugePages = Object.fromEntries((machine.hugePages ?? NO_HUGE_PAGES).map(({ bytes, count }) => [`hugepages-${quantityOf(bytes, 'units', 'BinarySI')}`, quantityOf(bytes * count, 'units', 'BinarySI')]));
  const resources = (milliCpu: number, memoryBytes: number, storage: string) => ({
    cpu: quantityOf(milliCpu, 'milli'), 'ephemeral-storage': storage, ...hugePages, memory: kibibytes(memoryBytes), pods: String(maxPods),
  });
  const milliCpu = machine.cpus * 1000;
  const hugeBytes = (machine.hugePages ?? []).reduce((sum, { bytes, count }) => sum + bytes * count, 0);
  const images = [...input.images].filter((image) => image.repoTags.length + image.repoDigests.length > 0).sort((a, b) => b.size - a.size).slice(0, MAX_IMAGES);
  return {
    ...previous,
    capacity: resources(milliCpu, machine.memoryBytes, kibibytes(machine.storageBytes)),
    // A tenth of the disk is kept for the node itself, as upstream's eviction threshold does.
    allocatable: resources(milliCpu - reserved.milliCpu, machine.memoryBytes - reserved.memoryBytes - hugeBytes - 100 * MIB, String(Math.floor(machine.storageBytes * 0.9))),
    conditions: mergeConditions(previous.conditions ?? [], nodeConditions(input), input.nowMs),
    addresses: [...input.addresses.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: input.nodeName }],
    daemonEndpoints: { kubeletEndpoint: { Port: input.port } },
    nodeInfo: {
      machineID: machine.machineId, systemUUID: machine.systemUuid, bootID: machine.bootId, kernelVersion: machine.kernelVersion, osImage: machine.osImage,
      containerRuntimeVersion: `${runtime.runtimeName}://${runtime.runtimeVersion.replace(/^v/, '')}`, kubeletVersion: input.kubeletVersion, kubeProxyVersion: '',
      operatingSystem: 'linux', architecture: machine.architecture,
    },
    images: images.map((image) => ({ names: [...image.repoDigests, ...image.repoTags].slice(0, 5), sizeBytes: image.size })),
    runtimeHandlers: handlersOfNode(input.runtimeStatus),
    ...(input.volumesInUse.length > 0 && { volumesInUse: input.volumesInUse }),
    features: { supplementalGroupsPolicy: runtimeFeatures(input.runtimeStatus).supplementalGroupsPolicy },
    declaredFeatures: DECLARED_FEATURES,
  };
}

function nodeConditions({ pressures, notReady }: NodeStatusInput): readonly NodeCondition[] {
  return [
    pressures.includes('MemoryPressure') ? { type: 'MemoryPressure', status: 'True', reason: 'KubeletHasInsufficientMemory', message: 'kubelet has insufficient memory available' }
      : { type: 'MemoryPressure', status: 'False', reason: 'KubeletHasSufficientMemory', message: 'kubelet has sufficient memory available' },
    pressures.includes('DiskPressure') ? { type: 'DiskPressure', status: 'True', reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' }
      : { type: 'DiskPressure', status: 'False', reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure' },
    pressures.includes('PIDPressure') ? { type: 'PIDPressure', status: 'True', reason: 'KubeletHasInsufficientPID', message: 'kubelet has insufficient PID available' }
      : { type: 'PIDPressure', status: 'False', reason: 'KubeletHasSufficientPID', message: 'kubelet has sufficient PID available' },
    notReady === undefined ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: notReady },
  ];
}

function mergeConditions(previous: readonly NodeCondition[], next: readonly NodeCondition[], nowMs: number): readonly NodeCondition[] {
  const now = rfc3339(nowMs);
  const own = next.map((condition) => {
    const before = previous.find((p) => p.type === condition.type);
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime: before?.status === condition.status && before.lastTransitionTime ? before.lastTransitionTime : now };
  });
  return [...previous.filter((p) => !next.some((n) => n.type === p.type)), ...own];
}

/** Heartbeats aside, whether two statuses say the same. */
export function withoutHeartbeats(status: NodeStatus): unknown {
  return { ...status, conditions: status.conditions?.map(({ lastHeartbeatTime: _, ...rest }) => rest) };
}
