import type { Pod, PodCondition, PodStatus, ResourceRequirements } from '../../api/generated/core-v1.ts';
import { qosClass } from '../../api/pod/qos-class.ts';
import { podResourceLimits, podResourceRequests } from '../../api/pod/resources.ts';
import { rfc3339 } from '../../base/clock.ts';
import { isPodLimited } from '../container/resources.ts';
import { containerStatuses, type ContainerStatusesInput } from './container-statuses.ts';
import type { PodObservation } from './observation.ts';
import { mayRestartAll } from './pod-containers.ts';
import { podPhase } from './phase.ts';
import { usableSandbox } from './pod-actions.ts';
import { allContainersRestarting, containersReady, KUBELET_CONDITIONS, podInitialized, podReady } from './pod-conditions.ts';

/** Why a pod was ended from here; `disruption` where it was for the node's sake. */
export interface PodFailure {
  readonly reason: string;
  readonly message: string;
  readonly disruption?: { readonly reason: string; readonly message: string };
}

export interface PodStatusInput extends Omit<ContainerStatusesInput, 'previous'> {
  /** What was last said of the pod: the API's status, or a later one that is on its way there. */
  readonly previous: PodStatus;
  readonly hostIps: readonly string[];
  readonly nowMs: number;
  /** Of a change of its resources that is under way or refused. */
  readonly resizeConditions?: readonly PodCondition[];
  /** The pod with what it was given as a whole, and with what it has now. Absent: what its spec says. */
  readonly sized?: { readonly allocated: Pod; readonly actual: Pod };
  /** The pod was ended from here (deadline, eviction): overrides what its containers would say. */
  readonly failure?: PodFailure;
}

/** The whole status of a pod. Pure. Upstream: kubelet generateAPIPodStatus. */
export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, observation, previous, nowMs, hostIps, failure } = input;
  const initContainerStatuses = containerStatuses('init', { ...input, previous: previous.initContainerStatuses ?? [] });
  const regular = containerStatuses('regular', { ...input, previous: previous.containerStatuses ?? [] });
  const ephemeral = containerStatuses('ephemeral', { ...input, previous: previous.ephemeralContainerStatuses ?? [] });
  const all = [...initContainerStatuses, ...regular];
  const initialized = observation.containers.some((c) => c.startedMs > 0 && pod.spec.containers.some(({ name }) => name === c.name));
  const next = finalPhase(previous.phase, failure ? 'Failed' : podPhase(pod, all, input.terminating, initialized));
  // A pod is not over while anything of it runs: others may take its place only then.
  const own = isFinal(next) && observation.containers.some((c) => c.state === 'running') ? previous.phase ?? 'Pending' : next;
  const phase = finalPhase(pod.status?.phase, own);
  const said = isFinal(phase) && failure ? failure : (phase === previous.phase ? { reason: previous.reason || pod.status?.reason, message: previous.message || pod.status?.message } : undefined);

  const others = (previous.conditions ?? []).filter((condition) => !KUBELET_CONDITIONS.includes(condition.type) && !(failure?.disruption && condition.type === 'DisruptionTarget'));
  const ready = containersReady(pod, all, phase);
  const verdicts = [
    { type: 'PodReadyToStartContainers', ...(usableSandbox(pod, observation) ? { status: 'True' } : { status: 'False' }) },
    { type: 'Initialized', ...podInitialized(pod, all, phase) },
    { type: 'Ready', ...podReady(pod, ready, others) },
    { type: 'ContainersReady', ...ready },
    { type: 'PodScheduled', status: 'True' },
    ...(mayRestartAll(pod) ? [{ type: 'AllContainersRestarting', ...allContainersRestarting(pod, observation.containers, phase) }] : []),
    ...(input.resizeConditions ?? []),
    ...(failure?.disruption ? [{ type: 'DisruptionTarget', status: 'True', ...failure.disruption }] : []),
  ];
  const conditions = [...others, ...verdicts.map((verdict) => condition(verdict, pod, previous.conditions ?? [], nowMs))];
  const podIps = addresses(pod, observation, previous, hostIps);
  return {
    ...keptFields(previous),
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase, conditions,
    ...(said?.message && { message: said.message }), ...(said?.reason && { reason: said.reason }),
    ...(hostIps.length > 0 && { hostIP: hostIps[0]!, hostIPs: hostIps.map((ip) => ({ ip })) }),
    ...(podIps.length > 0 && { podIP: podIps[0]!, podIPs: podIps.map((ip) => ({ ip })) }),
    startTime: previous.startTime ?? rfc3339(nowMs),
    ...(initContainerStatuses.length > 0 && { initContainerStatuses }),
    containerStatuses: regular,
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
    qosClass: previous.qosClass ?? qosClass(pod),
    ...podLevelResources(input.sized ?? { allocated: pod, actual: pod }, phase),
  };
}

