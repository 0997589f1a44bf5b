import type { Answer, RecordType, StringAnswer } from 'dns-packet';
import { isIP } from '../base/ip-family.ts';
import { ipv6Groups, ipv6Text } from '../base/ipv6-address.ts';

/** What DNS needs to know of the cluster. Names in lower case. */
export interface DnsView {
  service(namespace: string, name: string): DnsService | undefined;
  hasServices(namespace: string): boolean;
  /** Who has the address: a service's cluster IP, or a backend of headless services. */
  byAddress(address: string): readonly { readonly namespace: string; readonly service: string; readonly host?: string }[];
}

export interface DnsService {
  /** One of each family that it has; none: headless or external. */
  readonly clusterIPs: readonly string[];
  readonly externalName?: string;
  readonly ports: readonly DnsPort[];
  /** Ready backends only. */
  readonly endpoints: readonly DnsEndpoint[];
}

export interface DnsPort {
  readonly name: string;
  /** `tcp`, `udp`, `sctp` */
  readonly protocol: string;
  readonly port: number;
}

export interface DnsEndpoint {
  readonly address: string;
  /** The pod's host name where it has one, else its address with dashes. */
  readonly host: string;
  readonly ports: readonly DnsPort[];
}

export type DnsReply =
  | { readonly kind: 'answer'; readonly rcode: 'NOERROR' | 'NXDOMAIN'; readonly answers: readonly Answer[]; readonly authorities: readonly Answer[]; readonly additionals: readonly Answer[] }
  /** An alias to a name outside of the cluster, whose addresses the answer should have too. */
  | { readonly kind: 'alias'; readonly answers: readonly Answer[]; readonly target: string }
  /** Not ours to say. */
  | { readonly kind: 'forward' };

export interface DnsZone {
  /** `cluster.local` */
  readonly domain: string;
  /** Our own address. */
  readonly server: string;
  /** Seconds. */
  readonly ttl: number;
  readonly serial: number;
}

/** What may be asked for. */
export type AskedType = RecordType | 'ANY';

/** Aliases may lead to aliases, but not in a circle. */
const LONGEST_CHAIN = 8;

/**
 * The answer to one question, from the cluster's state alone. Kubernetes DNS-based service discovery 1.1; where it leaves things
 * open, what CoreDNS does. `name` may be of any case and is repeated as it was asked.
 */
export function answer(question: { readonly name: string; readonly type: AskedType }, view: DnsView, zone: DnsZone, depth = 0): DnsReply {
  const asked = question.name.replace(/\.$/, '');
  const name = asked.toLowerCase();
  const reply = new Reply(asked, question.type, zone);
  if (name.endsWith('.in-addr.arpa') || name.endsWith('.ip6.arpa')) return reverse(name, reply, view, zone);
  if (name !== zone.domain && !name.endsWith(`.${zone.domain}`)) return { kind: 'forward' };
  const labels = name === zone.domain ? [] : name.slice(0, -zone.domain.length - 1).split('.');
  const kind = labels.at(-1);

  if (kind === undefined) return reply.records('SOA', [zone]).records('NS', [`ns.dns.${zone.domain}`]).found();
  if (name === `dns-version.${zone.domain}`) return reply.records('TXT', ['1.1.0']).found();
  if (name === `ns.dns.${zone.domain}`) return reply.addresses([zone.server]).found();
  if (labels.length === 1 && (kind === 'svc' || kind === 'pod' || kind === 'dns')) return reply.found();
  if (kind === 'pod') return podRecords(labels, reply);
  if (kind !== 'svc') return reply.missing();

  const [serviceName, namespace] = labels.slice(-3, -1);
  if (namespace === undefined) return view.hasServices(serviceName!) ? reply.found() : reply.missing();
  const service = view.service(namespace, serviceName!);
  if (!service) return reply.missing();
  const canonical = `${serviceName}.${namespace}.svc.${zone.domain}`;
  const rest = labels.slice(0, -3);
  if (rest.length === 0) return serviceRecords(service, canonical, reply, view, zone, depth);
  if (rest.length === 1) return endpointRecords(service, rest[0]!, canonical, reply);
  if (rest.length === 2 && rest.every((label) => label.startsWith('_'))) return portRecords(service, rest[0]!.slice(1), rest[1]!.slice(1), canonical, reply);
  return reply.missing();
}

