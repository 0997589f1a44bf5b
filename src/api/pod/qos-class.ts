/** Upstream: pkg/apis/core/v1/helper/qos. */
import type { Pod } from '../generated/core-v1.ts';
import { compareQuantities, quantitySign } from '../quantity.ts';
import { addResources, type ResourceList } from './resources.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const counted = ['cpu', 'memory'] as const;

/** The order in which the kernel takes memory away: BestEffort pods lose it first, Guaranteed ones last. */
export function qosClass(pod: Pod): QosClass {
  const { spec } = pod;
  const parts = spec.resources ? [spec.resources] : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((container) => container.resources ?? {});
  const requests = addResources(...parts.map((part) => positive(part.requests)));
  const limits = addResources(...parts.map((part) => positive(part.limits)));
  if (Object.keys(requests).length === 0 && Object.keys(limits).length === 0) return 'BestEffort';
  const limited = parts.every((part) => counted.every((name) => name in positive(part.limits)));
  const equal = counted.every((name) => (name in requests) === (name in limits) && compareQuantities(requests[name], limits[name]) === 0);
  return limited && equal ? 'Guaranteed' : 'Burstable';
}

function positive(list: ResourceList | undefined): ResourceList {
  const found: Record<string, string> = {};
  for (const name of counted) if (list?.[name] !== undefined && quantitySign(list[name]) > 0) found[name] = list[name];
  return found;
}
