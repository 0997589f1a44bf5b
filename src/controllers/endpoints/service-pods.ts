import type { ContainerPort, Pod, Service, ServicePort } from '../../api/generated/core-v1.ts';
import { keyOf } from '../../api/object.ts';
import type { Informer } from '../../client/informer.ts';
import { isPodTerminal } from '../../api/pod/conditions.ts';

/** Whether the endpoints of a service are made from pods at all. */
export function hasSelectedPods(service: Service): boolean {
  return service.spec?.type !== 'ExternalName' && Object.keys(service.spec?.selector ?? {}).length > 0;
}

export function isHeadless(service: Service): boolean {
  return service.spec?.clusterIP === 'None';
}

const BY_LABEL = 'label';
const BY_SELECTOR = 'selector';
const pairKey = (namespace: string, key: string, value: string): string => `${namespace}/${key}=${value}`;

/** Without these indexes each change of a pod would ask every service, and each service every pod. */
export function indexForServices(pods: Informer<Pod>, services: Informer<Service>): void {
  pods.addIndex(BY_LABEL, ({ metadata: { namespace, labels } }) => Object.entries(labels ?? {}).map(([key, value]) => pairKey(namespace, key, value)));
  // One pair is enough to find a service; whether the others hold as well is looked at then.
  services.addIndex(BY_SELECTOR, ({ metadata: { namespace }, spec }) => Object.entries(spec?.selector ?? {}).slice(0, 1).map(([key, value]) => pairKey(namespace, key, value)));
}

function selects(service: Service, { metadata: { labels } }: Pod): boolean {
  const selector = service.spec?.selector;
  for (const key in selector) if (labels?.[key] !== selector[key]) return false;
  return true;
}

/** The pods behind a service that have an address. Those that are ending count as long as they run. Needs the indexes. */
export function podsOf(service: Service, pods: Informer<Pod>): readonly Pod[] {
  let candidates: readonly Pod[] | undefined;
  for (const [key, value] of Object.entries(service.spec?.selector ?? {})) {
    const found = pods.byIndex(BY_LABEL, pairKey(service.metadata.namespace, key, value));
    if (!candidates || found.length < candidates.length) candidates = found;
  }
  return (candidates ?? []).filter((pod) => selects(service, pod) && addressesOf(pod).length > 0 && !isPodTerminal(pod));
}

export function addressesOf(pod: Pod): readonly string[] {
  const { podIPs, podIP } = pod.status ?? {};
  const all = podIPs?.map(({ ip }) => ip).filter((ip): ip is string => Boolean(ip)) ?? [];
  return all.length > 0 ? all : podIP ? [podIP] : [];
}

export type IpFamily = 'IPv4' | 'IPv6';

export const familyOf = (address: string): IpFamily => (address.includes(':') ? 'IPv6' : 'IPv4');

export function addressOf(pod: Pod, family: IpFamily): string | undefined {
  return addressesOf(pod).find((address) => familyOf(address) === family);
}

/** The families a service wants; one without any (headless, from before there were two) goes by its cluster IP, else IPv4. */
export function familiesOf(service: Service): readonly IpFamily[] {
  const { ipFamilies, clusterIP } = service.spec ?? {};
  if (ipFamilies && ipFamilies.length > 0) return ipFamilies as readonly IpFamily[];
  return [clusterIP && clusterIP !== 'None' ? familyOf(clusterIP) : 'IPv4'];
}

/** The number that a service port has on a pod: its target's, by name from the pod's containers; undefined where the pod knows no such port. Upstream: podutil.FindPort. */
export function targetPortOn(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target === 0 ? port.port : target;
  const protocol = port.protocol ?? 'TCP';
  const named = (candidate: ContainerPort): boolean => candidate.name === target && (candidate.protocol ?? 'TCP') === protocol;
  const sidecars = pod.spec.initContainers?.filter((container) => container.restartPolicy === 'Always') ?? [];
  return [...pod.spec.containers, ...sidecars].flatMap((container) => container.ports ?? []).find(named)?.containerPort;
}

/** The keys of the services that select a pod. */
export function* servicesOf(pod: Pod, services: Informer<Service>): Iterable<string> {
  const { namespace, labels } = pod.metadata;
  for (const key in labels) {
    for (const service of services.byIndex(BY_SELECTOR, pairKey(namespace, key, labels[key]!))) if (hasSelectedPods(service) && selects(service, pod)) yield keyOf(service);
  }
}
