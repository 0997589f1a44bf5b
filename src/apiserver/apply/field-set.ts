import { RecentMap } from '../../base/recent-map.ts';

/**
 * A set of fields in the form of FieldsV1: an object whose keys are path elements, `f:NAME` a field, `k:{"name":"a"}` an item of a map list,
 * `v:"x"` an item of a set, `i:0` an index. A field is a member if its value is empty or has the key `.`; without it, only some of what is in it is.
 *
 *   { "f:spec": { "f:replicas": {}, "f:selector": { ".": {}, "f:app": {} } } }  has  .spec.replicas  .spec.selector  .spec.selector.app
 *
 * Sets are immutable; every operation shares what it can. Upstream: structured-merge-diff fieldpath.Set.
 */
export type FieldSet = { readonly [element: string]: FieldSet };

export const emptySet: FieldSet = Object.freeze({});

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Whether the value of a path element says that the field itself is in the set. */
function isMember(node: FieldSet | undefined): boolean {
  return node !== undefined && (Object.hasOwn(node, '.') || isEmptySet(node));
}

/** What of the set is under a path element, `{}` where nothing is. */
export function under(set: FieldSet, element: string): FieldSet {
  const node = child(set, element);
  if (!node) return emptySet;
  return Object.hasOwn(node, '.') ? dropped(node, '.') : node;
}

function dropped<T extends object>(object: T, key: string): T {
  const copy = { ...object } as Record<string, unknown>;
  delete copy[key];
  return copy as T;
}

function child(set: FieldSet, element: string): FieldSet | undefined {
  return Object.hasOwn(set, element) ? set[element] : undefined;
}

export function hasElement(set: FieldSet, element: string): boolean {
  return isMember(child(set, element));
}

export function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) node = node && child(node, element);
  return path.length > 0 && isMember(node);
}

/** A node of membership and children; undefined for one that holds nothing. Keys in upstream's order: `.`, then by name. */
export function nodeOf(member: boolean, children: Record<string, FieldSet>): FieldSet | undefined {
  const keys = Object.keys(children);
  if (keys.length === 0) return member ? emptySet : undefined;
  const sorted = keys.every((key, i) => i === 0 || keys[i - 1]! < key);
  if (!member && sorted) return children;
  if (!sorted) keys.sort();
  const node: Record<string, FieldSet> = member ? { '.': emptySet } : {};
  for (const key of keys) node[key] = children[key]!;
  return node;
}

/** Nodes shared lately, by their hash: what thousands of pods of one template have in common is in memory once. */
const recent = new RecentMap<FieldSet, number>(1024);
/** Of nodes that are shared. */
const hashes = new WeakMap<FieldSet, number>();

/** The same set, of nodes that other sets have as well. For sets that are kept. */
export function shared(set: FieldSet): FieldSet {
  if (set === emptySet || hashes.has(set)) return set;
  let node = set as Record<string, FieldSet>;
  let hash = 0;
  for (const key in set) {
    const inner = shared(set[key]!);
    if (inner !== node[key]) {
      if (node === set) node = { ...set };
      node[key] = inner;
    }
    hash = Math.imul(hash, 31) + key.length + Math.imul(key.charCodeAt(2), 7) + Math.imul(key.charCodeAt(key.length - 1), 131);
    hash = (Math.imul(hash, 31) + hashOf(inner)) | 0;
  }
  if (isEmptySet(node)) return emptySet;
  const known = recent.get(hash, () => node);
  // Two that have one hash and are not the same are not shared, and no harm is done.
  if (known !== node && isSameNode(known, node)) return known;
  hashes.set(node, hash);
  return node;
}

/** Of a shared set; others may have the same. */
export const hashOf = (set: FieldSet): number => hashes.get(set) ?? 0;

function isSameNode(left: FieldSet, right: FieldSet): boolean {
  let count = 0;
  for (const key in left) {
    if (left[key] !== right[key]) return false;
    count++;
  }
  for (const _ in right) count--;
  return count === 0;
}

function sameKeys(children: Record<string, FieldSet>, member: boolean, node: FieldSet): boolean {
  let count = 0;
  for (const key in node) {
    if (key === '.') continue;
    count++;
    if (children[key] !== node[key]) return false;
  }
  return count === Object.keys(children).length && member === isMember(node);
}

