import { isIPv4, isIPv6 } from './ip-family.ts';

/** What differs between IPv4 and IPv6 for a packet filter. A node has one table for each family it uses. */
export interface AddressFamily {
  /** Of nft's tables, and the name of the header in rules. */
  readonly name: 'ip' | 'ip6';
  /** nft's type of an address. */
  readonly type: 'ipv4_addr' | 'ipv6_addr';
  /** In the API: of services' `ipFamilies`, and of slices' `addressType`. */
  readonly kind: 'IPv4' | 'IPv6';
  /** Whether an address or a range is of this family. */
  has(address: string): boolean;
}

export const IPV4: AddressFamily = { name: 'ip', type: 'ipv4_addr', kind: 'IPv4', has: (address) => isIPv4(address.split('/')[0]!) };
export const IPV6: AddressFamily = { name: 'ip6', type: 'ipv6_addr', kind: 'IPv6', has: (address) => isIPv6(address.split('/')[0]!) };
