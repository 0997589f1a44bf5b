import { add, costOf, fixedSize, multiply, PATTERN, times, TRAVERSAL, type Size } from './cel-size.ts';
import type { CelType } from './cel-type.ts';

/** A target or argument of a call. */
export interface Operand {
  readonly type: CelType;
  /** `{ min: 0, max: Infinity }` where it is not known. */
  readonly size: Size;
  /** Of the items of a list, where the type is declared or known; for `sum` over strings and the like. */
  readonly itemSize: Size;
  readonly literal?: unknown;
}

export interface CallCost {
  readonly cost: number;
  readonly size?: Size;
}

/** No regular expression of a named format is longer. */
const LONGEST_FORMAT = 128;
/** The bytes of an address of either family. */
const ADDRESS_BYTES = 16;

const flat = (cost: number, size?: Size): CallCost => ({ cost, ...(size && { size }) });
const traversal = (size: Size, times_ = 1): number => costOf(size.max, times_ * TRAVERSAL);

type Rule = (target: Operand | undefined, args: readonly Operand[]) => CallCost | undefined;

/** O(n) in the list, and in its strings; in the string for `indexOf` of one. */
const overItems: Rule = (target) => {
  if (!target) return undefined;
  if (target.type.kind === 'string' || !target.type.of) return flat(traversal(target.size));
  const { kind } = target.type.kind === 'map' ? { kind: 'string' } : target.type.of;
  const each = 1 + (kind === 'string' || kind === 'bytes' ? traversal(target.itemSize) : 0);
  return flat(times(target.size.max, each));
};
const overTarget: Rule = (target) => target && flat(traversal(target.size), target.size);
const overArgument: Rule = (_target, [first]) => first && flat(traversal(first.size));
const listOfItems = (factor: number, square: boolean): Rule => (target) => {
  if (!target) return undefined;
  const size = square ? multiply(target.size, target.size) : target.size;
  return flat(costOf(size.max, factor) + 1 + 10, size);
};
const sets = (factor: number): Rule => (_target, [a, b]) => a && b && flat(costOf(multiply(a.size, b.size).max, factor) + 1);
const find: Rule = (target, [pattern]) => target && pattern && flat(times(costOf(target.size.max + 1, TRAVERSAL), costOf(pattern.size.max, PATTERN)), { min: 0, max: target.size.max });
const contains = (masks: boolean): Rule => (_target, [other]) => {
  if (!other) return undefined;
  const compared = costOf(2 * ADDRESS_BYTES, TRAVERSAL) + (masks ? costOf(ADDRESS_BYTES, TRAVERSAL) + 1 : 0);
  return flat(compared + (other.type.kind === 'string' ? traversal(other.size) : 0));
};

/** Calls that cost more than one unit, or whose result has a size. Upstream: apiserver pkg/cel/library/cost.go, cel-go checker/cost.go and ext. */
const RULES: Readonly<Record<string, Rule>> = {
  isSorted: overItems, sum: overItems, max: overItems, min: overItems, indexOf: overItems, lastIndexOf: overItems,
  lowerAscii: overTarget, upperAscii: overTarget, substring: overTarget, trim: overTarget,
  url: (_target, [first]) => first && flat(traversal(first.size), first.size),
  'jsonpatch.escapeKey': (_target, [first]) => first && flat(traversal(first.size), first.size),
  check: () => flat(350_000),
  replace(target, [from, to]) {
    if (!target || !from || !to) return undefined;
    const { size } = target;
    const most = from.size.min === 0 ? size.max + 1 : to.size.max <= from.size.min ? 0 : Math.ceil(size.max / from.size.min);
    const keptMost = from.size.min === 0 || to.size.max <= from.size.min ? size.max : 0;
    const least = from.size.max === 0 ? size.min + 1 : from.size.max <= to.size.min ? 0 : Math.ceil(size.min / from.size.max);
    const keptLeast = from.size.max === 0 || from.size.max <= to.size.min ? size.min : 0;
    return flat(traversal(size, 2), { min: times(least, to.size.min) + keptLeast, max: times(most, to.size.max) + keptMost });
  },
  split: (target, [, limit]) => target && flat(traversal(target.size, 2), { min: 0, max: typeof limit?.literal === 'bigint' ? Number(limit.literal) : target.size.max }),
  join(target, [separator]) {
    if (!target) return undefined;
    const size = add(multiply(target.size, target.itemSize), separator ? multiply(separator.size, { min: Math.max(0, target.size.min - 1), max: Math.max(0, target.size.max - 1) }) : fixedSize(0));
    return flat(traversal(size), size);
  },
  find, findAll: find,
  cidr: overArgument, isIP: overArgument, isCIDR: overArgument, ip: overArgument, quantity: overArgument, isQuantity: overArgument, semver: overArgument, isSemver: overArgument,
  'ip.isCanonical': (_target, [first]) => first && flat(traversal(first.size, 2)),
  containsIP: contains(false), containsCIDR: contains(true),
  validate: (_target, [text]) => text && flat(costOf(traversal(text.size), LONGEST_FORMAT * PATTERN)),
  'sets.contains': sets(1), 'sets.intersects': sets(1), 'sets.equivalent': sets(2),
  slice(target, [from, to]) {
    if (!target) return undefined;
    const size = fixedSize((typeof to?.literal === 'bigint' ? Number(to.literal) : target.size.max) - (typeof from?.literal === 'bigint' ? Number(from.literal) : 0));
    return flat(size.max + 11, size);
  },
  flatten: (target, [depth]) => target && flat(costOf(target.size.max, depth ? (typeof depth.literal === 'bigint' ? Number(depth.literal) : Infinity) : 1) + 11, target.size),
  'lists.range': (_target, [count]) => {
    const size = fixedSize(typeof count?.literal === 'bigint' ? Number(count.literal) : Infinity);
    return flat(size.max + 11, size);
  },
  reverse: (target) => (target?.type.kind === 'list' ? listOfItems(1, false)(target, []) : undefined),
  distinct: listOfItems(2, true),
  sort: (target) => listOfItems(target?.type.of?.kind === 'string' || target?.type.of?.kind === 'bytes' ? 2 + TRAVERSAL : 2, true)(target, []),
  format: (target) => target && flat(traversal(target.size)),
  bytes: (_target, [text]) => (text?.type.kind === 'string' ? flat(traversal(text.size), { min: text.size.min, max: text.size.max * 4 }) : undefined),
  string: (_target, [bytes]) => (bytes?.type.kind === 'bytes' ? flat(traversal(bytes.size), { min: Math.floor(bytes.size.min / 4), max: bytes.size.max }) : undefined),
  'strings.quote': (_target, [text]) => text && flat(traversal(text.size), { min: text.size.min + 2, max: text.size.max * 2 + 2 }),
  startsWith: overArgument, endsWith: overArgument,
  matches: (target, [pattern]) => (target && pattern ? flat(times(costOf(target.size.max + 1, TRAVERSAL), costOf(pattern.size.max, PATTERN))) : undefined),
  contains: (target, [part]) => (target && part ? flat(times(traversal(target.size), traversal(part.size))) : undefined),
};

/** What a call costs besides its target and arguments. */
export function callCost(name: string, target: Operand | undefined, args: readonly Operand[]): CallCost {
  if (name === 'ip' && target) return { cost: 1 }; // the address of a CIDR
  const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
  return rule?.(target, args) ?? { cost: 1 };
}
