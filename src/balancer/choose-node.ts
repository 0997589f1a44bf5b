import type { Node, Service } from '../api/generated/core-v1.ts';
import type { EndpointSlice } from '../api/generated/discovery-v1.ts';

const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';

/**
 * The node that receives a service's traffic from outside: a ready one, and where the clients' addresses are to be kept
 * (`externalTrafficPolicy: Local`) one that has a backend. `current` stays as long as it will do. Undefined when there is none.
 */
export function chooseNode(service: Service, nodes: readonly Node[], slices: readonly EndpointSlice[], current?: string): string | undefined {
  const able = nodes.filter((node) => isReady(node) && !(EXCLUDED in (node.metadata.labels ?? {}))).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const backing = service.spec?.externalTrafficPolicy === 'Local'
    ? new Set(slices.flatMap(({ endpoints }) => (endpoints ?? []).filter(({ conditions }) => conditions?.ready ?? true).map(({ nodeName }) => nodeName)))
    : undefined;
  const preferred = backing ? able.filter(({ metadata }) => backing.has(metadata.name)) : able;
  const addresses = (preferred.length > 0 ? preferred : able).flatMap((node) => addressOf(node) ?? []);
  return current !== undefined && addresses.includes(current) ? current : addresses[0];
}

function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

function addressOf(node: Node): string | undefined {
  return node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
}
