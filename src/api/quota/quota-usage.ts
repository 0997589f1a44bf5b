/** What objects count for in a ResourceQuota. Upstream: pkg/quota/v1/evaluator/core. */
import type { PersistentVolumeClaim, Pod, Service } from '../generated/core-v1.ts';
import type { DeviceSubRequest, ExactDeviceRequest, ResourceClaim } from '../generated/resource-v1.ts';
import type { KubeObject } from '../object.ts';
import { podResourceLimits, podResourceRequests, type ResourceList } from '../pod/resources.ts';
import { addQuantities, compareQuantities } from '../quantity.ts';

/** A resource by its names, whatever its version. */
export interface Named {
  readonly group: string;
  readonly resource: string;
}

const isResourceClaim = ({ group, resource }: Named): boolean => group === 'resource.k8s.io' && resource === 'resourceclaims';

/** Kinds that a quota counts by their bare plural as well as by `count/<plural>`. */
const BARE = new Set(['configmaps', 'persistentvolumeclaims', 'pods', 'replicationcontrollers', 'resourcequotas', 'secrets', 'services']);

/** `count/pods`, `count/deployments.apps`. */
export function countName({ group, resource }: Named): string {
  return group ? `count/${resource}.${group}` : `count/${resource}`;
}

/** What an object uses of all that a quota can limit; `nowMs` for pods that are stuck in their deletion. */
export function quotaUsage(resource: Named, object: KubeObject, nowMs: number): ResourceList {
  const counted: ResourceList = { [countName(resource)]: '1' };
  if (isResourceClaim(resource)) return { ...counted, ...deviceUsage(object as ResourceClaim) };
  if (resource.group !== '') return counted;
  if (resource.resource === 'pods') return { ...counted, ...podUsage(object as Pod, nowMs) };
  const bare = BARE.has(resource.resource) ? { ...counted, [resource.resource]: '1' } : counted;
  if (resource.resource === 'services') return { ...bare, ...serviceUsage(object as Service) };
  if (resource.resource === 'persistentvolumeclaims') return { ...bare, ...claimUsage(object as PersistentVolumeClaim) };
  return bare;
}

/** Which of a quota's resources objects of this resource count for. */
export function countsFor(resource: Named, name: string): boolean {
  if (name === countName(resource)) return true;
  if (isResourceClaim(resource)) return name.endsWith(DEVICES_OF_CLASS);
  if (resource.group !== '') return false;
  if (resource.resource === 'pods') return name === 'pods' || COMPUTE.has(name) || name.startsWith('hugepages-') || isPrefixedRequest(name);
  if (name === resource.resource) return BARE.has(name);
  if (resource.resource === 'services') return name.startsWith('services.');
  if (resource.resource === 'persistentvolumeclaims') return name === 'requests.storage' || /\.storageclass\.storage\.k8s\.io\/(requests\.storage|persistentvolumeclaims)$/.test(name);
  return false;
}

const COMPUTE = new Set(['cpu', 'memory', 'ephemeral-storage', 'requests.cpu', 'requests.memory', 'requests.ephemeral-storage', 'limits.cpu', 'limits.memory', 'limits.ephemeral-storage']);

/** `requests.nvidia.com/gpu`, `requests.hugepages-2Mi`: by their request alone. */
const isPrefixedRequest = (name: string): boolean => name.startsWith('requests.') && (name.slice('requests.'.length).includes('/') || name.startsWith('requests.hugepages-'));

function podUsage(pod: Pod, nowMs: number): ResourceList {
  if (!counts(pod, nowMs)) return {};
  return { pods: '1', ...computeUsage(podResourceRequests(pod), podResourceLimits(pod)) };
}

function computeUsage(requests: ResourceList, limits: ResourceList): ResourceList {
  const usage: Record<string, string> = {};
  for (const name of ['cpu', 'memory', 'ephemeral-storage']) {
    if (requests[name] !== undefined) {
      usage[name] = requests[name];
      usage[`requests.${name}`] = requests[name];
    }
    if (limits[name] !== undefined) usage[`limits.${name}`] = limits[name];
  }
  for (const [name, amount] of Object.entries(requests)) {
    if (name.startsWith('hugepages-')) usage[name] = amount;
    if (name.startsWith('hugepages-') || name.includes('/')) usage[`requests.${name}`] = amount;
  }
  return usage;
}

