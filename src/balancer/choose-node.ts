import type { Node, Service } from '../api/generated/core-v1.ts';
import type { EndpointSlice } from '../api/generated/discovery-v1.ts';

const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';

/**
 * The node that receives a service's traffic from outside: a ready one, by preference one that has a backend, for from there it is the shortest way, and where
 * the clients' addresses are to be kept (`externalTrafficPolicy: Local`) it is the only one. `current` stays as long as it will do, for connections
 * go by it. Undefined when there is none.
 */
export function chooseNode(service: Service, nodes: readonly Node[], slices: readonly EndpointSlice[], current?: string): string | undefined {
  const able = nodes.filter((node) => isReady(node) && !(EXCLUDED in (node.metadata.labels ?? {}))).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const backing = backingNodes(slices);
  const preferred = able.filter(({ metadata }) => backing.has(metadata.name));
  const addresses = (some: readonly Node[]): string[] => some.flatMap((node) => addressOf(node) ?? []);
  const first = preferred.length > 0 ? preferred : able;
  const mayStay = addresses(service.spec?.externalTrafficPolicy === 'Local' ? first : able);
  return current !== undefined && mayStay.includes(current) ? current : addresses(first)[0];
}

/** Names of the nodes that have a ready backend. */
export function backingNodes(slices: readonly EndpointSlice[]): ReadonlySet<string | undefined> {
  return new Set(slices.flatMap(({ endpoints }) => (endpoints ?? []).filter(({ conditions }) => conditions?.ready ?? true).map(({ nodeName }) => nodeName)));
}

function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

function addressOf(node: Node): string | undefined {
  return node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
}
