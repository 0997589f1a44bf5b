import type { DeviceClass } from '../../api/generated/resource-v1.ts';
import type { Node, Pod } from '../../api/generated/core-v1.ts';
import { MAX_SCORE, type SchedulerPlugin } from '../framework.ts';
import type { Rejection } from '../rejection.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PluginArguments, ScoringStrategy } from '../scheduler-configuration.ts';
import type { PluginContext } from './plugin-context.ts';
import { podInfoOf, resourcesOf, type PodInfo, type Resources } from '../pod-info.ts';
import { resourcesByDevices, standsFor } from './extended-resources.ts';

/** A pod goes only where what it asks for is free, and rather where much is free. Upstream: plugins/noderesources Fit with LeastAllocated. */
export const nodeResourcesFit = (context: Pick<PluginContext, 'cluster' | 'waitingFor' | 'deviceClasses'>, { ignoredResources, ignoredResourceGroups, strategy }: NonNullable<PluginArguments['fit']> = DEFAULTS): SchedulerPlugin => ({
  name: 'NodeResourcesFit',
  local: true,
  filter: (_state, pod, node) => insufficiency(withoutDevices(counted(pod.requests, ignoredResources, ignoredResourceGroups), node.allocatable, context), node.allocatable, node.requested, node.pods.size),
  score: strategy === DEFAULTS.strategy ? (_state, pod, node) => leastAllocated(pod, node) : (_state, pod, node) => scoreBy(strategy, pod, node),
  hints: {
    Node(pod, { action, previous, object }) {
      if (action === 'delete') return false;
      const now = resourcesOf((object as Node).status?.allocatable);
      const { requests } = podInfoOf(pod);
      if (insufficiency(withoutDevices(requests, now, context), now, nothing, 0)) return false;
      if (action === 'add') return true;
      const before = resourcesOf((previous as Node).status?.allocatable);
      return now.pods > before.pods || grewWhereAsked(requests, before, now);
    },
    DeviceClass: (pod, { action, object }) => action !== 'delete' && standsFor(object as DeviceClass, podInfoOf(pod).requests),
    AssignedPod(pod, { action, previous, object }) {
      if (action === 'delete') return mayFit(podInfoOf(pod), context.cluster.node((object as Pod).spec.nodeName ?? ''), context);
      if (action === 'add') return false;
      // A resized pod may leave room.
      return grewWhereAsked(podInfoOf(pod).requests, podInfoOf(object as Pod).requests, podInfoOf(previous as Pod).requests);
    },
  },
});

/** Whether there is room, or would be if less important pods were taken away. `node` is undefined where it was no node's pod that went. */
function mayFit(pod: PodInfo, node: NodeInfo | undefined, { waitingFor }: Pick<PluginContext, 'waitingFor'>): boolean {
  if (!node) return true;
  let [count, milliCpu, memory] = [0, 0, 0];
  const take = (other: PodInfo): void => {
    if (other.priority < pod.priority || other.key === pod.key) return;
    count++;
    milliCpu += other.requests.milliCpu;
    memory += other.requests.memory;
  };
  for (const other of node.pods.values()) take(other);
  for (const other of waitingFor(node.name)) if (!node.pods.has(other.key)) take(other);
  // Of what few ask for, that much is not worth counting here.
  const { requests: { milliCpu: cpu, memory: bytes } } = pod;
  return count < node.allocatable.pods && (cpu === 0 || cpu <= node.allocatable.milliCpu - milliCpu) && (bytes === 0 || bytes <= node.allocatable.memory - memory);
}

const DEFAULTS: NonNullable<PluginArguments['fit']> = { ignoredResources: [], ignoredResourceGroups: [], strategy: { type: 'LeastAllocated', resources: [], shape: [] } };

/** Without extended resources that somebody else gives out. */
function counted(requests: Resources, ignored: readonly string[], groups: readonly string[]): Resources {
  if (requests.scalars.size === 0 || (ignored.length === 0 && groups.length === 0)) return requests;
  return { ...requests, scalars: new Map([...requests.scalars].filter(([name]) => !ignored.includes(name) && !groups.includes(name.split('/')[0]!))) };
}

/** Without what the node gives by devices, of which there is another plugin to say whether it can. */
function withoutDevices(requests: Resources, allocatable: Resources, { deviceClasses }: Pick<PluginContext, 'deviceClasses'>): Resources {
  if (requests.scalars.size === 0) return requests;
  const byDevices = resourcesByDevices(requests, allocatable, deviceClasses);
  return byDevices.size === 0 ? requests : { ...requests, scalars: new Map([...requests.scalars].filter(([name]) => !byDevices.has(name))) };
}

