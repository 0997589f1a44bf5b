import { isIP } from '../../base/ip-family.ts';
import { fieldError, internalError, invalid, isReason, type StatusError } from '../../api/errors.ts';
import type { Service, ServicePort, ServiceSpec } from '../../api/generated/core-v1.ts';
import { ipAddresses, serviceCIDRs, services } from '../../api/generated/resources.ts';
import type { IPAddress, ServiceCIDR } from '../../api/generated/networking-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import type { Registry } from '../registry/store.ts';
import type { RequestContext } from '../request.ts';
import { contains, formatAddress, parseAddress, parseRange, pickFree, staticBand, type AddressRange } from './address-range.ts';
import { ownFamilies, type IpFamily } from './ip-families.ts';
import { sixRange, type SixRange } from './six-range.ts';
import type { HookedWrite, WriteHook } from './write-hook.ts';

export interface ServiceAllocationOptions {
  readonly objects: StoredObjects;
  readonly registry: Registry;
  readonly random: Random;
  readonly log: Log;
  /** The server's own context, in which IPAddress objects are written. */
  readonly context: RequestContext;
  /** `10.96.0.0/16`: always usable, whatever ServiceCIDR objects say. */
  readonly serviceCidr: string;
  /** `fd00:10:96::/112`, where services may have addresses of IPv6 as well. */
  readonly secondServiceCidr?: string;
  /** Inclusive. */
  readonly nodePorts: readonly [number, number];
}

/** What one write takes while it is not yet stored. */
interface Taken {
  readonly addresses: string[];
  readonly ports: number[];
}

/**
 * Gives services their cluster addresses and node ports. What is taken is what stored services and IPAddress objects have, and what
 * writes under way hold; an IPAddress object is written for each address once its service is stored.
 * Upstream: pkg/registry/core/service/storage/alloc.go, ipallocator, portallocator.
 */
export class ServiceAllocation implements WriteHook, Disposable {
  readonly resource = services;
  readonly #options: ServiceAllocationOptions;
  readonly #ranges = new Map<string, readonly AddressRange[]>();
  readonly #addresses = new Counter<string>();
  readonly #ports = new Counter<number>();
  readonly #six: SixRange | undefined;
  readonly #stack = new DisposableStack();

