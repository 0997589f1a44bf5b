/** A range of IPv4 addresses in CIDR form, and the part of it that is given out first. */
export interface AddressRange {
  readonly cidr: string;
  /** The first and last address that may be given out: not the network's own and not the broadcast address. */
  readonly first: number;
  readonly last: number;
  /** From here on addresses are given out; those before are left to who asks for one by name, while there are others. */
  readonly dynamic: number;
}

export function parseAddress(text: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  const bytes = match.slice(1).map(Number);
  return bytes.every((b) => b <= 255) ? bytes.reduce((sum, b) => sum * 256 + b, 0) : undefined;
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

/** Reads `10.96.0.0/16`; undefined for IPv6 and for what is no range. */
export function parseRange(cidr: string): AddressRange | undefined {
  const [address, bits] = cidr.split('/');
  const base = parseAddress(address ?? '');
  const length = Number(bits);
  if (base === undefined || !bits || !Number.isInteger(length) || length < 0 || length > 32) return undefined;
  const size = 2 ** (32 - length);
  const network = base - (base % size);
  const first = size > 2 ? network + 1 : network;
  const last = size > 2 ? network + size - 2 : network + size - 1;
  return { cidr, first, last, dynamic: Math.min(last, first + staticBand(size, 256, 16)) };
}

/** How many numbers at the start of a range are given out last. Upstream: calculateRangeOffset of ipallocator and portallocator. */
export function staticBand(size: number, most: number, step: number): number {
  return size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / step)), most);
}

export const contains = (range: AddressRange, address: number): boolean => address >= range.first && address <= range.last;

/**
 * A number between `first` and `last` that is not taken: a random one from `dynamic` on, or, when all those are gone, of the ones before.
 * Undefined when the range is full.
 */
export function pickFree(first: number, dynamic: number, last: number, taken: (number: number) => boolean, random: { next(): number }): number | undefined {
  return scan(dynamic, last, taken, random) ?? (dynamic > first ? scan(first, dynamic - 1, taken, random) : undefined);
}

function scan(from: number, to: number, taken: (number: number) => boolean, random: { next(): number }): number | undefined {
  const size = to - from + 1;
  if (size <= 0) return undefined;
  const start = Math.floor(random.next() * size);
  for (let i = 0; i < size; i++) {
    const candidate = from + ((start + i) % size);
    if (!taken(candidate)) return candidate;
  }
  return undefined;
}