/** Of the pod as a whole: what is allocated, and what its cgroup has while it runs. Upstream: kubelet convertToAPIPodLevelResourcesStatus. */
function podLevelResources({ allocated, actual }: { readonly allocated: Pod; readonly actual: Pod }, phase: string): Pick<PodStatus, 'allocatedResources' | 'resources'> {
  const allocatedResources = podResourceRequests(allocated);
  const runs = phase === 'Running';
  const some = (list: Readonly<Record<string, string>>, own: Readonly<Record<string, string>> = {}) => (runs ? Object.fromEntries(Object.entries(list).filter(([name]) => name in own || name === 'cpu' || name === 'memory')) : list);
  const { resources } = actual.spec;
  const requests = some(runs ? podResourceRequests(actual) : allocatedResources, resources?.requests);
  // While it runs, what its cgroup is limited to: nothing where one of its containers is not.
  const limits = runs ? { ...some(resources?.limits ?? {}, resources?.limits), ...limitsOfCgroup(actual) } : podResourceLimits(allocated);
  const whole: ResourceRequirements = { ...(Object.keys(limits).length > 0 && { limits }), ...(Object.keys(requests).length > 0 && { requests }) };
  return { ...(Object.keys(allocatedResources).length > 0 && { allocatedResources }), resources: whole };
}

function limitsOfCgroup(pod: Pod): Readonly<Record<string, string>> {
  const limits = podResourceLimits(pod);
  return Object.fromEntries(['cpu', 'memory'].flatMap((name) => (limits[name] !== undefined && isPodLimited(pod, name) ? [[name, limits[name]]] : [])));
}

/** Of a pod refused before anything was started for it. */
export function rejectedStatus(pod: Pod, reason: string, message: string, nowMs: number): PodStatus {
  const previous = pod.status ?? {};
  return {
    ...previous, ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase: 'Failed', reason, message: `Pod was rejected: ${message}`, startTime: previous.startTime ?? rfc3339(nowMs), qosClass: previous.qosClass ?? qosClass(pod),
  };
}

export const isFinal = (phase: string | undefined): boolean => phase === 'Succeeded' || phase === 'Failed';

/** A pod never leaves a final phase, whoever gave it. */
function finalPhase(previous: string | undefined, next: string): string {
  return isFinal(previous) ? previous! : next;
}

function condition(verdict: PodCondition, pod: Pod, previous: readonly PodCondition[], nowMs: number): PodCondition {
  const before = previous.find((c) => c.type === verdict.type);
  const lastTransitionTime = before?.status === verdict.status && before.lastTransitionTime ? before.lastTransitionTime : rfc3339(nowMs);
  return { ...verdict, lastTransitionTime, ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }) };
}

/** Once given, a pod's addresses stay in its status, after its sandbox is gone too. */
function addresses(pod: Pod, observation: PodObservation, previous: PodStatus, hostIps: readonly string[]): readonly string[] {
  if (pod.spec.hostNetwork) return hostIps;
  const sandbox = observation.sandboxes[0];
  return sandbox && sandbox.ips.length > 0 ? sandbox.ips : (previous.podIPs ?? []).map(({ ip }) => ip);
}

/** What the kubelet passes on unread. */
function keptFields(previous: PodStatus): PodStatus {
  const { nominatedNodeName, resize, resourceClaimStatuses, extendedResourceClaimStatus } = previous;
  return {
    ...(nominatedNodeName !== undefined && { nominatedNodeName }), ...(resize !== undefined && { resize }),
    ...(resourceClaimStatuses !== undefined && { resourceClaimStatuses }), ...(extendedResourceClaimStatus !== undefined && { extendedResourceClaimStatus }),
  };
}
