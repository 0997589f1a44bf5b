/** Which objects a ResourceQuota is about. Upstream: pkg/quota/v1/evaluator/core. */
import type { PersistentVolumeClaim, Pod, PodAffinityTerm, ResourceQuota, ScopedResourceSelectorRequirement } from '../generated/core-v1.ts';
import type { KubeObject } from '../object.ts';
import { qosClass } from '../pod/qos-class.ts';
import { countsFor, type Named } from './quota-usage.ts';

/** Whether an object is of those that a quota is about: some of its resources counts them, and all its scopes hold. */
export function quotaMatches(quota: ResourceQuota, resource: Named, object: KubeObject, hard: readonly string[]): boolean {
  return hard.some((name) => countsFor(resource, name)) && quotaScopes(quota).every((scope) => inScope(resource, object, scope));
}

export function quotaScopes({ spec }: ResourceQuota): readonly ScopedResourceSelectorRequirement[] {
  const plain = (spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' }));
  return [...plain, ...(spec?.scopeSelector?.matchExpressions ?? [])];
}

/** Whether an object is within a scope: pods and claims of volumes can be. */
export function inScope({ group, resource }: Named, object: KubeObject, scope: ScopedResourceSelectorRequirement): boolean {
  if (group !== '') return false;
  if (resource === 'pods') return podInScope(object as Pod, scope);
  return resource === 'persistentvolumeclaims' && scope.scopeName === 'VolumeAttributesClass' && anySelected(attributesClasses(object as PersistentVolumeClaim), scope);
}

/** Whether a pod is to end by itself: the scope that an update can change. */
export function hasDeadline({ spec }: Pod): boolean {
  return spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;
}

function podInScope(pod: Pod, scope: ScopedResourceSelectorRequirement): boolean {
  switch (scope.scopeName) {
    case 'Terminating': return hasDeadline(pod);
    case 'NotTerminating': return !hasDeadline(pod);
    case 'BestEffort': return qosClass(pod) === 'BestEffort';
    case 'NotBestEffort': return qosClass(pod) !== 'BestEffort';
    case 'CrossNamespacePodAffinity': return reachesOtherNamespaces(pod);
    case 'PriorityClass': return anySelected(pod.spec.priorityClassName ? [pod.spec.priorityClassName] : [], scope);
    default: return false;
  }
}

/** Whether one of the classes that an object names, or the want of any, is what a scope selects. */
function anySelected(names: readonly string[], { operator, values = [] }: ScopedResourceSelectorRequirement): boolean {
  switch (operator) {
    case 'Exists': return names.length > 0;
    case 'DoesNotExist': return names.length === 0;
    case 'In': return names.some((name) => values.includes(name));
    default: return names.length === 0 || names.some((name) => !values.includes(name));
  }
}

/** The classes that a claim asks for, has, and is on its way to. */
function attributesClasses({ spec, status }: PersistentVolumeClaim): readonly string[] {
  return [spec.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName].filter((name): name is string => Boolean(name));
}

function reachesOtherNamespaces({ spec }: Pod): boolean {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const terms: readonly PodAffinityTerm[] = [podAffinity, podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) => weighted.podAffinityTerm),
  ]);
  return terms.some((term) => term.namespaces?.length || term.namespaceSelector !== undefined);
}
