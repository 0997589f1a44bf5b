import type { Service } from '../api/generated/core-v1.ts';
import type { Endpoint, EndpointSlice } from '../api/generated/discovery-v1.ts';
import { IPV4, type AddressFamily } from '../base/address-family.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** One place that answers for a service. */
export interface Backend {
  readonly address: string;
  readonly port: number;
  /** On this node. */
  readonly local: boolean;
}

/** One port of one service with everything that decides where its packets go on this node. */
export interface ServicePortState {
  /** `namespace/name`. */
  readonly service: string;
  readonly portName: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly clusterIP: string;
  readonly nodePort: number | undefined;
  readonly externalIPs: readonly string[];
  readonly loadBalancerIPs: readonly string[];
  /** Who may use the load balancer's addresses; everybody when empty. */
  readonly sourceRanges: readonly string[];
  /** Seconds a client stays with its backend; undefined without session affinity. */
  readonly affinitySeconds: number | undefined;
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  readonly backends: ChosenBackends;
}

export interface ChosenBackends {
  /** Of all nodes, or only those near this one, where the service asks for that. */
  readonly cluster: readonly Backend[];
  /** Of this node. */
  readonly local: readonly Backend[];
  /** Whether any usable backend is anywhere: a policy that finds none then drops, instead of refusing. */
  readonly any: boolean;
  /** How many of this node are ready. Load balancers are told of these alone, so that they leave before the last one has ended. */
  readonly readyHere: number;
  /** `ADDRESS:PORT` of all that still serve, wherever they are. */
  readonly serving: ReadonlySet<string>;
}

/** Services with this label are somebody else's (here: DNS, which each node answers itself). */
const OTHER_PROXY = 'service.kubernetes.io/service-proxy-name';
/** Slices with this label are for DNS alone, whatever their service is. */
const NOT_FOR_PROXIES = 'service.kubernetes.io/headless';
const DEFAULT_AFFINITY_SECONDS = 10_800;

/** What this proxy has to do for the service; empty for headless, external and foreign ones. For each family there is a proxy of its own. Upstream: pkg/proxy/serviceport.go; cmd/kube-proxy/app/server.go for the labels. */
export function servicePorts(service: Service, slices: readonly EndpointSlice[], node: { readonly name: string; readonly zone?: string }, family: AddressFamily = IPV4): ServicePortState[] {
  const { spec, metadata, status } = service;
  const clusterIP = [...(spec?.clusterIPs ?? []), spec?.clusterIP ?? ''].find((address) => family.has(address));
  if (!spec || !clusterIP || spec.type === 'ExternalName' || metadata.labels?.[OTHER_PROXY] !== undefined) return [];
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  const loadBalancerIPs = spec.type === 'LoadBalancer'
    ? (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) => (ip && family.has(ip) && ipMode !== 'Proxy' ? [ip] : []))
    : [];
  return (spec.ports ?? []).map((port) => {
    const protocol = (port.protocol ?? 'TCP').toLowerCase() as Protocol;
    return {
      service: `${metadata.namespace}/${metadata.name}`,
      portName: port.name ?? '',
      protocol,
      port: port.port,
      clusterIP,
      nodePort: external && port.nodePort ? port.nodePort : undefined,
      externalIPs: (spec.externalIPs ?? []).filter((ip) => family.has(ip)),
      loadBalancerIPs,
      sourceRanges: spec.type === 'LoadBalancer' ? (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim()).filter((range) => family.has(range)) : [],
      affinitySeconds: spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS) : undefined,
      internalLocal: spec.internalTrafficPolicy === 'Local',
      externalLocal: (external || (spec.externalIPs?.length ?? 0) > 0) && spec.externalTrafficPolicy === 'Local',
      backends: chooseBackends(slices, port.name ?? '', protocol, node, family),
    };
  });
}

interface Candidate extends Backend {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly endpoint: Endpoint;
}

/**
 * Ready backends; where there are none, those that end but still serve, so that a rollout loses no request.
 * Upstream: pkg/proxy/topology.go.
 */
export function chooseBackends(slices: readonly EndpointSlice[], portName: string, protocol: Protocol, node: { readonly name: string; readonly zone?: string }, family: AddressFamily = IPV4): ChosenBackends {
  const candidates = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== family.kind || slice.metadata.labels?.[NOT_FOR_PROXIES] !== undefined) continue;
    const port = slice.ports?.find((p) => (p.name ?? '') === portName && (p.protocol ?? 'TCP').toLowerCase() === protocol)?.port;
    if (!port) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const address = endpoint.addresses[0];
      if (!address) continue;
      const ready = endpoint.conditions?.ready ?? true;
      const candidate = { address, port, local: endpoint.nodeName === node.name, ready, serving: endpoint.conditions?.serving ?? ready, endpoint };
      const known = candidates.get(`${address}:${port}`);
      // While an endpoint moves from one slice to another it is in both: the better news wins.
      if (!known || (!known.ready && (ready || candidate.serving))) candidates.set(`${address}:${port}`, candidate);
    }
  }
  const all = [...candidates.values()].toSorted((a, b) => compare(a.address, b.address) || a.port - b.port);
  const ready = all.filter((candidate) => candidate.ready);
  // Where nobody is ready, whoever still serves will do, however far.
  const cluster = ready.length > 0 ? nearOnes(ready, node) : all.filter(isDraining);
  const readyHere = ready.filter((candidate) => candidate.local);
  const local = readyHere.length > 0 ? readyHere : all.filter((candidate) => candidate.local && isDraining(candidate));
  return { cluster: cluster.map(plain), local: local.map(plain), any: cluster.length > 0 || local.length > 0, readyHere: readyHere.length, serving: servingOf(all) };
}

function servingOf(candidates: readonly Candidate[]): ReadonlySet<string> {
  return new Set(candidates.filter(({ ready, serving }) => ready || serving).map(({ address, port }) => `${address}:${port}`));
}

function isDraining({ serving, endpoint }: Candidate): boolean {
  return serving && (endpoint.conditions?.terminating ?? false);
}

/** Hints count only when every backend has them and one of them means this node; first the node's own, then its zone's. */
function nearOnes(candidates: Candidate[], node: { readonly name: string; readonly zone?: string }): Candidate[] {
  const forNode = filterByHint(candidates, (endpoint) => endpoint.hints?.forNodes?.map(({ name }) => name), node.name);
  return forNode ?? (node.zone ? filterByHint(candidates, (endpoint) => endpoint.hints?.forZones?.map(({ name }) => name), node.zone) : undefined) ?? candidates;
}

function filterByHint(candidates: Candidate[], hints: (endpoint: Endpoint) => readonly string[] | undefined, wanted: string): Candidate[] | undefined {
  if (!candidates.every(({ endpoint }) => (hints(endpoint)?.length ?? 0) > 0)) return undefined;
  const near = candidates.filter(({ endpoint }) => hints(endpoint)!.includes(wanted));
  return near.length > 0 ? near : undefined;
}

function plain({ address, port, local }: Candidate): Backend {
  return { address, port, local };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
