import { ipv6Groups, ipv6Text } from '../../base/ipv6-address.ts';

/** A range of at most 2^32 IPv6 addresses, by their numbers within it. */
export interface SixRange {
  readonly cidr: string;
  readonly first: number;
  readonly last: number;
  /** The shortest text of an address. */
  address(number: number): string;
  /** Undefined for an address of another range, and for what is none. */
  numberOf(address: string): number | undefined;
}

/** Reads `fd00:10:96::/112`. Throws for what is no range, or a larger one. */
export function sixRange(cidr: string): SixRange {
  const [text = '', bits = ''] = cidr.split('/');
  const base = ipv6Groups(text);
  const length = Number(bits);
  if (!base || !Number.isInteger(length) || length < 96 || length > 126) throw new Error(`${cidr} is no range of IPv6 addresses of 96 to 126 bits`);
  const size = 2 ** (128 - length);
  const low = (groups: readonly number[]): number => groups[6]! * 65_536 + groups[7]!;
  const start = low(base) - (low(base) % size);
  return {
    cidr, first: 1, last: size - 1,
    address: (number) => ipv6Text([...base.slice(0, 6), Math.floor((start + number) / 65_536), (start + number) % 65_536]),
    numberOf(address) {
      const groups = ipv6Groups(address);
      if (!groups || groups.slice(0, 6).some((group, i) => group !== base[i])) return undefined;
      const number = low(groups) - start;
      return number >= 0 && number < size ? number : undefined;
    },
  };
}