/** The weighted mean of what the strategy says of each resource, of which the node has some. Upstream: noderesources resource_allocation.go. */
export function scoreBy({ type, resources, shape }: ScoringStrategy, pod: PodInfo, { allocatable, requested, nonZeroRequested }: NodeInfo): number {
  let [sum, weights] = [0, 0];
  for (const { name, weight } of resources) {
    const [asked, capacity] = name === 'cpu' ? [nonZeroRequested.milliCpu + pod.nonZeroRequests.milliCpu, allocatable.milliCpu]
      : name === 'memory' ? [nonZeroRequested.memory + pod.nonZeroRequests.memory, allocatable.memory]
        : name === 'ephemeral-storage' ? [requested.ephemeralStorage + pod.requests.ephemeralStorage, allocatable.ephemeralStorage]
          : [(requested.scalars.get(name) ?? 0) + (pod.requests.scalars.get(name) ?? 0), allocatable.scalars.get(name) ?? 0];
    // What the pod does not ask for says nothing of where it should go.
    if (capacity === 0 || (name !== 'cpu' && name !== 'memory' && name !== 'ephemeral-storage' && !pod.requests.scalars.get(name))) continue;
    const score = type === 'LeastAllocated' ? freeShare(asked, capacity)
      : type === 'MostAllocated' ? Math.trunc((Math.min(asked, capacity) * MAX_SCORE) / capacity)
        : scoreAt(shape, asked > capacity ? 100 : Math.trunc((asked * 100) / capacity));
    sum += score * weight;
    if (type !== 'RequestedToCapacityRatio' || score > 0) weights += weight;
  }
  if (weights === 0) return 0;
  return type === 'RequestedToCapacityRatio' ? Math.round(sum / weights) : Math.trunc(sum / weights);
}

/** On the broken line through the points, whose scores go to 10. */
function scoreAt(shape: ScoringStrategy['shape'], utilization: number): number {
  const scale = MAX_SCORE / 10;
  const next = shape.findIndex((point) => utilization <= point.utilization);
  if (next < 0) return shape.at(-1)!.score * scale;
  if (next === 0) return shape[0]!.score * scale;
  const [a, b] = [shape[next - 1]!, shape[next]!];
  return Math.trunc((a.score + ((b.score - a.score) * (utilization - a.utilization)) / (b.utilization - a.utilization)) * scale);
}

const nothing: Resources = { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: new Map() };

/** What is missing; unresolvable where not even an empty node would have it. */
function insufficiency(requests: Resources, allocatable: Resources & { readonly pods: number }, requested: Resources, pods: number): Rejection | undefined {
  // Asked for every node, and mostly all is well: nothing is made for that answer.
  if (pods < allocatable.pods && requests.scalars.size === 0 && requests.ephemeralStorage === 0
    && requests.milliCpu <= allocatable.milliCpu - requested.milliCpu && requests.memory <= allocatable.memory - requested.memory) return undefined;
  const reasons: string[] = [];
  let hopeless = false;
  const check = (name: string, asked: number, used: number, capacity: number): void => {
    if (asked === 0 || asked <= capacity - used) return;
    reasons.push(`Insufficient ${name}`);
    if (asked > capacity) hopeless = true;
  };
  if (pods + 1 > allocatable.pods) reasons.push('Too many pods');
  check('cpu', requests.milliCpu, requested.milliCpu, allocatable.milliCpu);
  check('memory', requests.memory, requested.memory, allocatable.memory);
  check('ephemeral-storage', requests.ephemeralStorage, requested.ephemeralStorage, allocatable.ephemeralStorage);
  for (const [name, asked] of requests.scalars) check(name, asked, requested.scalars.get(name) ?? 0, allocatable.scalars.get(name) ?? 0);
  return reasons.length > 0 ? { reasons, unresolvable: hopeless } : undefined;
}

function grewWhereAsked(requests: Resources, before: Resources, after: Resources): boolean {
  return (requests.milliCpu > 0 && after.milliCpu > before.milliCpu) || (requests.memory > 0 && after.memory > before.memory)
    || (requests.ephemeralStorage > 0 && after.ephemeralStorage > before.ephemeralStorage)
    || [...requests.scalars].some(([name, asked]) => asked > 0 && (after.scalars.get(name) ?? 0) > (before.scalars.get(name) ?? 0));
}

/** The mean of the free shares of CPU and memory, after the pod would have come. */
export function leastAllocated(pod: PodInfo, node: NodeInfo): number {
  const { allocatable, nonZeroRequested } = node;
  const cpu = freeShare(nonZeroRequested.milliCpu + pod.nonZeroRequests.milliCpu, allocatable.milliCpu);
  const memory = freeShare(nonZeroRequested.memory + pod.nonZeroRequests.memory, allocatable.memory);
  const counted = (allocatable.milliCpu > 0 ? 1 : 0) + (allocatable.memory > 0 ? 1 : 0);
  return counted === 0 ? 0 : Math.trunc((cpu + memory) / counted);
}

function freeShare(asked: number, capacity: number): number {
  return asked >= capacity ? 0 : Math.trunc(((capacity - asked) * MAX_SCORE) / capacity);
}