type Rule = (left: boolean, right: boolean) => boolean;

/** Combines two sets member by member; `onlyLeft` and `onlyRight` say what becomes of parts that one of them does not have. */
function combine(a: FieldSet, b: FieldSet, rule: Rule, onlyLeft: boolean, onlyRight: boolean): FieldSet {
  const walk = (left: FieldSet, right: FieldSet, root: boolean): FieldSet | undefined => {
    const children: Record<string, FieldSet> = {};
    for (const key in left) {
      if (key === '.') continue;
      const other = child(right, key);
      const kept = other ? walk(left[key]!, other, false) : onlyLeft ? left[key] : undefined;
      if (kept) children[key] = kept;
    }
    if (onlyRight) for (const key in right) if (key !== '.' && !Object.hasOwn(left, key)) children[key] = right[key]!;
    const member = !root && rule(isMember(left), isMember(right));
    if (!root && sameKeys(children, member, left)) return left;
    if (root && sameKeys(children, false, left) && !isEmptySet(left)) return left;
    return nodeOf(member, children);
  };
  return walk(a, b, true) ?? emptySet;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b) || a === b) return a;
  if (isEmptySet(a)) return b;
  return combine(a, b, (left, right) => left || right, true, true);
}

/** The members of `a` that are not members of `b`; what is inside a member of `b` stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return a;
  return combine(a, b, (left, right) => left && !right, true, false);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return emptySet;
  return combine(a, b, (left, right) => left && right, false, false);
}

/** `a` without the fields at `paths` and all that is in them. */
export function withoutPaths(a: FieldSet, paths: readonly (readonly string[])[]): FieldSet {
  let result = a;
  for (const path of paths) result = cut(result, path, 0) ?? emptySet;
  return result;
}

function cut(node: FieldSet, path: readonly string[], at: number): FieldSet | undefined {
  const element = path[at]!;
  const inner = child(node, element);
  if (!inner) return node;
  const rest = dropped(node, element) as Record<string, FieldSet>;
  if (at < path.length - 1) {
    const kept = cut(inner, path, at + 1);
    if (kept === inner) return node;
    if (kept) rest[element] = kept;
  }
  return nodeOf(Object.hasOwn(rest, '.'), dropped(rest, '.'));
}

/** Collects members by their path; `set()` closes the collection. */
export class FieldSetBuilder {
  readonly #root: Record<string, FieldSet> = {};

  add(path: readonly string[]): void {
    let node = this.#root;
    for (let i = 0; i < path.length; i++) {
      const element = path[i]!;
      let next = node[element] as Record<string, FieldSet> | undefined;
      if (!next) next = node[element] = {};
      else if (i < path.length - 1 && isEmptySet(next)) next['.'] = emptySet; // It was a member, and gets children now.
      else if (i === path.length - 1 && !isEmptySet(next)) next['.'] = emptySet;
      node = next;
    }
  }

  set(): FieldSet {
    const close = (node: FieldSet): FieldSet => {
      const children: Record<string, FieldSet> = {};
      for (const key in node) if (key !== '.') children[key] = close(node[key]!);
      return nodeOf(isMember(node), children) ?? emptySet;
    };
    const children: Record<string, FieldSet> = {};
    for (const key in this.#root) children[key] = close(this.#root[key]!);
    return nodeOf(false, children) ?? emptySet;
  }
}

/** Every member, as its path. */
export function* members(set: FieldSet, prefix: readonly string[] = []): Generator<readonly string[]> {
  for (const key in set) {
    if (key === '.') continue;
    const path = [...prefix, key];
    if (isMember(set[key])) yield path;
    yield* members(set[key]!, path);
  }
}

/** `.spec.containers[name="a"].ports[containerPort=80,protocol="TCP"]`, as faults name a path. */
export function pathText(path: readonly string[]): string {
  return path.map((element) => {
    const rest = element.slice(2);
    switch (element[0]) {
      case 'f': return `.${rest}`;
      case 'k': return `[${Object.entries(JSON.parse(rest) as object).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
      case 'v': return `[=${rest}]`;
      default: return `[${rest}]`;
    }
  }).join('');
}
