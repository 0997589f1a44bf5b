import type { PluginArguments } from '../scheduler-configuration.ts';
import type { WeightedPlugin } from '../scheduling-cycle.ts';
import { dynamicResources } from './dynamic-resources.ts';
import { imageLocality } from './image-locality.ts';
import { interPodAffinity } from './inter-pod-affinity.ts';
import { nodeAffinity } from './node-affinity.ts';
import { nodeDeclaredFeatures } from './node-declared-features.ts';
import { nodeName } from './node-name.ts';
import { nodePorts } from './node-ports.ts';
import { nodeResourcesBalancedAllocation } from './node-resources-balanced-allocation.ts';
import { nodeResourcesFit } from './node-resources-fit.ts';
import { nodeUnschedulable } from './node-unschedulable.ts';
import { nodeVolumeLimits } from './node-volume-limits.ts';
import type { PluginContext } from './plugin-context.ts';
import { podTopologySpread } from './pod-topology-spread.ts';
import { schedulingGates } from './scheduling-gates.ts';
import { taintToleration } from './taint-toleration.ts';
import { volumeBinding } from './volume-binding.ts';
import { volumeRestrictions } from './volume-restrictions.ts';
import { volumeZone } from './volume-zone.ts';

/**
 * All plugins in the order in which they filter, with the weights of upstream's default profile. Order of the queue (PrioritySort),
 * preemption (DefaultPreemption) and binding (DefaultBinder) are parts of the scheduler itself: there is one way of each.
 */
export const createPlugins = (context: PluginContext, { fit, hardPodAffinityWeight, defaultConstraints, devices }: PluginArguments = {}): readonly WeightedPlugin[] => [
  { plugin: schedulingGates(), weight: 0 },
  { plugin: nodeUnschedulable(), weight: 0 },
  { plugin: nodeName(), weight: 0 },
  { plugin: taintToleration(), weight: 3 },
  { plugin: nodeAffinity(), weight: 2 },
  { plugin: nodePorts(), weight: 0 },
  { plugin: nodeResourcesFit(context, fit), weight: 1 },
  { plugin: volumeRestrictions(context), weight: 0 },
  { plugin: nodeVolumeLimits(context), weight: 0 },
  { plugin: volumeBinding(context), weight: 0 },
  { plugin: volumeZone(context), weight: 0 },
  { plugin: dynamicResources(context, devices), weight: 2 },
  { plugin: podTopologySpread(context, defaultConstraints), weight: 2 },
  { plugin: interPodAffinity(context, hardPodAffinityWeight), weight: 2 },
  { plugin: nodeResourcesBalancedAllocation(), weight: 1 },
  { plugin: imageLocality(context), weight: 1 },
  { plugin: nodeDeclaredFeatures(), weight: 0 },
];