  constructor(options: ServiceAllocationOptions) {
    this.#options = options;
    const { objects } = options;
    this.#six = options.secondServiceCidr === undefined ? undefined : sixRange(options.secondServiceCidr);
    this.#stack.use(objects.follow(services, {
      put: (service, previous) => {
        if (previous) this.#account(previous, -1);
        this.#account(service, 1);
      },
      delete: (service) => this.#account(service, -1),
    }));
    this.#stack.use(objects.follow(ipAddresses, {
      put: (address, previous) => {
        if (!previous) this.#addresses.add(address.metadata.name, 1);
      },
      delete: (address) => this.#addresses.add(address.metadata.name, -1),
    }));
    this.#stack.use(objects.follow(serviceCIDRs, {
      put: (cidr) => void this.#ranges.set(cidr.metadata.name, usableRanges(cidr)),
      delete: (cidr) => void this.#ranges.delete(cidr.metadata.name),
    }));
  }

  /** Writes IPAddress objects that are missing, and removes those of services that are gone: a server may have ended between the two writes. */
  async repair(): Promise<void> {
    const { objects } = this.#options;
    const wanted = new Map(objects.list(services).flatMap((service) => clusterAddresses(service).map((address) => [address, service] as const)));
    const work: Promise<void>[] = [];
    for (const [address, service] of wanted) if (!objects.get(ipAddresses, { name: address })) work.push(this.#record(address, service));
    for (const address of objects.list(ipAddresses)) {
      if (address.metadata.labels?.[MANAGED_BY] === MANAGER && !wanted.has(address.metadata.name)) work.push(this.#forget(address.metadata.name));
    }
    await Promise.all(work);
  }

  async beforeCreate(object: KubeObject): Promise<HookedWrite> {
    return this.#write(object as Service, undefined);
  }

  async beforeUpdate(object: KubeObject, previous: KubeObject): Promise<HookedWrite> {
    return this.#write(object as Service, previous as Service);
  }

  async afterDelete(object: KubeObject): Promise<void> {
    await Promise.all(clusterAddresses(object as Service).map((address) => this.#forget(address)));
  }

  [Symbol.dispose](): void {
    this.#stack[Symbol.dispose]();
  }

  #write(service: Service, previous: Service | undefined): HookedWrite {
    const taken: Taken = { addresses: [], ports: [] };
    const letGo = (): void => {
      for (const address of taken.addresses.splice(0)) this.#addresses.add(address, -1);
      for (const port of taken.ports.splice(0)) this.#ports.add(port, -1);
    };
    try {
      let { spec } = service;
      spec = ownFamilies(service, spec, previous?.spec, this.#six ? ['IPv4', 'IPv6'] : ['IPv4']);
      spec = this.#withAddresses(service, spec, previous, taken);
      spec = this.#withNodePorts(service, spec, previous, taken);
      spec = this.#withHealthCheckPort(service, spec, previous, taken);
      const object = spec === service.spec ? service : { ...service, spec };
      return {
        object,
        rollback: letGo,
        commit: async () => {
          letGo();
          const before = new Set(previous && clusterAddresses(previous));
          const after = new Set(clusterAddresses(object));
          await Promise.all([
            ...[...after].filter((a) => !before.has(a)).map((a) => this.#record(a, object)),
            ...[...before].filter((a) => !after.has(a)).map((a) => this.#forget(a)),
          ]);
        },
      };
    } catch (error) {
      letGo();
      throw error;
    }
  }

  /** One of each family, in their order. */
  #withAddresses(service: Service, spec: ServiceSpec, previous: Service | undefined, taken: Taken): ServiceSpec {
    if (spec.type === 'ExternalName' || spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None') return spec;
    const asked = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? ''];
    // What is no address is left to validation.
    if (asked.some((one) => one && isIP(one) === 0)) return spec;
    const own = previous ? clusterAddresses(previous) : [];
    const families = (spec.ipFamilies?.length ? spec.ipFamilies : ['IPv4']) as readonly IpFamily[];
    const addresses = families.map((family, i) => (asked[i] && own.includes(asked[i]) ? asked[i] : this.#addressOf(service, spec, family, asked[i] ?? '', taken)));
    const clusterIPs = [...addresses, ...asked.slice(addresses.length)];
    return clusterIPs.length === spec.clusterIPs?.length && clusterIPs.every((one, i) => one === spec.clusterIPs![i]) && spec.clusterIP === clusterIPs[0] ? spec : { ...spec, clusterIP: clusterIPs[0]!, clusterIPs };
  }

  /** The address that was asked for, or a free one where none was; throws where there is none. */
  #addressOf(service: Service, spec: ServiceSpec, family: IpFamily, asked: string, taken: Taken): string {
    if (asked) {
      const fault = this.#addressFault(family, asked);
      if (fault) throw refuse(service, 'spec.clusterIPs', spec.clusterIPs ?? [asked], `failed to allocate IP ${asked}: ${fault}`);
      this.#take(taken, asked);
      return asked;
    }
    const address = family === 'IPv6' ? this.#freeSix() : this.#freeAddress();
    if (address === undefined) throw internalError(`failed to allocate a serviceIP for Service ${JSON.stringify(service.metadata.name)}: range is full`);
    this.#take(taken, address);
    return address;
  }

  #take(taken: Taken, address: string): void {
    this.#addresses.add(address, 1);
    taken.addresses.push(address);
  }

  /** The cluster's own range, and those of ServiceCIDR objects that are ready. */
  #usable(): readonly AddressRange[] {
    const own = parseRange(this.#options.serviceCidr);
    const others = [...this.#ranges.values()].flat().filter((range) => range.cidr !== own?.cidr);
    return own ? [own, ...others] : others;
  }

  #addressFault(family: IpFamily, text: string): string | undefined {
    // One of the other family is a fault that validation words.
    if (isIP(text) !== (family === 'IPv6' ? 6 : 4)) return undefined;
    const inRange = family === 'IPv6' ? this.#six?.numberOf(text) !== undefined : this.#usable().some((range) => contains(range, parseAddress(text)!));
    if (!inRange) return 'the provided network does not match the current range';
    return this.#addresses.has(text) ? 'provided IP is already allocated' : undefined;
  }

  #freeSix(): string | undefined {
    const six = this.#six;
    if (!six) return undefined;
    const number = pickFree(six.first, six.first + staticBand(six.last, 256, 16), six.last, (n) => this.#addresses.has(six.address(n)), this.#options.random);
    return number === undefined ? undefined : six.address(number);
  }

  #freeAddress(): string | undefined {
    for (const { first, dynamic, last } of this.#usable()) {
      const address = pickFree(first, dynamic, last, (a) => this.#addresses.has(formatAddress(a)), this.#options.random);
      if (address !== undefined) return formatAddress(address);
    }
    return undefined;
  }

  #withNodePorts(service: Service, spec: ServiceSpec, previous: Service | undefined, taken: Taken): ServiceSpec {
    if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return spec;
    const allocates = spec.type === 'NodePort' || spec.allocateLoadBalancerNodePorts !== false;
    const own = new Set(previous ? nodePortsOf(previous) : []);
    /** By the service's port: the same port in two protocols gets the same node port. */
    const byPort = new Map<number, number>();
    for (const port of spec.ports ?? []) if (port.nodePort) byPort.set(port.port, port.nodePort);
    const used = new Set<string>();
    let changed = false;
    const ports = (spec.ports ?? []).map((port: ServicePort, i): ServicePort => {
      if (!port.nodePort && !allocates) return port;
      const shared = byPort.get(port.port);
      const free = shared !== undefined && !used.has(`${port.protocol ?? 'TCP'}/${shared}`);
      const nodePort = port.nodePort || (free ? shared : this.#nextPort());
      used.add(`${port.protocol ?? 'TCP'}/${nodePort}`);
      if (!own.has(nodePort) && !taken.ports.includes(nodePort)) {
        const fault = this.#portFault(nodePort);
        if (fault) throw refuse(service, `spec.ports[${i}].nodePort`, nodePort, fault);
        this.#ports.add(nodePort, 1);
        taken.ports.push(nodePort);
      }
      byPort.set(port.port, nodePort);
      if (port.nodePort === nodePort) return port;
      changed = true;
      return { ...port, nodePort };
    });
    return changed ? { ...spec, ports } : spec;
  }

  #withHealthCheckPort(service: Service, spec: ServiceSpec, previous: Service | undefined, taken: Taken): ServiceSpec {
    if (spec.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local') return spec;
    const asked = spec.healthCheckNodePort;
    if (asked && (asked < 1 || asked > 65_535)) return spec; // refused by the validation
    if (asked && previous?.spec.healthCheckNodePort === asked) return spec;
    const port = asked || this.#nextPort();
    const fault = this.#portFault(port);
    if (fault) throw internalError(`failed to allocate requested HealthCheck NodePort ${port}: ${fault}`);
    this.#ports.add(port, 1);
    taken.ports.push(port);
    return asked ? spec : { ...spec, healthCheckNodePort: port };
  }

  #nextPort(): number {
    const [first, last] = this.#options.nodePorts;
    const dynamic = first + staticBand(last - first + 1, 128, 32);
    const port = pickFree(first, dynamic, last, (p) => this.#ports.has(p), this.#options.random);
    if (port === undefined) throw internalError('failed to allocate a nodePort: range is full');
    return port;
  }

  #portFault(port: number): string | undefined {
    const [first, last] = this.#options.nodePorts;
    if (port < first || port > last) return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
    return this.#ports.has(port) ? 'provided port is already allocated' : undefined;
  }

  #account(service: Service, by: 1 | -1): void {
    for (const address of clusterAddresses(service)) this.#addresses.add(address, by);
    for (const port of new Set(nodePortsOf(service))) this.#ports.add(port, by);
  }

  /** A failure here is logged and made good by `repair`: the service has its address already. */
  async #record(address: string, service: Service): Promise<void> {
    const { registry, context, log } = this.#options;
    const object = {
      apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress',
      metadata: { name: address, labels: { 'ipaddress.kubernetes.io/ip-family': address.includes(':') ? 'IPv6' : 'IPv4', [MANAGED_BY]: MANAGER } },
      spec: { parentRef: { group: '', resource: 'services', namespace: service.metadata.namespace, name: service.metadata.name } },
    } as unknown as IPAddress;
    try {
      await registry.store('networking.k8s.io', 'v1', 'ipaddresses')?.create(context, '', object);
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) log.error('cannot record the address of a service', { address, service: service.metadata.name, error });
    }
  }

  async #forget(address: string): Promise<void> {
    const { registry, context, log } = this.#options;
    try {
      await registry.store('networking.k8s.io', 'v1', 'ipaddresses')?.delete(context, { name: address });
    } catch (error) {
      if (!isReason(error, 'NotFound')) log.error('cannot give back the address of a service', { address, error });
    }
  }
}