function serviceRecords(service: DnsService, canonical: string, reply: Reply, view: DnsView, zone: DnsZone, depth: number): DnsReply {
  if (service.externalName !== undefined) return alias(service.externalName, reply, view, zone, depth);
  if (service.clusterIPs.length > 0) return reply.addresses(service.clusterIPs).services(portTargets(service, canonical)).found();
  // As CoreDNS has it, a headless service that nobody backs is not there.
  if (service.endpoints.length === 0) return reply.missing();
  return reply.addresses(unique(service.endpoints.map(({ address }) => address))).services(portTargets(service, canonical)).found();
}

function endpointRecords(service: DnsService, host: string, canonical: string, reply: Reply): DnsReply {
  const endpoints = service.endpoints.filter((endpoint) => endpoint.host === host);
  if (endpoints.length === 0) return reply.missing();
  return reply.addresses(unique(endpoints.map(({ address }) => address))).services(portTargets({ clusterIPs: [], ports: service.ports, endpoints }, canonical)).found();
}

function portRecords(service: DnsService, port: string, protocol: string, canonical: string, reply: Reply): DnsReply {
  const targets = portTargets(service, canonical, (one) => one.name === port && one.protocol === protocol);
  return targets.length > 0 ? reply.services(targets).found() : reply.missing();
}

interface SrvTarget {
  readonly host: string;
  readonly addresses: readonly string[];
  readonly port: number;
}

function portTargets(service: DnsService, canonical: string, wanted: (port: DnsPort) => boolean = () => true): SrvTarget[] {
  if (service.clusterIPs.length > 0) return service.ports.filter(wanted).map(({ port }) => ({ host: canonical, addresses: service.clusterIPs, port }));
  // A host with an address of each family is one target.
  const targets = new Map<string, SrvTarget>();
  for (const endpoint of service.endpoints) {
    for (const { port } of endpoint.ports.filter(wanted)) {
      const host = `${endpoint.host}.${canonical}`;
      const known = targets.get(`${host}:${port}`);
      targets.set(`${host}:${port}`, { host, port, addresses: unique([...(known?.addresses ?? []), endpoint.address]) });
    }
  }
  return [...targets.values()];
}

/** `10-244-1-5.default.pod.cluster.local`, `fd00--5.…`: the address is in the name, whether there is such a pod or not. */
function podRecords(labels: readonly string[], reply: Reply): DnsReply {
  if (labels.length === 2) return reply.found();
  const [label] = labels as [string];
  const address = /^\d+(-\d+){3}$/.test(label) ? label.replaceAll('-', '.') : label.replaceAll('-', ':');
  if (labels.length !== 3 || !isIP(address)) return reply.missing();
  return reply.addresses([address]).found();
}

function alias(externalName: string, reply: Reply, view: DnsView, zone: DnsZone, depth: number): DnsReply {
  const target = externalName.replace(/\.$/, '');
  reply.records('CNAME', [target], true);
  if (reply.type === 'CNAME' || reply.type === 'ANY') return reply.found();
  if (depth >= LONGEST_CHAIN) return reply.found();
  const next = answer({ name: target, type: reply.type }, view, zone, depth + 1);
  if (next.kind === 'forward') return { kind: 'alias', answers: reply.answers, target };
  if (next.kind === 'alias') return { ...next, answers: [...reply.answers, ...next.answers] };
  return { ...next, rcode: 'NOERROR', answers: [...reply.answers, ...next.answers] };
}

