import { isIPv4, isIPv6 as matchesIPv6 } from 'node:net';

export { isIPv4 };

/** As `node:net` has it, but what has no colon is not held against Node's pattern: compiling that takes milliseconds, and most clusters have no such address. */
export function isIPv6(text: string): boolean {
  return text.includes(':') && matchesIPv6(text);
}

/** The family of an address, 0 where it is none. */
export function isIP(text: string): 0 | 4 | 6 {
  return isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0;
}
