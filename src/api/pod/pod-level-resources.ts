import type { PodSpec } from '../generated/core-v1.ts';
import { containerTotals, isPodLevelResource, type ResourceList } from './resources.ts';

/**
 * Fills in what a pod asks for as a whole where it names a part of it: huge pages limits and requests from its containers, further requests from its limits.
 * Upstream: defaultHugePagePodLimits, defaultPodRequests.
 */
export function defaultPodLevelResources(spec: PodSpec): PodSpec {
  if (!spec.resources) return spec;
  const limits = withHugePages(spec, spec.resources.limits, spec.resources.requests);
  if (Object.keys(limits).length === 0) return spec;
  const requests: Record<string, string> = { ...spec.resources.requests };
  for (const [name, amount] of Object.entries(containerTotals(spec, 'requests'))) {
    if (!(name in requests) && isPodLevelResource(name) && !name.startsWith('hugepages-')) requests[name] = amount;
  }
  for (const [name, amount] of Object.entries(limits)) if (!(name in requests) && isPodLevelResource(name)) requests[name] = amount;
  return { ...spec, resources: { ...spec.resources, limits, ...(Object.keys(requests).length && { requests }) } };
}

function withHugePages(spec: PodSpec, limits: ResourceList = {}, requests: ResourceList = {}): ResourceList {
  if (Object.keys(limits).length + Object.keys(requests).length === 0) return limits;
  const added = Object.entries(containerTotals(spec, 'limits')).filter(([name]) => name.startsWith('hugepages-') && !(name in requests) && !(name in limits));
  return added.length ? { ...limits, ...Object.fromEntries(added) } : limits;
}
