import type { Service } from '../api/generated/core-v1.ts';
import { keyOf } from '../api/object.ts';

/** First and last address, both included. */
export type AddressPool = readonly [first: string, last: string];

export interface Assignment {
  /** Service key → its address. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Service key → why it has none. */
  readonly refused: ReadonlyMap<string, string>;
}

/** Names the address a service wants; `spec.loadBalancerIP` does as well. */
export const WANTED_ADDRESS = 'wherry.dev/load-balancer-ip';

/**
 * Who gets which address. What a service has it keeps; then come those that want a certain one, then the rest in the order of
 * their age, each the lowest that is free. The same services give the same answer, whatever happened before.
 */
export function assignAddresses(services: readonly Service[], pool: AddressPool): Assignment {
  const free = new Set(addressesOf(pool));
  const addresses = new Map<string, string>();
  const refused = new Map<string, string>();
  const waiting: Service[] = [];
  for (const service of services.toSorted(byAge)) {
    const present = presentAddress(service, pool);
    const wanted = wantedAddress(service);
    if (present && (!wanted || wanted === present) && free.delete(present)) addresses.set(keyOf(service), present);
    else waiting.push(service);
  }
  for (const service of waiting) {
    const wanted = wantedAddress(service);
    if (!wanted) continue;
    if (free.delete(wanted)) addresses.set(keyOf(service), wanted);
    else refused.set(keyOf(service), inPool(wanted, pool) ? `address ${wanted} belongs to another service` : `address ${wanted} is not in the pool ${pool.join('-')}`);
  }
  for (const service of waiting) {
    if (wantedAddress(service)) continue;
    const [lowest] = free;
    if (lowest === undefined) refused.set(keyOf(service), `all addresses of the pool ${pool.join('-')} are in use`);
    else {
      free.delete(lowest);
      addresses.set(keyOf(service), lowest);
    }
  }
  return { addresses, refused };
}

/** The address of the pool that the service's status shows. */
export function presentAddress(service: Service, pool: AddressPool): string | undefined {
  return service.status?.loadBalancer?.ingress?.map(({ ip }) => ip).find((ip) => ip !== undefined && inPool(ip, pool));
}

function wantedAddress(service: Service): string | undefined {
  return service.metadata.annotations?.[WANTED_ADDRESS] || service.spec?.loadBalancerIP || undefined;
}

export function inPool(address: string, pool: AddressPool): boolean {
  const number = toNumber(address);
  return number >= toNumber(pool[0]) && number <= toNumber(pool[1]);
}

function addressesOf([first, last]: AddressPool): string[] {
  const addresses: string[] = [];
  for (let number = toNumber(first); number <= toNumber(last); number++) addresses.push([24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.'));
  return addresses;
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function byAge(a: Service, b: Service): number {
  const [one, other] = [`${a.metadata.creationTimestamp} ${keyOf(a)}`, `${b.metadata.creationTimestamp} ${keyOf(b)}`];
  return one < other ? -1 : 1;
}
