import { isIP } from '../../base/ip-family.ts';
import { RE2JS } from 're2js';
import type { Environment } from '@marcbachmann/cel-js';
import { registerFormats } from './cel-formats.ts';
import { registerMacros } from './cel-macros.ts';
import { registerSemver } from './cel-semver.ts';
import { addQuantities, compareQuantities, isQuantity, parseQuantity, quantitySign, quantityToNumber, subtractQuantities } from '../quantity.ts';

/** `quantity("1Gi")` */
export class CelQuantity {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** `url("https://example.com/")` */
export class CelUrl {
  readonly url: URL;
  constructor(url: URL) {
    this.url = url;
  }
}

/** `ip("10.0.0.1")` */
export class CelIp {
  readonly bytes: readonly number[];
  readonly text: string;
  constructor(text: string) {
    this.text = text;
    this.bytes = addressBytes(text);
  }
}

/** `cidr("10.0.0.0/8")` */
export class CelCidr {
  readonly address: CelIp;
  readonly length: number;
  constructor(text: string) {
    const [address, length] = text.split('/');
    this.address = new CelIp(address!);
    this.length = Number(length);
  }
}

const patterns = new Map<string, RE2JS>();

/** In linear time, whatever the expression: it comes from users. */
function pattern(source: string): RE2JS {
  let compiled = patterns.get(source);
  if (!compiled) {
    compiled = RE2JS.compile(source);
    if (patterns.size > 1000) patterns.clear();
    patterns.set(source, compiled);
  }
  return compiled;
}

const matches = (text: string, source: string): boolean => pattern(source).matcher(text).find();

function findAll(text: string, source: string, limit = -1n): string[] {
  const matcher = pattern(source).matcher(text);
  const found: string[] = [];
  while ((limit < 0n || found.length < Number(limit)) && matcher.find()) found.push(matcher.group() ?? '');
  return found;
}

type Comparable = bigint | number | string | boolean;
const same = (a: unknown, b: unknown): boolean => a === b || (typeof a === 'object' && typeof b === 'object' && text(a) === text(b));
const text = (value: unknown): string => JSON.stringify(value, (_key, member: unknown) => (typeof member === 'bigint' ? `${member}n` : member));
const least = (list: readonly Comparable[]): Comparable => {
  if (list.length === 0) throw new Error('min called on empty list');
  return list.reduce((a, b) => (b < a ? b : a));
};
const most = (list: readonly Comparable[]): Comparable => {
  if (list.length === 0) throw new Error('max called on empty list');
  return list.reduce((a, b) => (b > a ? b : a));
};

/**
 * The functions that Kubernetes adds to CEL. Upstream: apiserver pkg/cel/library and environment/base.go. Not there: limits of cost.
 */
export function registerKubernetesLibrary(env: Environment): void {
  // The engine's own `matches` goes back and forth without bound; compiled sources call this one in its place.
  env.registerFunction('string.re2Matches(string): bool', matches);
  env.registerFunction('matches(string, string): bool', matches);
  env.registerFunction('string.find(string): string', (s: string, p: string) => findAll(s, p, 1n)[0] ?? '');
  env.registerFunction('string.findAll(string): list<string>', (s: string, p: string) => findAll(s, p));
  env.registerFunction('string.findAll(string, int): list<string>', findAll);

  env.registerFunction('string.charAt(int): string', (s: string, i: bigint) => s.charAt(Number(i)));
  env.registerFunction('string.replace(string, string): string', (s: string, from: string, to: string) => s.replaceAll(from, () => to));
  env.registerFunction('string.replace(string, string, int): string', (s: string, from: string, to: string, n: bigint) => {
    let left = n < 0n ? Infinity : Number(n);
    return s.split(from).reduce((joined, part) => joined + (left-- > 0 ? to : from) + part);
  });
  env.registerFunction('string.reverse(): string', (s: string) => [...s].reverse().join(''));
  env.registerFunction('string.format(list<dyn>): string', formatText);

  env.registerFunction('list<dyn>.sum(): dyn', (list: readonly (bigint | number)[]) => list.reduce<bigint | number>((a, b) => (typeof a === 'bigint' && typeof b === 'bigint' ? a + b : Number(a) + Number(b)), list.some((v) => typeof v === 'number') ? 0 : 0n));
  env.registerFunction('list<dyn>.min(): dyn', least);
  env.registerFunction('list<dyn>.max(): dyn', most);
  env.registerFunction('list<dyn>.isSorted(): bool', (list: readonly Comparable[]) => list.every((v, i) => i === 0 || list[i - 1]! <= v));
  env.registerFunction('list<dyn>.indexOf(dyn): int', (list: readonly unknown[], v: unknown) => BigInt(list.findIndex((w) => same(v, w))));
  env.registerFunction('list<dyn>.lastIndexOf(dyn): int', (list: readonly unknown[], v: unknown) => BigInt(list.findLastIndex((w) => same(v, w))));
  env.registerFunction('list<dyn>.distinct(): list<dyn>', (list: readonly unknown[]) => list.filter((v, i) => list.findIndex((w) => same(v, w)) === i));
  env.registerFunction('list<dyn>.flatten(): list<dyn>', (list: readonly unknown[]) => list.flat());
  env.registerFunction('list<dyn>.reverse(): list<dyn>', (list: readonly unknown[]) => [...list].reverse());
  env.registerFunction('list<dyn>.slice(int, int): list<dyn>', (list: readonly unknown[], from: bigint, to: bigint) => list.slice(Number(from), Number(to)));
  env.registerFunction('list<dyn>.sort(): list<dyn>', (list: readonly Comparable[]) => [...list].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));

