import type { Node, Pod, Service } from '../../api/generated/core-v1.ts';
import type { Endpoint, EndpointPort } from '../../api/generated/discovery-v1.ts';
import { isPodReady } from '../../api/pod/conditions.ts';
import { addressOf, targetPortOn, type IpFamily } from './service-pods.ts';

/** Endpoints that are reached through the same ports: one group fills slices of its own. */
export interface EndpointGroup {
  readonly addressType: IpFamily;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export const ZONE = 'topology.kubernetes.io/zone';

/**
 * The endpoints of a service for one family of addresses. Pods of one service may have different ports under one name
 * (an old and a new version), hence groups. Upstream: staging endpointslice/reconciler.go.
 */
export function endpointGroups(service: Service, pods: readonly Pod[], addressType: IpFamily, nodeOf: (name: string) => Node | undefined): readonly EndpointGroup[] {
  const groups = new Map<string, { ports: readonly EndpointPort[]; endpoints: Endpoint[] }>();
  for (const pod of pods) {
    const address = addressOf(pod, addressType);
    if (!address) continue;
    const ports = portsOn(pod, service);
    const key = JSON.stringify(ports);
    let group = groups.get(key);
    if (!group) groups.set(key, (group = { ports, endpoints: [] }));
    group.endpoints.push(endpointOf(service, pod, address, pod.spec.nodeName ? nodeOf(pod.spec.nodeName) : undefined));
  }
  return [...groups.values()].map((group) => ({ addressType, ...group }));
}

function portsOn(pod: Pod, service: Service): readonly EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = targetPortOn(pod, port);
    if (number === undefined) return [];
    return [{ name: port.name ?? '', protocol: port.protocol ?? 'TCP', port: number, ...(port.appProtocol && { appProtocol: port.appProtocol }) }];
  });
}

function endpointOf(service: Service, pod: Pod, address: string, node: Node | undefined): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const { nodeName, hostname, subdomain } = pod.spec;
  const zone = node?.metadata.labels?.[ZONE];
  const hints = topologyHints(service, nodeName, zone);
  return {
    addresses: [address],
    conditions: { ready: Boolean(service.spec?.publishNotReadyAddresses) || (serving && !terminating), serving, terminating },
    ...(hostname && subdomain === service.metadata.name && { hostname }),
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
    ...(nodeName && { nodeName }),
    ...(zone && { zone }),
    ...(hints && { hints }),
  };
}

/** Who prefers near endpoints is told, endpoint by endpoint, for whom each is near; hints by zone (`zone-hints.ts`) look at all of them. */
function topologyHints(service: Service, nodeName: string | undefined, zone: string | undefined): Endpoint['hints'] {
  switch (service.spec?.trafficDistribution) {
    case 'PreferSameNode':
      return { ...(zone && { forZones: [{ name: zone }] }), ...(nodeName && { forNodes: [{ name: nodeName }] }) };
    case 'PreferClose':
    case 'PreferSameZone':
      return zone ? { forZones: [{ name: zone }] } : undefined;
    default:
      return undefined;
  }
}
