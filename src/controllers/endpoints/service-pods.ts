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

/** Asked of every service for every change of a pod, hence without a Selector. */
function selects(service: Service, { metadata: { labels } }: Pod): boolean {
  const selector = service.spec?.selector;
  for (const key in selector) if (labels?.[key] !== selector[key]) return false;
  return true;
}

/** The pods behind a service that have an address. Those that are ending count as long as they run. */
export function podsOf(service: Service, pods: Informer<Pod>): readonly Pod[] {
  return pods.list(service.metadata.namespace).filter((pod) => selects(service, pod) && addressesOf(pod).length > 0 && !isPodTerminal(pod));
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
  for (const service of services.list(pod.metadata.namespace)) {
    if (hasSelectedPods(service) && selects(service, pod)) yield keyOf(service);
  }
}
