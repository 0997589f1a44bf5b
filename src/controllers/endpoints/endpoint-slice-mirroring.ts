import { isIP } from 'node:net';
import type { Endpoints, EndpointSubset, Service } from '../../api/generated/core-v1.ts';
import type { Endpoint } from '../../api/generated/discovery-v1.ts';
import { endpoints as endpointsResource, endpointSlices, services as serviceResource } from '../../api/generated/resources.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { controllerReference } from '../ownership.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { Expectations } from '../expectations.ts';
import { isNamespaceTerminating } from '../pod-control.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { without } from '../without.ts';
import type { EndpointGroup } from './desired-endpoints.ts';
import { MANAGED_BY, SERVICE_NAME, serviceOf } from './endpoint-slice.ts';
import { familyOf, type IpFamily } from './service-pods.ts';
import { packSlices } from './slice-packing.ts';

const MANAGER = 'endpointslicemirroring-controller.k8s.io';
const SKIP = 'endpointslice.kubernetes.io/skip-mirror';
const LEADER = 'control-plane.alpha.kubernetes.io/leader';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** So many endpoints of a subset are mirrored, so that hand-made lists of any size do no harm. */
const SUBSET_LIMIT = 1000;

/** Mirrors hand-made Endpoints into slices, which is what proxies read. Upstream: pkg/controller/endpointslicemirroring. */
export const endpointSliceMirroringController: Controller = {
  name: 'endpoint-slice-mirroring-controller',
  start(context) {
    const { client, clock, informers, recorder } = context;
    const services = informers.informer(serviceResource);
    const endpoints = informers.informer(endpointsResource);
    const slices = informers.informer(endpointSlices);
    slices.addIndex('mirrors', (slice) => (slice.metadata.labels?.[MANAGED_BY] === MANAGER ? serviceOf(slice) : []));
    const expectations = new Expectations(slices, clock);

    async function reconcile(key: string): Promise<ReconcileResult> {
      if (!expectations.settled(key)) return { requeueAfterMs: Expectations.timeoutMs };
      const source = endpoints.get(key);
      const service = services.get(key);
      const existing = slices.byIndex('mirrors', key);
      if (!source || !service || !isMirrored(source, service)) {
        for (const { metadata: { namespace, name, uid } } of existing) await client.delete(endpointSlices, { namespace, name }, { preconditions: { uid } });
        return;
      }
      const { name, namespace } = source.metadata;
      const labels = { ...source.metadata.labels, [SERVICE_NAME]: name, [MANAGED_BY]: MANAGER };
      const annotations = without(source.metadata.annotations ?? {}, LAST_APPLIED);
      const skipped = (source.subsets ?? []).reduce((sum, subset) => sum + Math.max(0, (subset.addresses?.length ?? 0) + (subset.notReadyAddresses?.length ?? 0) - SUBSET_LIMIT), 0);
      const invalid = invalidAddresses(source.subsets ?? []);
      if (invalid > 0) recorder.event(source, 'Warning', 'InvalidIPAddress', `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`);
      if (skipped > 0) recorder.event(source, 'Warning', 'TooManyAddressesToMirror', `A max of ${SUBSET_LIMIT} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`);
      try {
        for (const family of ['IPv4', 'IPv6'] as const) {
          const groups = mirroredGroups(source.subsets ?? [], family);
          const own = existing.filter((slice) => slice.addressType === family);
          if (groups.length === 0 && own.length === 0) continue;
          const changes = packSlices(own, groups, family, 1000);
          for (const content of changes.create) {
            if (content.endpoints.length === 0) continue;
            const metadata = { generateName: `${name}-`, namespace, labels, annotations, ownerReferences: [controllerReference(source)] };
            await expectations.create(key, () => client.create(endpointSlices, { metadata, ...content }));
          }
          for (const { slice, ports, endpoints: next } of changes.update) await client.update(endpointSlices, { ...slice, ports, endpoints: next, metadata: { ...slice.metadata, labels, annotations } });
          for (const slice of changes.keep) {
            if (!semanticEqual(slice.metadata.labels, labels) || !semanticEqual(slice.metadata.annotations, annotations)) {
              await client.update(endpointSlices, { ...slice, metadata: { ...slice.metadata, labels, annotations } });
            }
          }
          for (const slice of changes.delete) {
            const { namespace: space, name: sliceName, uid } = slice.metadata;
            await expectations.delete(key, slice, () => client.delete(endpointSlices, { namespace: space, name: sliceName }, { preconditions: { uid } }));
          }
        }
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error;
      }
    }

    const loop = startLoop(context, { name: 'endpoint-slice-mirroring-controller', queue: 'endpoint_slice_mirroring', needs: [services, endpoints, slices], workers: 5, reconcile });
    loop.own(expectations);
    loop.follow(services, itself);
    loop.follow(endpoints, itself);
    loop.follow(slices, (slice) => (slice.metadata.labels?.[MANAGED_BY] === MANAGER ? serviceOf(slice) : []));
    return loop;
  },
};

function isMirrored(source: Endpoints, service: Service): boolean {
  const { labels, annotations } = source.metadata;
  return labels?.[SKIP] !== 'true' && annotations?.[LEADER] === undefined && Object.keys(service.spec?.selector ?? {}).length === 0;
}

/** Servers of former days took what is no address. */
export function invalidAddresses(subsets: readonly EndpointSubset[]): number {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [] }) => [...addresses, ...notReadyAddresses]).filter(({ ip }) => isIP(ip) === 0).length;
}

function mirroredGroups(subsets: readonly EndpointSubset[], addressType: IpFamily): readonly EndpointGroup[] {
  const groups = new Map<string, { addressType: IpFamily; ports: EndpointGroup['ports']; endpoints: Endpoint[] }>();
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { addressType, ports: ports.map((port) => ({ ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' })), endpoints: [] };
    const all = [...addresses.map((address) => ({ address, ready: true })), ...notReadyAddresses.map((address) => ({ address, ready: false }))].slice(0, SUBSET_LIMIT);
    for (const { address: { ip, hostname, nodeName, targetRef }, ready } of all) {
      if (isIP(ip) === 0 || familyOf(ip) !== addressType) continue;
      group.endpoints.push({ addresses: [ip], conditions: { ready }, ...(hostname && { hostname }), ...(nodeName && { nodeName }), ...(targetRef && { targetRef }) });
    }
    if (group.endpoints.length > 0) groups.set(key, group);
  }
  return [...groups.values()];
}
