import type { Service } from '../api/generated/core-v1.ts';
import type { EndpointSlice } from '../api/generated/discovery-v1.ts';
import { endpointSlices, services } from '../api/generated/resources.ts';
import type { InformerFactory } from '../client/informer.ts';
import type { DnsEndpoint, DnsService, DnsView } from './answer.ts';

const BY_SERVICE = 'service';
const BY_ADDRESS = 'dns-address';
const SERVICE_NAME = 'kubernetes.io/service-name';

/** The cluster as DNS sees it, read from the informers' caches at each question. */
export function clusterView(informers: InformerFactory): DnsView & { untilSynced(signal?: AbortSignal): Promise<void> } {
  const serviceInformer = informers.informer(services);
  const sliceInformer = informers.informer(endpointSlices);
  sliceInformer.addIndex(BY_SERVICE, (slice) => {
    const name = slice.metadata.labels?.[SERVICE_NAME];
    return name ? [`${slice.metadata.namespace}/${name}`] : [];
  });
  sliceInformer.addIndex(BY_ADDRESS, (slice) => [...new Set((slice.endpoints ?? []).flatMap(({ addresses }) => addresses))]);
  serviceInformer.addIndex(BY_ADDRESS, (service) => clusterIPsOf(service));

  return {
    async untilSynced(signal) {
      await Promise.all([serviceInformer.untilSynced(signal), sliceInformer.untilSynced(signal)]);
    },
    service(namespace, name) {
      const service = serviceInformer.get(`${namespace}/${name}`);
      return service && dnsService(service, sliceInformer.byIndex(BY_SERVICE, `${namespace}/${name}`));
    },
    hasServices: (namespace) => serviceInformer.list(namespace).length > 0,
    byAddress(address) {
      const byService = serviceInformer.byIndex(BY_ADDRESS, address).map(({ metadata }) => ({ namespace: metadata.namespace, service: metadata.name }));
      if (byService.length > 0) return byService;
      return sliceInformer.byIndex(BY_ADDRESS, address).flatMap((slice) => {
        const name = slice.metadata.labels?.[SERVICE_NAME];
        const service = name && serviceInformer.get(`${slice.metadata.namespace}/${name}`);
        if (!service || service.spec?.clusterIP !== 'None') return [];
        return readyEndpoints(slice).filter((endpoint) => endpoint.address === address).map(({ host }) => ({ namespace: slice.metadata.namespace, service: name, host }));
      });
    },
  };
}

export function dnsService(service: Service, slices: readonly EndpointSlice[]): DnsService {
  const { spec } = service;
  if (spec?.type === 'ExternalName') return { externalName: spec.externalName ?? '', clusterIPs: [], ports: [], endpoints: [] };
  return {
    clusterIPs: clusterIPsOf(service),
    ports: (spec?.ports ?? []).map(({ name, protocol, port }) => ({ name: name ?? '', protocol: (protocol ?? 'TCP').toLowerCase(), port })),
    endpoints: slices.flatMap(readyEndpoints).toSorted((a, b) => (a.address < b.address ? -1 : 1)),
  };
}

function clusterIPsOf({ spec }: Service): readonly string[] {
  const all = spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : []);
  return all.filter((address) => address !== 'None');
}

function readyEndpoints(slice: EndpointSlice): DnsEndpoint[] {
  if (slice.addressType !== 'IPv4' && slice.addressType !== 'IPv6') return [];
  const ports = (slice.ports ?? []).flatMap(({ name, protocol, port }) => (port ? [{ name: name ?? '', protocol: (protocol ?? 'TCP').toLowerCase(), port }] : []));
  return (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready ?? true).flatMap(({ addresses, hostname }) =>
    addresses.map((address) => ({ address, host: hostname?.toLowerCase() || address.replaceAll(/[.:]/g, '-'), ports })));
}
