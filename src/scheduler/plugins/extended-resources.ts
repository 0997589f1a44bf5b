import type { Container, ContainerExtendedResourceRequest, Pod } from '../../api/generated/core-v1.ts';
import type { DeviceClass, DeviceRequest, ResourceClaim } from '../../api/generated/resource-v1.ts';
import { quantityValue } from '../../api/quantity.ts';
import type { Resources } from '../pod-info.ts';

/** On the claim that is made for all that a pod asks for so. */
export const EXTENDED_CLAIM = 'resource.kubernetes.io/extended-resource-claim';
/** With the name of a class after it: a resource that every class has. */
const OF_CLASS = 'deviceclass.resource.kubernetes.io/';
const NATIVE = 'kubernetes.io/';

/** Whether a resource may be one that devices stand for: it has a domain, which is not Kubernetes' own. Upstream: IsDRAExtendedResourceName. */
const mayBeExtended = (name: string): boolean => name.startsWith(OF_CLASS) || (name.includes('/') && !name.includes(NATIVE) && !name.startsWith('requests.'));

export interface DeviceClasses {
  get(name: string): DeviceClass | undefined;
  list(): readonly DeviceClass[];
}

/** The class whose devices stand for a resource: of several the newest, then the first by name. Upstream: extendedresourcecache. */
export function classOfResource(resource: string, classes: DeviceClasses): DeviceClass | undefined {
  if (!mayBeExtended(resource)) return undefined;
  const [first] = classes.list().filter(({ spec }) => spec.extendedResourceName === resource)
    .sort((a, b) => Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1));
  return first ?? (resource.startsWith(OF_CLASS) ? classes.get(resource.slice(OF_CLASS.length)) : undefined);
}

/** Whether a pod that asks for these resources may need devices of the class. */
export function standsFor({ metadata, spec }: DeviceClass, requests: Resources): boolean {
  return [spec.extendedResourceName, `${OF_CLASS}${metadata.name}`].some((name) => name !== undefined && (requests.scalars.get(name) ?? 0) > 0);
}

/** The resources that a node gives by devices, each with its class: those that it does not have otherwise. */
export function resourcesByDevices(requests: Resources, allocatable: Resources, classes: DeviceClasses): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, amount] of requests.scalars) {
    if (amount === 0 || (allocatable.scalars.get(name) ?? 0) > 0) continue;
    const of = classOfResource(name, classes);
    if (of) found.set(name, of.metadata.name);
  }
  return found;
}

/** The claim as it is before a node is known: it asks for nothing yet. */
export function unmadeClaim({ metadata: { name, namespace, uid } }: Pod): Omit<ResourceClaim, 'apiVersion' | 'kind'> {
  return {
    metadata: {
      name: '', namespace, uid: `extended-resources-of-${uid}`, resourceVersion: '', creationTimestamp: '', generateName: `${name}-extended-resources-`,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true }], annotations: { [EXTENDED_CLAIM]: 'true' },
    },
    spec: {},
  };
}

export const isExtendedClaimOf = ({ metadata: { uid } }: Pod, { metadata }: ResourceClaim): boolean =>
  metadata.annotations?.[EXTENDED_CLAIM] === 'true' && (metadata.ownerReferences ?? []).some((owner) => owner.controller === true && owner.uid === uid);

interface Asked {
  readonly request: DeviceRequest | undefined;
  readonly mappings: readonly ContainerExtendedResourceRequest[];
}

/**
 * What is asked of the classes for the containers of a pod, and which container uses what of it. Containers that live side by side have devices of their own; init containers
 * run before, and use those first: of what they need besides, one request has as much as the neediest. Upstream: createRequestsAndMappings.
 */
export function deviceRequests({ spec }: Pod, byDevices: ReadonlyMap<string, string>): { readonly requests: readonly DeviceRequest[]; readonly mappings: readonly ContainerExtendedResourceRequest[] } {
  const init = spec.initContainers ?? [];
  const containers = [...init, ...spec.containers];
  const isBrief = (i: number): boolean => i < init.length && containers[i]!.restartPolicy !== 'Always';
  const requests: DeviceRequest[] = [];
  const mappings: ContainerExtendedResourceRequest[] = [];
  for (const resource of [...byDevices.keys()].sort()) {
    const className = byDevices.get(resource)!;
    const lasting = containers.map((container, i) => (isBrief(i) ? undefined : ask(container, i, resource, className, [])));
    const brief = containers.flatMap((container, i) => (isBrief(i) ? [ask(container, i, resource, className, lasting.slice(i).flatMap((one) => one?.request ?? []))] : []));
    const extra = brief.flatMap(({ request }) => request ?? []);
    const most = extra.reduce<DeviceRequest | undefined>((a, b) => (a && a.exactly!.count! >= b.exactly!.count! ? a : b), undefined);
    const replaced = new Set(extra.map(({ name }) => name));
    requests.push(...(most ? [most] : []), ...lasting.flatMap((one) => one?.request ?? []));
    mappings.push(...lasting.flatMap((one) => one?.mappings ?? []), ...brief.flatMap((one) => one.mappings).map((mapping) => (replaced.has(mapping.requestName) ? { ...mapping, requestName: most!.name } : mapping)));
  }
  return { requests: requests.sort((a, b) => (a.name < b.name ? -1 : 1)), mappings };
}

function ask(container: Container, index: number, resource: string, className: string, reusable: readonly DeviceRequest[]): Asked {
  const own = container.resources?.requests ?? {};
  const count = quantityValue(own[resource]);
  if (count === 0) return { request: undefined, mappings: [] };
  const mapped = (requestName: string): ContainerExtendedResourceRequest => ({ containerName: container.name, resourceName: resource, requestName });
  const mappings: ContainerExtendedResourceRequest[] = [];
  let had = 0;
  for (const { name, exactly } of reusable) {
    had += exactly!.count!;
    mappings.push(mapped(name));
    if (had >= count) return { request: undefined, mappings };
  }
  const name = `container-${index}-request-${Object.keys(own).sort().indexOf(resource)}`;
  return { request: { name, exactly: { deviceClassName: className, allocationMode: 'ExactCount', count: count - had } }, mappings: [...mappings, mapped(name)] };
}