  env.registerFunction('list<dyn>.flatten(int): list<dyn>', (list: readonly unknown[], depth: bigint) => list.flat(Number(depth)));
  env.registerFunction('string.quote(): string', (s: string) => JSON.stringify(s));
  class Lists {}
  env.registerType('ListsNamespace', Lists);
  env.registerConstant('lists', 'ListsNamespace', new Lists());
  env.registerFunction('ListsNamespace.range(int): list<int>', (_namespace: Lists, count: bigint) => Array.from({ length: Number(count) }, (_none, i) => BigInt(i)));

  // An optional is never null; written out by some, and no fault.
  env.registerOperator('optional<dyn> == null', () => false);

  registerMacros(env);
  registerSets(env);
  registerFormats(env);
  registerSemver(env);
  registerQuantities(env);
  registerUrls(env);
  registerAddresses(env);
}

/** `sets.contains(list, sublist)` and its kin: equality is CEL's, order and repetition do not count. */
function registerSets(env: Environment): void {
  class Sets {}
  env.registerType('SetsNamespace', Sets);
  env.registerConstant('sets', 'SetsNamespace', new Sets());
  type List = readonly unknown[];
  const holds = (list: List, value: unknown): boolean => list.some((other) => same(other, value));
  const within = (part: List, whole: List): boolean => part.every((value) => holds(whole, value));
  env.registerFunction('SetsNamespace.contains(list, list): bool', (_namespace: Sets, whole: List, part: List) => within(part, whole));
  env.registerFunction('SetsNamespace.equivalent(list, list): bool', (_namespace: Sets, a: List, b: List) => within(a, b) && within(b, a));
  env.registerFunction('SetsNamespace.intersects(list, list): bool', (_namespace: Sets, a: List, b: List) => a.some((value) => holds(b, value)));
}

function registerQuantities(env: Environment): void {
  env.registerType('Quantity', CelQuantity);
  env.registerFunction('quantity(string): Quantity', (s: string) => {
    parseQuantity(s);
    return new CelQuantity(s);
  });
  env.registerFunction('isQuantity(string): bool', (s: string) => isQuantity(s));
  env.registerFunction('Quantity.sign(): int', (q: CelQuantity) => BigInt(quantitySign(q.text)));
  env.registerFunction('Quantity.isInteger(): bool', (q: CelQuantity) => parseQuantity(q.text).nano % 1_000_000_000n === 0n);
  env.registerFunction('Quantity.asInteger(): int', (q: CelQuantity) => {
    const { nano } = parseQuantity(q.text);
    if (nano % 1_000_000_000n !== 0n) throw new Error('cannot convert value to integer');
    return nano / 1_000_000_000n;
  });
  env.registerFunction('Quantity.asApproximateFloat(): double', (q: CelQuantity) => quantityToNumber(q.text));
  env.registerFunction('Quantity.compareTo(Quantity): int', (a: CelQuantity, b: CelQuantity) => BigInt(Math.sign(compareQuantities(a.text, b.text))));
  env.registerFunction('Quantity.isGreaterThan(Quantity): bool', (a: CelQuantity, b: CelQuantity) => compareQuantities(a.text, b.text) > 0);
  env.registerFunction('Quantity.isLessThan(Quantity): bool', (a: CelQuantity, b: CelQuantity) => compareQuantities(a.text, b.text) < 0);
  env.registerFunction('Quantity.add(Quantity): Quantity', (a: CelQuantity, b: CelQuantity) => new CelQuantity(addQuantities(a.text, b.text)));
  env.registerFunction('Quantity.sub(Quantity): Quantity', (a: CelQuantity, b: CelQuantity) => new CelQuantity(subtractQuantities(a.text, b.text)));
  env.registerFunction('Quantity.add(int): Quantity', (a: CelQuantity, b: bigint) => new CelQuantity(addQuantities(a.text, String(b))));
  env.registerFunction('Quantity.sub(int): Quantity', (a: CelQuantity, b: bigint) => new CelQuantity(subtractQuantities(a.text, String(b))));
  env.registerOperator('Quantity == Quantity', (a: CelQuantity, b: CelQuantity) => compareQuantities(a.text, b.text) === 0);
}