function reverse(name: string, reply: Reply, view: DnsView, zone: DnsZone): DnsReply {
  const address = addressOfReverse(name);
  if (!address) return { kind: 'forward' };
  const owners = view.byAddress(address);
  if (owners.length === 0) return { kind: 'forward' };
  return reply.records('PTR', owners.map(({ namespace, service, host }) => `${host ? `${host}.` : ''}${service}.${namespace}.svc.${zone.domain}`)).found();
}

/** Collects the records of the type that was asked for. */
class Reply {
  readonly answers: Answer[] = [];
  readonly type: AskedType;
  readonly #name: string;
  readonly #zone: DnsZone;
  readonly #additionals: Answer[] = [];

  constructor(name: string, type: AskedType, zone: DnsZone) {
    this.#name = name;
    this.type = type;
    this.#zone = zone;
  }

  /** A for those of IPv4, AAAA for those of IPv6. */
  addresses(addresses: readonly string[]): this {
    return this.records('A', addresses.filter((one) => !one.includes(':'))).records('AAAA', addresses.filter((one) => one.includes(':')));
  }

  /** `always`: whatever was asked for, as aliases are. */
  records(type: 'A' | 'AAAA' | 'PTR' | 'CNAME' | 'NS' | 'TXT' | 'SOA', values: readonly (string | DnsZone)[], always = false): this {
    if (!always && this.type !== type && this.type !== 'ANY') return this;
    for (const value of values) {
      this.answers.push(typeof value === 'string' ? ({ name: this.#name, type, ttl: this.#zone.ttl, class: 'IN', data: value } as StringAnswer) : soa(value));
    }
    return this;
  }

  services(targets: readonly SrvTarget[]): this {
    if (this.type !== 'SRV' && this.type !== 'ANY') return this;
    const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.length)));
    for (const { host, port } of targets) {
      this.answers.push({ name: this.#name, type: 'SRV', ttl: this.#zone.ttl, class: 'IN', data: { priority: 0, weight, port, target: host } });
    }
    const hosts = new Map(targets.flatMap(({ host, addresses }) => addresses.map((address) => [`${host}/${address}`, { host, address }] as const)));
    for (const { host, address } of hosts.values()) this.#additionals.push({ name: host, type: address.includes(':') ? 'AAAA' : 'A', ttl: this.#zone.ttl, class: 'IN', data: address });
    return this;
  }

  /** The name is there; without records of the type, the answer says so by the zone's SOA. */
  found(): DnsReply {
    return { kind: 'answer', rcode: 'NOERROR', answers: this.answers, authorities: this.answers.length > 0 ? [] : [soa(this.#zone)], additionals: this.#additionals };
  }

  missing(): DnsReply {
    return { kind: 'answer', rcode: 'NXDOMAIN', answers: [], authorities: [soa(this.#zone)], additionals: [] };
  }
}

function soa({ domain, ttl, serial }: DnsZone): Answer {
  return {
    name: domain, type: 'SOA', ttl, class: 'IN',
    data: { mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, serial, refresh: 7200, retry: 1800, expire: 86_400, minimum: ttl },
  };
}

/** `5.1.244.10.in-addr.arpa`, or 32 nibbles from the last to the first and `ip6.arpa`. */
function addressOfReverse(name: string): string | undefined {
  if (name.endsWith('.in-addr.arpa')) {
    const address = name.slice(0, -'.in-addr.arpa'.length).split('.').toReversed().join('.');
    return isIP(address) === 4 ? address : undefined;
  }
  const nibbles = name.slice(0, -'.ip6.arpa'.length).split('.').toReversed();
  if (nibbles.length !== 32 || !nibbles.every((nibble) => /^[\da-f]$/.test(nibble))) return undefined;
  return ipv6Text(ipv6Groups(nibbles.join('').match(/.{4}/g)!.join(':'))!);
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
