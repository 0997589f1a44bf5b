/** What a pod asks for and may use. Upstream: component-helpers resource.PodRequests, PodLimits. */
import type { Container, PodSpec } from '../generated/core-v1.ts';
import { addQuantities, compareQuantities } from '../quantity.ts';
import { isSidecar } from './conditions.ts';

/** Amounts by the name of the resource, as canonical text: `{ cpu: '250m', memory: '64Mi' }`. */
export type ResourceList = Readonly<Record<string, string>>;

export function addResources(...lists: readonly (ResourceList | undefined)[]): ResourceList {
  const sum: Record<string, string> = {};
  for (const list of lists) for (const name in list) sum[name] = name in sum ? addQuantities(sum[name], list[name]) : list[name]!;
  return sum;
}

/** Of each resource the larger amount. */
export function maxResources(a: ResourceList, b: ResourceList): ResourceList {
  const max: Record<string, string> = { ...a };
  for (const name in b) if (!(name in max) || compareQuantities(max[name], b[name]) < 0) max[name] = b[name]!;
  return max;
}

/**
 * What the scheduler reserves for a pod: its containers and sidecars together, or its largest moment of initialization if that is more, and its overhead.
 * Requests of the pod as a whole replace those of its containers.
 */
export function podResourceRequests(pod: { readonly spec: PodSpec }): ResourceList {
  return withOverhead(pod.spec, { ...containerTotals(pod.spec, 'requests'), ...podLevel(pod.spec, 'requests') });
}

/** What a pod may use at most; a resource that some container is not limited in is left out only where no container names it. */
export function podResourceLimits(pod: { readonly spec: PodSpec }): ResourceList {
  const limits = { ...containerTotals(pod.spec, 'limits'), ...podLevel(pod.spec, 'limits') };
  const overhead = Object.fromEntries(Object.entries(pod.spec.overhead ?? {}).filter(([name]) => name in limits));
  return addResources(limits, overhead);
}

/** The sum over a pod's containers, with the largest moment of its initialization. */
export function containerTotals(spec: PodSpec, field: 'requests' | 'limits'): ResourceList {
  const of = (container: Container): ResourceList => container.resources?.[field] ?? {};
  let total = addResources(...(spec.containers ?? []).map(of));
  let sidecars: ResourceList = {};
  let initPeak: ResourceList = {};
  for (const container of spec.initContainers ?? []) {
    if (isSidecar(container)) {
      // A sidecar runs beside all that start after it.
      total = addResources(total, of(container));
      sidecars = addResources(sidecars, of(container));
      initPeak = maxResources(initPeak, sidecars);
    } else {
      initPeak = maxResources(initPeak, addResources(of(container), sidecars));
    }
  }
  return maxResources(total, initPeak);
}

/** Resources that can be asked for by the pod as a whole. */
export const isPodLevelResource = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

function podLevel(spec: PodSpec, field: 'requests' | 'limits'): ResourceList {
  return Object.fromEntries(Object.entries(spec.resources?.[field] ?? {}).filter(([name]) => isPodLevelResource(name)));
}

function withOverhead(spec: PodSpec, resources: ResourceList): ResourceList {
  return spec.overhead ? addResources(resources, spec.overhead) : resources;
}

