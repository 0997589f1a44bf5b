import type { Service } from '../../api/generated/core-v1.ts';
import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { endpointSlices, nodes as nodeResource, pods as podResource, services as serviceResource } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf } from '../../api/object.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { Expectations } from '../expectations.ts';
import { controllerReference } from '../ownership.ts';
import { isNamespaceTerminating } from '../pod-control.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { endpointGroups, ZONE, type EndpointGroup } from './desired-endpoints.ts';
import { EndpointSliceMetrics } from './endpoint-slice-metrics.ts';
import { familiesOf, hasSelectedPods, indexForServices, isHeadless, podsOf, servicesOf } from './service-pods.ts';
import { packSlices, type SliceChanges } from './slice-packing.ts';
import { asksForZoneHints, withZoneHints, zoneShares, zoneWeight } from './zone-hints.ts';

export const SERVICE_NAME = 'kubernetes.io/service-name';
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
export const HEADLESS = 'service.kubernetes.io/headless';
export const LAST_CHANGE = 'endpoints.kubernetes.io/last-change-trigger-time';
const MANAGER = 'endpointslice-controller.k8s.io';
const SLICE_LIMIT = 100;

/** Says in EndpointSlices which pods stand behind each service. Upstream: pkg/controller/endpointslice. */
export const endpointSliceController: Controller = {
  name: 'endpoint-slice-controller',
  start(context) {
    const { client, clock, informers, recorder } = context;
    const services = informers.informer(serviceResource);
    const pods = informers.informer(podResource);
    const nodes = informers.informer(nodeResource);
    const slices = informers.informer(endpointSlices);
    indexForServices(pods, services);
    slices.addIndex('managed-for', (slice) => (slice.metadata.labels?.[MANAGED_BY] === MANAGER ? serviceOf(slice) : []));
    const expectations = new Expectations(slices, clock);
    const metrics = new EndpointSliceMetrics(context.metrics);
    /** By service and family: what was last said of its hints by zone. */
    const toldOfHints = new Map<string, string>();

    async function reconcile(key: string): Promise<ReconcileResult> {
      const service = services.get(key);
      if (!service) {
        metrics.forget(key);
        for (const family of ['IPv4', 'IPv6']) toldOfHints.delete(`${key} ${family}`);
        return expectations.forget(key);
      }
      if (!hasSelectedPods(service) || service.metadata.deletionTimestamp) return;
      // What the cache does not show yet would be made a second time.
      if (!expectations.settled(key)) return { requeueAfterMs: Expectations.timeoutMs };
      const selected = podsOf(service, pods);
      const existing = slices.byIndex('managed-for', key).filter((slice) => !slice.metadata.deletionTimestamp);
      const families = familiesOf(service);
      try {
        let left = 0;
        const all: EndpointGroup[] = [];
        for (const family of families) {
          const plain = endpointGroups(service, selected, family, (name) => nodes.get(name));
          const groups = asksForZoneHints(service) ? hinted(key, service, plain, family) : plain;
          const changes = packSlices(existing.filter((slice) => slice.addressType === family), groups, family, SLICE_LIMIT);
          await write(key, service, changes);
          left += changes.create.length + changes.update.length + changes.keep.length;
          all.push(...groups);
        }
        metrics.synced(key, service, existing, all, left, SLICE_LIMIT);
        for (const slice of existing) if (!(families as readonly string[]).includes(slice.addressType)) await remove(key, slice);
      } catch (error) {
        if (isNamespaceTerminating(error)) return;
        if (!isReason(error, 'Conflict', 'NotFound')) {
          recorder.event(service, 'Warning', 'FailedToUpdateEndpointSlices', `Error updating Endpoint Slices for Service ${key}: ${(error as Error).message}`);
        }
        throw error;
      }
    }

    /** Tells once of each change of mind. */
    function hinted(key: string, service: Service, plain: readonly EndpointGroup[], family: string): readonly EndpointGroup[] {
      const { groups, problem } = withZoneHints(plain, zoneShares(nodes.list()));
      const before = toldOfHints.get(`${key} ${family}`);
      const message = `${problem ?? 'Topology Aware Hints has been enabled'}, addressType: ${family}`;
      if (before !== message) recorder.event(service, problem === undefined ? 'Normal' : 'Warning', problem === undefined ? 'TopologyAwareHintsEnabled' : 'TopologyAwareHintsDisabled', message);
      toldOfHints.set(`${key} ${family}`, message);
      return groups;
    }

    async function write(key: string, service: Service, changes: SliceChanges): Promise<void> {
      const labels = sliceLabels(service);
      const annotations = { [LAST_CHANGE]: rfc3339(clock.now()) };
      const { name, namespace } = service.metadata;
      for (const content of changes.create) {
        const metadata = { generateName: `${name}-`, namespace, labels, annotations, ownerReferences: [controllerReference(service)] };
        await expectations.create(key, () => client.create(endpointSlices, { metadata, ...content }));
      }
      for (const { slice, ports, endpoints } of changes.update) {
        await client.update(endpointSlices, { ...slice, ports, endpoints, metadata: { ...slice.metadata, labels, annotations: { ...slice.metadata.annotations, ...annotations } } });
      }
      for (const slice of changes.keep) {
        if (!semanticEqual(slice.metadata.labels, labels)) await client.update(endpointSlices, { ...slice, metadata: { ...slice.metadata, labels } });
      }
      for (const slice of changes.delete) await remove(key, slice);
    }

    async function remove(key: string, slice: EndpointSlice): Promise<void> {
      const { namespace, name, uid } = slice.metadata;
      await expectations.delete(key, slice, () => client.delete(endpointSlices, { namespace, name }, { preconditions: { uid } }));
    }

    const loop = startLoop(context, { name: 'endpoint-slice-controller', queue: 'endpoint_slice', needs: [services, pods, nodes, slices], workers: 5, reconcile });
    loop.own(expectations);
    loop.follow(services, itself);
    loop.follow(pods, (pod) => servicesOf(pod, services), { gatherMs: 10 });
    loop.follow(slices, (slice) => (slice.metadata.labels?.[MANAGED_BY] === MANAGER ? serviceOf(slice) : []));
    // Nodes change often (heartbeats) but hardly ever their zones.
    const rezone = (wanted: (service: Service) => boolean = () => true): void => services.list().filter(wanted).forEach((service) => loop.enqueue(keyOf(service)));
    loop.own(nodes.subscribe({
      add: (node) => void (node.metadata.labels?.[ZONE] && rezone()),
      update(before, node) {
        if (before.metadata.labels?.[ZONE] !== node.metadata.labels?.[ZONE]) rezone();
        else if (!semanticEqual(zoneWeight(before), zoneWeight(node))) rezone(asksForZoneHints);
      },
      delete: () => rezone(asksForZoneHints),
    }));
    return loop;
  },
};

export function serviceOf(slice: EndpointSlice): string[] {
  const name = slice.metadata.labels?.[SERVICE_NAME];
  return name ? [keyOf({ metadata: { namespace: slice.metadata.namespace, name } })] : [];
}

/** A slice carries its service's labels, and those by which it is found. */
function sliceLabels(service: Service): Record<string, string> {
  return {
    ...service.metadata.labels,
    ...(isHeadless(service) && { [HEADLESS]: '' }),
    [SERVICE_NAME]: service.metadata.name,
    [MANAGED_BY]: MANAGER,
  };
}
