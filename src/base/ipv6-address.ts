import { isIPv6 } from './ip-family.ts';

/** The eight groups of an IPv6 address, or undefined for what is none. Zones (`%eth0`) are none. */
export function ipv6Groups(text: string): number[] | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined;
  // The last two groups may be written as an IPv4 address.
  const plain = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a: string, b: string, c: string, d: string) => `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`);
  const [head, tail] = plain.split('::').map((side) => (side === '' ? [] : side.split(':').map((group) => parseInt(group, 16)))) as [number[], number[]?];
  return tail ? [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail] : head;
}

/** The shortest way to write it (RFC 5952): `fd00::1`. */
export function ipv6Text(groups: readonly number[]): string {
  let [from, length] = [0, 0];
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [from, length] = [i, end - i];
  }
  const hex = (some: readonly number[]): string => some.map((group) => group.toString(16)).join(':');
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, from))}::${hex(groups.slice(from + length))}`;
}
