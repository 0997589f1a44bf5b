import type { Pod, ResourceRequirements } from '../../api/generated/core-v1.ts';
import { qosClass } from '../../api/pod/qos-class.ts';
import { containerTotals, podResourceLimits, podResourceRequests } from '../../api/pod/resources.ts';
import { milliValue, quantityValue } from '../../api/quantity.ts';
import type { LinuxContainerResources } from '../../cri/runtime.ts';
import type { PodCgroups } from './pod-cgroups.ts';
import type { AnyContainer } from '../pod/pod-containers.ts';
import { isSidecar, podContainers } from '../pod/pod-containers.ts';

const PERIOD_US = 100_000;
const MIN_QUOTA_US = 1000;
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;

/** Upstream: cm.MilliCPUToShares. */
export function cpuShares(milliCpu: number): number {
  return milliCpu === 0 ? MIN_SHARES : Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((milliCpu * 1024) / 1000)));
}

/** Microseconds of CPU time in a period of 100 ms; 0: no limit. Upstream: cm.MilliCPUToQuota. */
export function cpuQuota(milliCpu: number): number {
  return milliCpu === 0 ? 0 : Math.max(MIN_QUOTA_US, Math.floor((milliCpu * PERIOD_US) / 1000));
}

/** Priority of system-node-critical and above, whose pods the OOM killer spares. */
const NODE_CRITICAL = 2_000_001_000;

/** -997 (spared) to 1000 (first to go). Upstream: kubelet/qos/policy.go. */
export function oomScoreAdjust(pod: Pod, container: AnyContainer, memoryCapacity: number): number {
  if ((pod.spec.priority ?? 0) >= NODE_CRITICAL) return -997;
  const qos = pod.status?.qosClass ?? qosClass(pod);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const share = shareOfPodMemory(pod);
  const scoreOf = (bytes: number): number => 1000 - Math.floor((1000 * (bytes + share)) / memoryCapacity);
  let score = scoreOf(quantityValue(container.resources?.requests?.['memory']));
  const sidecar = podContainers(pod).some((item) => item.container === container && isSidecar(item));
  if (sidecar) score = Math.min(score, scoreOf(Math.min(...pod.spec.containers.map((c) => quantityValue(c.resources?.requests?.['memory'])))));
  return score < 3 ? 3 : score === 1000 ? 999 : score;
}

/** What the pod as a whole asks for beyond its containers, divided among these, in bytes. Upstream: qos.remainingPodMemReqPerContainer. */
function shareOfPodMemory({ spec }: Pod): number {
  const whole = quantityValue(spec.resources?.requests?.['memory']);
  if (whole === 0) return 0;
  return Math.trunc((whole - quantityValue(containerTotals(spec, 'requests')['memory'])) / (spec.containers.length + (spec.initContainers?.length ?? 0)));
}

/** A container without a limit of its own has its pod's. Upstream: kubelet/util GetLimits. */
export function limitsWithin(pod: ResourceRequirements | undefined, own: ResourceRequirements): ResourceRequirements {
  const missing = (['cpu', 'memory'] as const).filter((name) => pod?.limits?.[name] !== undefined && milliValue(own.limits?.[name]) === 0);
  return missing.length === 0 ? own : { ...own, limits: { ...own.limits, ...Object.fromEntries(missing.map((name) => [name, pod!.limits![name]!])) } };
}

/**
 * Upstream: kuberuntime generateLinuxContainerResources. Version 2 of cgroups alone can end all processes of a container that runs out of memory together, so that none
 * is left half alive; and without a word of swap a limit of memory there would be one of memory alone.
 */
export function linuxResources(pod: Pod, container: AnyContainer, memoryCapacity: number, version: PodCgroups['version']): LinuxContainerResources {
  const { requests, limits }: ResourceRequirements = limitsWithin(pod.spec.resources, container.resources ?? {});
  const memory = quantityValue(limits?.['memory']);
  return {
    cpuShares: cpuShares(milliValue(requests?.['cpu'] ?? limits?.['cpu'])),
    cpuQuota: cpuQuota(milliValue(limits?.['cpu'])), cpuPeriod: PERIOD_US,
    oomScoreAdj: oomScoreAdjust(pod, container, memoryCapacity),
    ...(memory > 0 && { memoryLimitInBytes: memory }), ...hugePageLimits(limits),
    ...(version === 'v2' && { unified: { 'memory.oom.group': '1' }, ...(memory > 0 && { memorySwapLimitInBytes: memory }) }),
  };
}

/** Of each page size that a limit names. Upstream: kuberuntime GetHugepageLimitsFromResources. */
function hugePageLimits(limits: ResourceRequirements['limits'] = {}): Pick<LinuxContainerResources, 'hugepageLimits'> {
  const found = Object.entries(limits).flatMap(([name, amount]) => {
    const size = /^hugepages-(.+)$/.exec(name)?.[1];
    return size === undefined ? [] : [{ pageSize: size.replace(/i$/, 'B'), limit: quantityValue(amount) }];
  });
  return found.length > 0 ? { hugepageLimits: found } : {};
}

/** One container without a limit may use what the node has, and so may the pod. */
export const isPodLimited = (pod: Pod, name: string): boolean => pod.spec.resources?.limits?.[name] !== undefined
  || podContainers(pod).every(({ container, role }) => role === 'ephemeral' || container.resources?.limits?.[name] !== undefined);

/** What the whole pod's cgroup gets. Upstream: cm.ResourceConfigForPod. */
export function podCgroupResources(pod: Pod): LinuxContainerResources {
  const requests = podResourceRequests(pod);
  const limits = podResourceLimits(pod);
  return {
    cpuShares: cpuShares(milliValue(requests['cpu'])),
    ...(isPodLimited(pod, 'cpu') && { cpuQuota: cpuQuota(milliValue(limits['cpu'])), cpuPeriod: PERIOD_US }),
    ...(isPodLimited(pod, 'memory') && { memoryLimitInBytes: quantityValue(limits['memory']) }),
  };
}

/** `/kubepods/burstable/pod<UID>`; guaranteed pods are right under `/kubepods`. */
export function podCgroupPath(pod: Pod, root = ''): string {
  const qos = pod.status?.qosClass ?? qosClass(pod);
  return `${root}/kubepods${qos === 'Guaranteed' ? '' : `/${qos.toLowerCase()}`}/pod${pod.metadata.uid}`;
}