/** A pod that has ended counts no more, nor one that should be gone long since. */
function counts({ metadata, status }: Pod, nowMs: number): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return false;
  if (metadata.deletionTimestamp === undefined || metadata.deletionGracePeriodSeconds === undefined) return true;
  return nowMs <= Date.parse(metadata.deletionTimestamp) + metadata.deletionGracePeriodSeconds * 1000;
}

function serviceUsage({ spec }: Service): ResourceList {
  const ports = String(spec.ports?.length ?? 0);
  if (spec.type === 'NodePort') return { 'services.nodeports': ports, 'services.loadbalancers': '0' };
  if (spec.type !== 'LoadBalancer') return { 'services.nodeports': '0', 'services.loadbalancers': '0' };
  const given = spec.allocateLoadBalancerNodePorts === false ? String((spec.ports ?? []).filter((port) => port.nodePort).length) : ports;
  return { 'services.nodeports': given, 'services.loadbalancers': '1' };
}

function claimUsage({ spec, status }: PersistentVolumeClaim): ResourceList {
  const asked = spec.resources?.requests?.['storage'];
  const given = status?.allocatedResources?.['storage'];
  // While a volume shrinks back from an expansion that failed, what was given counts.
  const storage = asked !== undefined && given !== undefined && compareQuantities(given, asked) > 0 ? given : asked;
  const byClass = spec.storageClassName ? `${spec.storageClassName}.storageclass.storage.k8s.io` : undefined;
  return {
    ...(storage !== undefined && { 'requests.storage': storage }),
    ...(byClass && { [`${byClass}/persistentvolumeclaims`]: '1', ...(storage !== undefined && { [`${byClass}/requests.storage`]: storage }) }),
  };
}

/** `gpu.example.com.deviceclass.resource.k8s.io/devices` */
const DEVICES_OF_CLASS = '.deviceclass.resource.k8s.io/devices';

/** More devices than this no claim gets, so one for all devices counts for as many. */
const MOST_DEVICES = 32;

/** Devices by class, in the worst case: of alternatives, the most of each class. */
function deviceUsage({ spec }: ResourceClaim): ResourceList {
  const usage: Record<string, string> = {};
  const asked = ({ allocationMode, count }: ExactDeviceRequest | DeviceSubRequest): number => (allocationMode === 'All' ? MOST_DEVICES : allocationMode === 'ExactCount' ? count ?? 1 : 0);
  for (const { exactly, firstAvailable = [] } of spec.devices?.requests ?? []) {
    const most = new Map<string, number>();
    for (const request of exactly ? [exactly] : firstAvailable) most.set(request.deviceClassName, Math.max(most.get(request.deviceClassName) ?? 0, asked(request)));
    for (const [name, devices] of most) usage[`${name}${DEVICES_OF_CLASS}`] = addQuantities(usage[`${name}${DEVICES_OF_CLASS}`], String(devices));
  }
  return usage;
}

const DEMANDED = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']);

/**
 * Where a quota limits CPU or memory, each container must say how much it asks for: the fault, `must specify cpu for: a,b`, or undefined.
 */
export function missingAmounts(pod: Pod, limited: readonly string[]): string | undefined {
  if (Object.keys(pod.spec.resources?.requests ?? {}).length || Object.keys(pod.spec.resources?.limits ?? {}).length) return undefined;
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const faults = limited.filter((name) => DEMANDED.has(name)).sort().flatMap((name) => {
    const without = containers.filter(({ resources }) => !(name in computeUsage(resources?.requests ?? {}, resources?.limits ?? {}))).map((c) => c.name).sort();
    return without.length ? [`${name} for: ${without.join(',')}`] : [];
  });
  return faults.length ? `must specify ${faults.join('; ')}` : undefined;
}
