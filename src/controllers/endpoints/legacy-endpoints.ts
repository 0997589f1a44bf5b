import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset, Pod, Service } from '../../api/generated/core-v1.ts';
import { endpoints as endpointsResource, pods as podResource, services as serviceResource } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { parseKey } from '../../api/object.ts';
import { rfc3339 } from '../../base/clock.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { isNamespaceTerminating } from '../pod-control.ts';
import { isPodReady } from '../../api/pod/conditions.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { HEADLESS, LAST_CHANGE } from './endpoint-slice.ts';
import { addressOf, familiesOf, hasSelectedPods, indexForServices, isHeadless, podsOf, servicesOf, targetPortOn } from './service-pods.ts';
import { without } from '../without.ts';

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const MANAGER = 'endpoint-controller';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
const ADDRESS_LIMIT = 1000;

/** Endpoints, the older form of EndpointSlices, one object a service. Upstream: pkg/controller/endpoint. */
export const endpointsController: Controller = {
  name: 'endpoint-controller',
  start(context) {
    const { client, clock, informers, recorder } = context;
    const services = informers.informer(serviceResource);
    const pods = informers.informer(podResource);
    const endpoints = informers.informer(endpointsResource);
    indexForServices(pods, services);

    async function reconcile(key: string): Promise<void> {
      const service = services.get(key);
      const existing = endpoints.get(key);
      if (!service) {
        if (existing?.metadata.labels?.[MANAGED_BY] === MANAGER) await remove(key);
        return;
      }
      if (!hasSelectedPods(service)) return;
      const { subsets, truncated } = truncate(endpointSubsets(service, podsOf(service, pods)));
      const labels = { ...service.metadata.labels, [MANAGED_BY]: MANAGER, ...(isHeadless(service) && { [HEADLESS]: '' }) };
      if (existing && semanticEqual(existing.subsets, subsets) && semanticEqual(existing.metadata.labels, labels)) return;

      const kept = without(existing?.metadata.annotations ?? {}, OVER_CAPACITY);
      const annotations = { ...kept, [LAST_CHANGE]: rfc3339(clock.now()), ...(truncated && { [OVER_CAPACITY]: 'truncated' }) };
      const { name, namespace } = service.metadata;
      try {
        if (existing) await client.update(endpointsResource, { ...existing, metadata: { ...existing.metadata, labels, annotations }, subsets });
        else await client.create(endpointsResource, { metadata: { name, namespace, labels, annotations }, subsets });
      } catch (error) {
        // AlreadyExists: the cache lags behind our own creation, and its event will bring the key up again.
        if (isNamespaceTerminating(error) || isReason(error, 'AlreadyExists')) return;
        const about = existing ?? { apiVersion: 'v1', kind: 'Endpoints', namespace, name };
        if (!existing) recorder.event(about, 'Warning', 'FailedToCreateEndpoint', `Failed to create endpoint for service ${key}: ${(error as Error).message}`);
        // A conflict is the cache's lag, and mended by the next look.
        else if (!isReason(error, 'Conflict')) recorder.event(about, 'Warning', 'FailedToUpdateEndpoint', `Failed to update endpoint ${key}: ${(error as Error).message}`);
        throw error;
      }
    }

    async function remove(key: string): Promise<void> {
      try {
        await client.delete<Endpoints>(endpointsResource, parseKey(key));
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }

    const loop = startLoop(context, { name: 'endpoint-controller', queue: 'endpoint', needs: [services, pods, endpoints], workers: 5, reconcile });
    loop.follow(services, itself);
    loop.follow(pods, (pod) => servicesOf(pod, services), { gatherMs: 10 });
    loop.follow(endpoints, itself);
    return loop;
  },
};

/**
 * Addresses grouped by the ports they serve; ready and unready ones apart. Worked example: of two pods one knows only
 * port `http`, so there are two subsets, `[both] http` being impossible: `[a] http,admin` and `[b] http`.
 */
export function endpointSubsets(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const family = familiesOf(service)[0]!;
  const tolerant = service.spec?.publishNotReadyAddresses ?? false;
  const groups = new Map<string, { addresses: EndpointAddress[]; notReadyAddresses: EndpointAddress[]; ports: readonly EndpointPort[] }>();
  for (const pod of pods) {
    const ip = addressOf(pod, family);
    if (!ip || (pod.metadata.deletionTimestamp && !tolerant)) continue;
    const ports = portsOn(pod, service);
    if (ports.length === 0 && (service.spec?.ports ?? []).length > 0) continue;
    const key = JSON.stringify(ports);
    let group = groups.get(key);
    if (!group) groups.set(key, (group = { addresses: [], notReadyAddresses: [], ports }));
    const { name, namespace, uid } = pod.metadata;
    const { hostname, subdomain, nodeName } = pod.spec;
    const address: EndpointAddress = {
      ip, ...(hostname && subdomain === service.metadata.name && { hostname }), ...(nodeName && { nodeName }), targetRef: { kind: 'Pod', namespace, name, uid },
    };
    (tolerant || isPodReady(pod) ? group.addresses : group.notReadyAddresses).push(address);
  }
  const byAddress = (a: EndpointAddress, b: EndpointAddress): number => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { addresses, notReadyAddresses, ports }]) => ({
    ...(addresses.length > 0 && { addresses: addresses.sort(byAddress) }),
    ...(notReadyAddresses.length > 0 && { notReadyAddresses: notReadyAddresses.sort(byAddress) }),
    ...(ports.length > 0 && { ports }),
  }));
}

function portsOn(pod: Pod, service: Service): readonly EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = targetPortOn(pod, port);
    return number === undefined ? [] : [{ ...(port.name && { name: port.name }), port: number, protocol: port.protocol ?? 'TCP', ...(port.appProtocol && { appProtocol: port.appProtocol }) }];
  }).sort((a, b) => (a.name ?? '').localeCompare(b.name ?? '') || a.port - b.port);
}

/** An object holds at most 1000 addresses, ready ones before others. */
function truncate(subsets: readonly EndpointSubset[]): { subsets: readonly EndpointSubset[]; truncated: boolean } {
  const count = (field: 'addresses' | 'notReadyAddresses'): number => subsets.reduce((sum, subset) => sum + (subset[field]?.length ?? 0), 0);
  if (count('addresses') + count('notReadyAddresses') <= ADDRESS_LIMIT) return { subsets, truncated: false };
  let ready = ADDRESS_LIMIT;
  let unready = Math.max(0, ADDRESS_LIMIT - count('addresses'));
  const cut = subsets.map((subset) => {
    const addresses = subset.addresses?.slice(0, ready);
    const notReadyAddresses = subset.notReadyAddresses?.slice(0, unready);
    ready -= addresses?.length ?? 0;
    unready -= notReadyAddresses?.length ?? 0;
    return { ...subset, ...(addresses && { addresses }), ...(notReadyAddresses && { notReadyAddresses }) };
  });
  return { subsets: cut.filter((subset) => (subset.addresses?.length ?? 0) + (subset.notReadyAddresses?.length ?? 0) > 0), truncated: true };
}