function registerUrls(env: Environment): void {
  env.registerType('URL', CelUrl);
  env.registerFunction('url(string): URL', (s: string) => new CelUrl(new URL(s, s.startsWith('/') ? 'path://' : undefined)));
  env.registerFunction('isURL(string): bool', (s: string) => URL.canParse(s) || (s.startsWith('/') && URL.canParse(s, 'path://')));
  env.registerFunction('URL.getScheme(): string', ({ url }: CelUrl) => (url.protocol === 'path:' ? '' : url.protocol.slice(0, -1)));
  env.registerFunction('URL.getHost(): string', ({ url }: CelUrl) => url.host);
  env.registerFunction('URL.getHostname(): string', ({ url }: CelUrl) => url.hostname.replace(/^\[|\]$/g, ''));
  env.registerFunction('URL.getPort(): string', ({ url }: CelUrl) => url.port);
  env.registerFunction('URL.getEscapedPath(): string', ({ url }: CelUrl) => url.pathname);
  env.registerFunction('URL.getQuery(): map<string, list<string>>', ({ url }: CelUrl) => Object.fromEntries([...new Set(url.searchParams.keys())].map((key) => [key, url.searchParams.getAll(key)])));
}

function registerAddresses(env: Environment): void {
  env.registerType('IP', CelIp);
  env.registerType('CIDR', CelCidr);
  const parseIp = (s: string): CelIp => {
    if (!isIP(s)) throw new Error(`IP Address ${JSON.stringify(s)} parse error during conversion from string`);
    return new CelIp(s);
  };
  const isCidr = (s: string): boolean => {
    const [address = '', length = '', more] = s.split('/');
    const family = isIP(address);
    return more === undefined && family !== 0 && /^\d+$/.test(length) && Number(length) <= (family === 4 ? 32 : 128);
  };
  const parseCidr = (s: string): CelCidr => {
    if (!isCidr(s)) throw new Error(`network address parse error during conversion from string: ${s}`);
    return new CelCidr(s);
  };
  env.registerFunction('ip(string): IP', parseIp);
  env.registerFunction('isIP(string): bool', (s: string) => isIP(s) !== 0);
  env.registerFunction('IP.family(): int', (a: CelIp) => (a.bytes.length === 4 ? 4n : 6n));
  env.registerFunction('IP.isLoopback(): bool', (a: CelIp) => (a.bytes.length === 4 ? a.bytes[0] === 127 : a.bytes.every((b, i) => b === (i === 15 ? 1 : 0))));
  env.registerFunction('IP.isUnspecified(): bool', (a: CelIp) => a.bytes.every((b) => b === 0));
  env.registerFunction('IP.isLinkLocalUnicast(): bool', (a: CelIp) => (a.bytes.length === 4 ? a.bytes[0] === 169 && a.bytes[1] === 254 : a.bytes[0] === 0xfe && (a.bytes[1]! & 0xc0) === 0x80));
  env.registerFunction('IP.isLinkLocalMulticast(): bool', (a: CelIp) => (a.bytes.length === 4 ? a.bytes[0] === 224 && a.bytes[1] === 0 && a.bytes[2] === 0 : a.bytes[0] === 0xff && (a.bytes[1]! & 0x0f) === 2));
  env.registerFunction('IP.isGlobalUnicast(): bool', (a: CelIp) => isGlobalUnicast(a.bytes));
  // The shortest form, as URLs write it.
  class Ips {}
  env.registerType('IpNamespace', Ips);
  env.registerConstant('ip', 'IpNamespace', new Ips());
  env.registerFunction('IpNamespace.isCanonical(string): bool', (_namespace: Ips, s: string) => canonical(parseIp(s)) === s);
  env.registerFunction('string(IP): string', canonical);
  env.registerFunction('CIDR.masked(): CIDR', (c: CelCidr) => new CelCidr(`${bytesAddress(masked(c))}/${c.length}`));
  env.registerFunction('string(CIDR): string', (c: CelCidr) => `${canonical(c.address)}/${c.length}`);
  env.registerOperator('CIDR == CIDR', (a: CelCidr, b: CelCidr) => a.length === b.length && a.address.bytes.join() === b.address.bytes.join());
  env.registerOperator('IP == IP', (a: CelIp, b: CelIp) => a.bytes.join() === b.bytes.join());
  env.registerFunction('cidr(string): CIDR', parseCidr);
  env.registerFunction('isCIDR(string): bool', isCidr);
  env.registerFunction('CIDR.ip(): IP', (c: CelCidr) => c.address);
  env.registerFunction('CIDR.prefixLength(): int', (c: CelCidr) => BigInt(c.length));
  env.registerFunction('CIDR.containsIP(IP): bool', (c: CelCidr, a: CelIp) => within(c, a));
  env.registerFunction('CIDR.containsIP(string): bool', (c: CelCidr, s: string) => within(c, parseIp(s)));
  env.registerFunction('CIDR.containsCIDR(CIDR): bool', (c: CelCidr, d: CelCidr) => d.length >= c.length && within(c, d.address));
  env.registerFunction('CIDR.containsCIDR(string): bool', (c: CelCidr, s: string) => parseCidr(s).length >= c.length && within(c, parseCidr(s).address));
}

