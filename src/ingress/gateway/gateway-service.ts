import { createHash } from 'node:crypto';
import type { Service, ServicePort } from '../../api/generated/core-v1.ts';
import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import type { New } from '../../api/object.ts';
import { GATEWAY_GROUP, type Gateway } from './gateway-api.ts';
import type { ListenerVerdict } from './listeners.ts';

/** Where the proxy runs. */
export interface ProxyPlace {
  readonly address: string;
  readonly nodeName: string;
}

export const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name';
const MANAGER = 'gateway.wherry.dev';

/** The service by which a gateway is reached. */
export function serviceName({ metadata: { name } }: Gateway): string {
  return `gateway-${name}`.includes('.') ? shortened(`gateway-${name}`.replaceAll('.', '-'), name) : shortened(`gateway-${name}`, name);
}

/** For what takes 63 characters; told apart by a digest. */
function shortened(text: string, whole: string): string {
  return text.length <= 63 && text.endsWith(whole) ? text : `${text.slice(0, 52)}-${createHash('sha256').update(whole).digest('hex').slice(0, 10)}`;
}

/**
 * A service without selector, so that a gateway gets its address from the load balancer like everything else. The node ports that the API server gives it, which are nobody
 * else's, are where the proxy listens. Undefined when no listener is of a protocol that is served.
 */
export function gatewayService(gateway: Gateway, verdicts: readonly ListenerVerdict[], present: Service | undefined): New<Service> | undefined {
  const { metadata, spec: { infrastructure, addresses } } = gateway;
  const numbers = [...new Set(verdicts.filter(({ mode }) => mode !== undefined).map(({ listener }) => listener.port))].toSorted((a, b) => a - b);
  if (numbers.length === 0) return undefined;
  const wanted = addresses?.find(({ value }) => value)?.value;
  const owned = { [GATEWAY_NAME]: shortened(metadata.name, metadata.name) };
  return {
    metadata: {
      name: serviceName(gateway), namespace: metadata.namespace, labels: { ...infrastructure?.labels, ...owned }, ...(infrastructure?.annotations && { annotations: infrastructure.annotations }),
      ownerReferences: [{ apiVersion: `${GATEWAY_GROUP}/v1`, kind: 'Gateway', name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: false }],
    },
    spec: {
      // The clients' addresses are kept: they arrive at the proxy's node.
      type: 'LoadBalancer', externalTrafficPolicy: 'Local', ...(wanted && { loadBalancerIP: wanted }),
      ports: numbers.map((port): ServicePort => {
        const nodePort = present?.spec.ports?.find((one) => one.port === port)?.nodePort;
        return { name: `port-${port}`, port, protocol: 'TCP', ...(nodePort && { nodePort }) };
      }),
    },
  };
}

/** Whether the service is as it should be, as far as it is ours. */
export function isUpToDate(present: Service, wanted: New<Service>): boolean {
  const has = (some: Readonly<Record<string, string>> | undefined, all: Readonly<Record<string, string>> | undefined): boolean => Object.entries(all ?? {}).every(([key, value]) => some?.[key] === value);
  const ports = ({ ports: list }: Service['spec']): string => (list ?? []).map(({ name, port }) => `${name} ${port}`).join();
  return ports(present.spec) === ports(wanted.spec as Service['spec']) && present.spec.loadBalancerIP === wanted.spec.loadBalancerIP && has(present.metadata.labels, wanted.metadata.labels) && has(present.metadata.annotations, wanted.metadata.annotations);
}

/** Leads the service to the proxy. */
export function gatewaySlice(service: Service, { address, nodeName }: ProxyPlace): New<EndpointSlice> {
  const { name, namespace, labels, ownerReferences } = service.metadata;
  return {
    metadata: { name, namespace, labels: { ...labels, 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': MANAGER }, ...(ownerReferences && { ownerReferences }) },
    addressType: 'IPv4', endpoints: [{ addresses: [address], conditions: { ready: true }, nodeName }],
    ports: (service.spec.ports ?? []).flatMap(({ name: port, nodePort }) => (nodePort ? [{ name: port, port: nodePort, protocol: 'TCP' }] : [])),
  } as New<EndpointSlice>;
}