const MANAGED_BY = 'ipaddress.kubernetes.io/managed-by';
const MANAGER = 'ipallocator.k8s.io';

const refuse = (service: Service, field: string, value: unknown, detail: string): StatusError =>
  invalid({ group: '', kind: 'Service' }, service.metadata.name, [fieldError.invalid(field, value, detail)]);

function clusterAddresses({ spec }: Service): readonly string[] {
  if (spec.type === 'ExternalName') return [];
  const all = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : [];
  return all.filter((address) => isIP(address) !== 0);
}

/** Node ports of a service, the one for health checks too. */
function nodePortsOf({ spec }: Service): readonly number[] {
  const ports = (spec.ports ?? []).map((port) => port.nodePort ?? 0);
  return [...ports, spec.healthCheckNodePort ?? 0].filter((port) => port !== 0);
}

function usableRanges({ metadata, spec, status }: ServiceCIDR): readonly AddressRange[] {
  const ready = status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  if (metadata.deletionTimestamp || ready !== 'True') return [];
  return (spec?.cidrs ?? []).flatMap((cidr) => parseRange(cidr) ?? []);
}

/** Counts holders of a value; it is there while somebody holds it. */
class Counter<T> {
  readonly #counts = new Map<T, number>();

  has(value: T): boolean {
    return this.#counts.has(value);
  }

  add(value: T, by: 1 | -1): void {
    const count = (this.#counts.get(value) ?? 0) + by;
    if (count > 0) this.#counts.set(value, count);
    else this.#counts.delete(value);
  }
}
