/**
 * Formats of single values besides names (names.ts has those). Each answers what is wrong with the value, nothing where it is right.
 * Upstream: apimachinery pkg/util/validation.
 */
import { isIP, isIPv4, isIPv6 } from '../../base/ip-family.ts';
import { inclusiveRangeFault } from '../names.ts';

/** A user or group id of Linux. */
export const accountIdFaults = (id: number): readonly string[] => rangeFaults(id, 0, 2147483647);

export const rangeFaults = (value: number, low: number, high: number): readonly string[] => (value >= low && value <= high ? [] : [inclusiveRangeFault(low, high)]);

/** An IP address without leading zeros and not IPv4 mapped into IPv6. Upstream: IsValidIPForLegacyField with StrictIPCIDRValidation. */
export function ipFaults(address: string): readonly string[] {
  if (isIP(address) && !address.includes('%')) return isMappedIPv4(address) ? ['must not be an IPv4-mapped IPv6 address'] : [];
  const sloppy = /^\d+\.\d+\.\d+\.\d+$/.test(address) && address.split('.').every((part) => Number(part) < 256);
  return [sloppy ? 'must not have leading 0s' : 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];
}

/** As `ipFaults`, and in canonical form. Upstream: IsValidIP. */
export function canonicalIpFaults(address: string): readonly string[] {
  const faults = ipFaults(address);
  if (faults.length) return faults;
  const canonical = canonicalIp(address);
  return canonical === address ? [] : [`must be in canonical form ("${canonical}")`];
}

/** A network in CIDR notation with no bits beyond the prefix. Upstream: IsValidCIDRForLegacyField with StrictIPCIDRValidation. */
export function cidrFaults(cidr: string): readonly string[] {
  const match = /^([^/]+)\/(\d+)$/.exec(cidr);
  const address = match?.[1] ?? '';
  const bits = Number(match?.[2]);
  const faults = ipFaults(address);
  if (!match || faults[0]?.startsWith('must be a valid') || bits > (address.includes(':') ? 128 : 32)) return ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'];
  if (faults[0] === 'must not have leading 0s' || String(bits) !== match[2]) return ['must not have leading 0s in IP or prefix length'];
  if (faults.length) return ['must not have an IPv4-mapped IPv6 address'];
  return canonicalIp(address) === networkOf(address, bits) ? [] : ['must not have bits set beyond the prefix length'];
}

/** An address with the length of its network's prefix, `10.9.8.7/24`, in canonical form. Upstream: IsValidInterfaceAddress. */
export function interfaceAddressFaults(text: string): readonly string[] {
  const match = /^([^/]+)\/(\d+)$/.exec(text);
  const address = match?.[1] ?? '';
  const bits = Number(match?.[2]);
  if (!match || !isIP(address) || address.includes('%') || bits > (address.includes(':') ? 128 : 32)) return ['must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)'];
  const canonical = `${canonicalIp(address)}/${bits}`;
  return canonical === text ? [] : [`must be in canonical form ("${canonical}")`];
}

/** As `cidrFaults`, and in canonical form. Upstream: IsValidCIDR. */
export function canonicalCidrFaults(cidr: string): readonly string[] {
  const faults = cidrFaults(cidr);
  if (faults.length) return faults;
  const [address = '', bits] = cidr.split('/');
  const canonical = `${canonicalIp(address)}/${bits}`;
  return canonical === cidr ? [] : [`must be in canonical form ("${canonical}")`];
}

/** What a warning says of an address in an unusual form. Upstream: GetWarningsForIP. */
export function ipWarnings(path: string, address: string): readonly string[] {
  if (isMappedIPv4(address)) return [`${path}: non-standard IP address ${JSON.stringify(address)} is invalid: use ${JSON.stringify(canonicalIp(address))}`];
  if (!isIPv6(address) || canonicalIp(address) === address) return [];
  return [`${path}: IPv6 address ${JSON.stringify(address)} should be in RFC 5952 canonical format (${JSON.stringify(canonicalIp(address))})`];
}

/** Addresses that no pod or outside host answers on. Upstream: ValidateEndpointIP. */
export function endpointIpFaults(address: string): readonly string[] {
  if (!isIP(address)) return ['must be a valid IP address'];
  const canonical = canonicalIp(address);
  if (canonical === '0.0.0.0' || canonical === '::') return [`may not be unspecified (${address})`];
  if (canonical.startsWith('127.') || canonical === '::1') return ['may not be in the loopback range (127.0.0.0/8, ::1/128)'];
  if (canonical.startsWith('169.254.') || /^fe[89ab][0-9a-f]:/.test(canonical)) return ['may not be in the link-local range (169.254.0.0/16, fe80::/10)'];
  if (canonical.startsWith('224.0.0.') || /^ff[0-9a-f]2:/.test(canonical)) return ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'];
  return [];
}

/** The address as RFC 5952 writes it. `address` must be a valid one. */
export function canonicalIp(address: string): string {
  if (isIPv4(address)) return address;
  const mapped = isMappedIPv4(address);
  if (mapped) return mapped;
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

/** The IPv4 address within `::ffff:1.2.3.4`, in whichever way that is written. */
function isMappedIPv4(address: string): string | undefined {
  if (!isIPv6(address) || address.includes('%')) return undefined;
  const words = wordsOf(address);
  if (words.slice(0, 5).some((word) => word !== 0) || words[5] !== 0xffff) return undefined;
  return [words[6]! >> 8, words[6]! & 255, words[7]! >> 8, words[7]! & 255].join('.');
}

/** The eight 16-bit words of an IPv6 address. */
function wordsOf(address: string): readonly number[] {
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const words = (part: string): number[] => (part === '' ? [] : part.split(':').map((word) => parseInt(word, 16)));
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/** The network address of the first `bits` bits. */
export function networkOf(address: string, bits: number): string {
  const size = isIPv4(address) ? 8 : 16;
  const parts = isIPv4(address) ? address.split('.').map(Number) : wordsOf(address);
  const masked = parts.map((part, i) => {
    const kept = Math.min(size, Math.max(0, bits - i * size));
    return part & ~((1 << (size - kept)) - 1);
  });
  return isIPv4(address) ? masked.join('.') : canonicalIp(masked.map((word) => word.toString(16)).join(':'));
}