function within({ address, length }: CelCidr, { bytes }: CelIp): boolean {
  if (bytes.length !== address.bytes.length) return false;
  return bytes.every((byte, i) => {
    const bits = Math.min(8, Math.max(0, length - i * 8));
    const mask = (0xff << (8 - bits)) & 0xff;
    return (byte & mask) === (address.bytes[i]! & mask);
  });
}

const masked = ({ address, length }: CelCidr): readonly number[] => address.bytes.map((byte, i) => byte & (0xff << (8 - Math.min(8, Math.max(0, length - i * 8)))) & 0xff);

const canonical = (address: CelIp): string => bytesAddress(address.bytes);

/** Longest run of zeros left out, small letters. */
function bytesAddress(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_none, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

function isGlobalUnicast(bytes: readonly number[]): boolean {
  const [first = 0, second = 0] = bytes;
  const none = bytes.every((byte) => byte === 0);
  if (bytes.length === 4) return !none && first !== 127 && (first & 0xf0) !== 0xe0 && !(first === 169 && second === 254) && bytes.some((byte) => byte !== 255);
  const loopback = bytes.every((byte, i) => byte === (i === 15 ? 1 : 0));
  return !none && !loopback && first !== 0xff && !(first === 0xfe && (second & 0xc0) === 0x80);
}

function addressBytes(address: string): readonly number[] {
  if (isIP(address) === 4) return address.split('.').map(Number);
  const [head = '', tail] = address.split('::');
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)));
  const [front, back] = [groups(head), tail === undefined ? [] : groups(tail)];
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back].flatMap((group) => [group >> 8, group & 0xff]);
}

/** `%s %d %f %x %b %e` as CEL's strings.format has them. */
function formatText(template: string, values: readonly unknown[]): string {
  let next = 0;
  return template.replace(/%(?:\.(\d+))?([sdfxXobe%])/g, (_all, precision: string | undefined, verb: string) => {
    if (verb === '%') return '%';
    if (next >= values.length) throw new Error(`index ${next} out of range`);
    const value = values[next++];
    const number = value as bigint | number;
    switch (verb) {
      case 'f': return Number(number).toFixed(Number(precision ?? 6));
      case 'e': return Number(number).toExponential(Number(precision ?? 6));
      case 'x': return number.toString(16);
      case 'X': return number.toString(16).toUpperCase();
      case 'o': return number.toString(8);
      case 'b': return number.toString(2);
      default: return shown(value);
    }
  });
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map((v) => (typeof v === 'string' ? JSON.stringify(v) : shown(v))).join(', ')}]`;
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (typeof value === 'object' && value !== null) return `{${Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}:${typeof v === 'string' ? JSON.stringify(v) : shown(v)}`).join(', ')}}`;
  return String(value);
}
