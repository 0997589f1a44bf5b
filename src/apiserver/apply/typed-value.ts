import type { ListType, StructType, Type } from '../../api/schema/schema.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { emptySet, hasElement, isEmptySet, nodeOf, shared, under, union, type FieldSet } from './field-set.ts';

/**
 * Values seen by their schema: what a value sets, how two differ, how one is laid over another, how parts are taken out.
 * Upstream: structured-merge-diff typed (compare.go, tofieldset.go, merge.go, remove.go).
 */
type Json = Readonly<Record<string, unknown>>;

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How a value is taken apart: field by field, item by item, or not at all. */
function form(type: Type | undefined, value: unknown): 'fields' | 'items' | 'whole' {
  if (!type) return 'whole';
  switch (type.kind) {
    case 'struct': return type.oneOf || type.merge === 'atomic' ? 'whole' : 'fields';
    case 'map': return type.merge === 'atomic' ? 'whole' : 'fields';
    case 'list': return type.merge === 'atomic' ? 'whole' : 'items';
    case 'any': return type.merge === 'granular' && isObject(value) ? 'fields' : 'whole';
    default: return 'whole';
  }
}

function typeOfField(type: Type, name: string): Type | undefined {
  if (type.kind === 'struct') return type.fields.get(name)?.type ?? type.additional;
  if (type.kind === 'map') return type.value;
  return type.kind === 'any' ? type : undefined;
}

const isDeclared = (type: Type, name: string): boolean => type.kind === 'struct' && type.fields.has(name);

const sortedKeys = new WeakMap<ListType, readonly string[]>();

/** The names of the keys of a map list, in their order in path elements. */
function keysOf(type: ListType): readonly string[] {
  let keys = sortedKeys.get(type);
  if (!keys) sortedKeys.set(type, (keys = [...type.keys].sort()));
  return keys;
}

/** The path element of an item. A key that the item leaves out counts by its default. */
export function itemElement(type: ListType, item: unknown): string {
  if (type.merge === 'set') return `v:${JSON.stringify(item)}`;
  let key = '';
  for (const name of keysOf(type)) {
    const value = isObject(item) ? item[name] : undefined;
    key += `${key && ','}"${name}":${JSON.stringify(value ?? (type.item.kind === 'struct' ? type.item.fields.get(name)?.default : undefined) ?? null)}`;
  }
  return `k:{${key}}`;
}

function isBlank(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object') return false;
  for (const _ in value) return false;
  return true;
}

export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && deepEqual((a as Json)[key], (b as Json)[key]));
}

/** What changes from `before` to `after`. Parts that both share cost nothing. */
export function compare(type: Type, before: unknown, after: unknown): Comparison {
  const { added, modified, removed } = differences(type, before, after) ?? nothing;
  return { added: added ?? emptySet, modified: modified ?? emptySet, removed: removed ?? emptySet };
}

/** What differs under one path element; a set that is there but empty is the element alone. */
interface Differences {
  readonly added?: FieldSet | undefined;
  readonly modified?: FieldSet | undefined;
  readonly removed?: FieldSet | undefined;
}

const nothing: Differences = {};

function differences(type: Type | undefined, before: unknown, after: unknown): Differences | undefined {
  if (before === after) return undefined;
  if (before === undefined) return { added: newSet(type, after) };
  if (after === undefined) return { removed: wholeSet(type, before) };
  let how = form(type, after ?? before);
  // What is empty on both sides is a leaf, which keeps null apart from empty.
  if (how !== 'whole' && isBlank(before) && isBlank(after)) how = 'whole';
  if (how === 'fields' && !((isObject(before) || before === null) && (isObject(after) || after === null))) how = 'whole';
  if (how === 'whole') return deepEqual(before, after) ? undefined : { modified: emptySet };
  return how === 'fields' ? fieldDifferences(type!, (before ?? {}) as Json, (after ?? {}) as Json) : itemDifferences(type as ListType, before, after);
}

/** The differences of what is inside an object or a list, by path element. */
class Gathered {
  #added: Record<string, FieldSet> | undefined;
  #modified: Record<string, FieldSet> | undefined;
  #removed: Record<string, FieldSet> | undefined;

  take(element: string, found: Differences | undefined): void {
    if (!found) return;
    if (found.added) (this.#added ??= {})[element] = found.added;
    if (found.modified) (this.#modified ??= {})[element] = found.modified;
    if (found.removed) (this.#removed ??= {})[element] = found.removed;
  }

  differences(): Differences {
    return { added: this.#added && nodeOf(false, this.#added), modified: this.#modified && nodeOf(false, this.#modified), removed: this.#removed && nodeOf(false, this.#removed) };
  }
}

function fieldDifferences(type: Type, before: Json, after: Json): Differences {
  const gathered = new Gathered();
  for (const key in before) if (before[key] !== after[key]) gathered.take(fieldElement(type, key), differences(typeOfField(type, key), before[key], after[key]));
  for (const key in after) if (!Object.hasOwn(before, key)) gathered.take(fieldElement(type, key), differences(typeOfField(type, key), undefined, after[key]));
  return gathered.differences();
}

function itemDifferences(type: ListType, before: unknown, after: unknown): Differences {
  const gathered = new Gathered();
  const left = byElement(type, Array.isArray(before) ? before : []);
  const right = byElement(type, Array.isArray(after) ? after : []);
  for (const [element, items] of left) {
    const others = right.get(element) ?? [];
    // Items that share one key count as one value.
    if (items.length > 1 || others.length > 1) gathered.take(element, differences(undefined, items, others.length ? others : undefined));
    else gathered.take(element, differences(type.item, items[0], others[0]));
  }
  for (const [element, items] of right) if (!left.has(element)) gathered.take(element, items.length > 1 ? differences(undefined, undefined, items) : differences(type.item, undefined, items[0]));
  return gathered.differences();
}

/** The sets of what came lately: what is made of one template sets the same fields again and again. */
const recent = new RecentMap<FieldSet>(256);
/** Longer outlines are not kept. */
const LONGEST_OUTLINE = 2048;

/** `wholeSet` of what is new. */
function newSet(type: Type | undefined, value: unknown): FieldSet {
  const text = outline(type, value);
  if (text === '') return emptySet;
  return text.length > LONGEST_OUTLINE ? wholeSet(type, value) : recent.get(text, () => shared(wholeSet(type, value)));
}

/** All that a value's set depends on: `{4:name5:ports[39:k:{"containerPort":80,"protocol":"TCP"}{13:containerPort}]}`. */
function outline(type: Type | undefined, value: unknown): string {
  if (isBlank(value)) return '';
  switch (form(type, value)) {
    case 'fields': {
      if (!isObject(value)) return '';
      let text = '{';
      for (const key in value) if (value[key] !== undefined) text += `${key.length}:${key}${outline(typeOfField(type!, key), value[key])}`;
      return `${text}}`;
    }
    case 'items': {
      if (!Array.isArray(value)) return '';
      let text = '[';
      for (const item of value as readonly unknown[]) {
        const element = itemElement(type as ListType, item);
        text += `${element.length}:${element}${outline((type as ListType).item, item)}`;
      }
      return `${text}]`;
    }
    default: return '';
  }
}

/** A value that is on one side only: the set of itself and of all that is in it. */
function wholeSet(type: Type | undefined, value: unknown): FieldSet {
  if (isBlank(value)) return emptySet;
  switch (form(type, value)) {
    case 'fields': {
      if (!isObject(value)) return emptySet;
      const children: Record<string, FieldSet> = {};
      for (const key in value) if (value[key] !== undefined) children[fieldElement(type!, key)] = wholeSet(typeOfField(type!, key), value[key]);
      return nodeOf(true, children)!;
    }
    case 'items': {
      if (!Array.isArray(value)) return emptySet;
      const children: Record<string, FieldSet> = {};
      for (const item of value as readonly unknown[]) {
        const element = itemElement(type as ListType, item);
        children[element] = children[element] ? emptySet : wholeSet((type as ListType).item, item);
      }
      return nodeOf(true, children)!;
    }
    default: return emptySet;
  }
}

/** The elements of declared fields, which are few and come all the time. */
const declared = new Map<string, string>();

function fieldElement(type: Type, name: string): string {
  if (!isDeclared(type, name)) return `f:${name}`;
  let element = declared.get(name);
  if (element === undefined) declared.set(name, (element = `f:${name}`));
  return element;
}

function byElement(type: ListType, items: readonly unknown[]): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>();
  for (const item of items) {
    const element = itemElement(type, item);
    const known = found.get(element);
    if (known) known.push(item);
    else found.set(element, [item]);
  }
  return found;
}

/** All fields that a value sets. */
export function toFieldSet(type: Type, value: unknown): FieldSet {
  return fieldSetOf(type, value, false) ?? emptySet;
}

/** The same under one path element, with the element itself where `member`; undefined for nothing. */
function fieldSetOf(type: Type | undefined, value: unknown, member: boolean): FieldSet | undefined {
  const children: Record<string, FieldSet> = {};
  switch (form(type, value)) {
    case 'whole': return emptySet;
    case 'items':
      for (const item of Array.isArray(value) ? (value as readonly unknown[]) : []) {
        const element = itemElement(type as ListType, item);
        const set = fieldSetOf((type as ListType).item, item, true)!;
        const twin = children[element];
        children[element] = twin ? union({ twins: twin }, { twins: set })['twins']! : set;
      }
      break;
    case 'fields':
      if (!isObject(value)) break;
      for (const key in value) {
        const inner = value[key];
        if (inner === undefined) continue;
        const set = fieldSetOf(typeOfField(type!, key), inner, inner === null || (isObject(inner) && isBlank(inner)) || !isDeclared(type!, key));
        if (set) children[fieldElement(type!, key)] = set;
      }
  }
  return nodeOf(member, children);
}

/** Whether the value has fields in something that is in the set with no fields in it. */
export function isDeeperThan(type: Type | undefined, value: unknown, set: FieldSet): boolean {
  const how = form(type, value);
  if (how === 'whole') return false;
  const deeper = (of: Type | undefined, inner: unknown, node: FieldSet): boolean => (isEmptySet(node) ? !isEmptySet(fieldSetOf(of, inner, true)!) : isDeeperThan(of, inner, node));
  if (how === 'items') {
    if (!Array.isArray(value)) return false;
    return value.some((item: unknown) => {
      const element = itemElement(type as ListType, item);
      return Object.hasOwn(set, element) && deeper((type as ListType).item, item, set[element]!);
    });
  }
  if (!isObject(value)) return false;
  for (const key in value) {
    const element = fieldElement(type!, key);
    if (value[key] !== undefined && Object.hasOwn(set, element) && deeper(typeOfField(type!, key), value[key], set[element]!)) return true;
  }
  return false;
}

/** Lays `config` over `live`: what config sets wins, all else stays; items that only live has keep their places. */
export function merge(type: Type | undefined, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  if (live === undefined || live === null || config === null) return config;
  const how = form(type, config);
  if (how === 'items' && Array.isArray(live) && Array.isArray(config)) return mergeItems(type as ListType, live, config);
  if (how !== 'fields' || !isObject(live) || !isObject(config)) return deepEqual(live, config) ? live : config;
  let result: Record<string, unknown> = live as Record<string, unknown>;
  for (const [key, value] of Object.entries(config)) {
    const before = Object.hasOwn(live, key) ? live[key] : undefined;
    const after = merge(typeOfField(type!, key), before, value);
    if (after === before) continue;
    if (result === live) result = { ...live };
    result[key] = after;
  }
  return result;
}

/**
 * The items of config come in its order, those of live alone where they stood among the shared ones:
 * live [a, s, b], config [x, b, a] → [s, x, b, a].
 */
function mergeItems(type: ListType, live: readonly unknown[], config: readonly unknown[]): readonly unknown[] {
  const left = live.map((item) => itemElement(type, item));
  const right = config.map((item) => itemElement(type, item));
  const leftIndex = new Map(left.map((element, i) => [element, i] as const).reverse());
  const rightIndex = new Map(right.map((element, i) => [element, i] as const).reverse());
  const shared = right.filter((element) => leftIndex.has(element));
  const taken = new Set<string>();
  const result: unknown[] = [];
  const takeRight = (element: string): void => {
    taken.add(element);
    const at = leftIndex.get(element);
    result.push(merge(type.item, at === undefined ? undefined : live[at], config[rightIndex.get(element)!]));
    if (shared[0] === element) shared.shift();
  };
  let [l, r] = [0, 0];
  while (l < left.length || r < right.length) {
    const element = left[l];
    if (element !== undefined && element === right[r]) {
      takeRight(element);
      l++;
      r++;
    } else if (element !== undefined && !rightIndex.has(element)) {
      result.push(live[l++]);
    } else if (element !== undefined && (taken.has(element) || (r < right.length && shared[0] !== element))) {
      l++; // Comes, or came, in its turn of config's order.
    } else if (r < right.length) {
      takeRight(right[r++]!);
    } else {
      l++;
    }
  }
  return result.length === live.length && result.every((item, i) => item === live[i]) ? live : result;
}

/** Takes the members of `set` out of a value; undefined where nothing is left of an object or list that had something. */
export function removeItems(type: Type | undefined, value: unknown, set: FieldSet): unknown {
  if (isEmptySet(set)) return value;
  const how = form(type, value);
  if (how === 'items' && Array.isArray(value)) {
    const kept = value.flatMap((item: unknown) => {
      const element = itemElement(type as ListType, item);
      return hasElement(set, element) ? [] : [removeItems((type as ListType).item, item, under(set, element)) ?? {}];
    });
    return kept.length === 0 && value.length > 0 ? undefined : kept;
  }
  if (how !== 'fields' || !isObject(value)) return value;
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const element = `f:${key}`;
    if (hasElement(set, element)) continue;
    const kept = removeItems(typeOfField(type!, key), inner, under(set, element));
    if (kept !== undefined) result[key] = kept;
  }
  return isBlank(result) && !isBlank(value) ? undefined : result;
}

/** The set with every declared field of a struct a member of which something is. */
export function withNamedParents(type: Type | undefined, set: FieldSet): FieldSet {
  let named: Record<string, FieldSet> | undefined;
  for (const key in set) {
    if (key === '.') continue;
    const inner = set[key]!;
    if (isEmptySet(inner)) continue;
    const isField = key.startsWith('f:');
    const name = key.slice(2);
    let deeper = withNamedParents(!type ? undefined : isField ? typeOfField(type, name) : type.kind === 'list' ? type.item : undefined, inner);
    if (isField && type && !hasElement(set, key) && isDeclared(type, name)) deeper = { '.': emptySet, ...deeper };
    if (deeper !== inner) (named ??= { ...set })[key] = deeper;
  }
  return named ?? set;
}

/** What does not fit the schema, as structured-merge-diff words it: `.spec.foo: field not declared in schema`. */
export function typeFaults(type: StructType, value: unknown): string[] {
  const faults: string[] = [];
  /** Names of fields, and of items their elements or indices. */
  const path: (string | { readonly element: string } | number)[] = [];
  const tell = (what: string): void => {
    faults.push(`${path.map((step) => (typeof step === 'string' ? `.${step}` : typeof step === 'number' ? `[${step}]` : keyText(step.element))).join('')}: ${what}`);
  };
  const walk = (type: Type | undefined, value: unknown, step: (typeof path)[number]): void => {
    if (value === null || value === undefined || !type) return;
    path.push(step);
    look(type, value);
    path.pop();
  };
  const look = (type: Type, value: unknown): void => {
    switch (type.kind) {
      case 'struct':
        if (type.oneOf) return;
        if (!isObject(value)) return tell(`expected map, got ${described(value)}`);
        for (const key in value) {
          const field = typeOfField(type, key);
          if (field) {
            walk(field, value[key], key);
            continue;
          }
          path.push(key);
          tell('field not declared in schema');
          path.pop();
        }
        return;
      case 'map':
        if (!isObject(value)) return tell(`expected map, got ${described(value)}`);
        for (const key in value) walk(type.value, value[key], key);
        return;
      case 'list': {
        if (!Array.isArray(value)) return tell(`expected list, got ${described(value)}`);
        const seen = new Set<string>();
        value.forEach((item: unknown, i) => {
          const missing = type.merge === 'map' ? missingKey(type, item) : undefined;
          if (missing !== undefined) return tell(`element ${i}: associative list with keys has an element that omits key field ${JSON.stringify(missing)} (and doesn't have default value)`);
          if (type.merge === 'atomic') return walk(type.item, item, i);
          const element = itemElement(type, item);
          if (seen.has(element)) tell(`duplicate entries for key ${keyText(element)}`);
          seen.add(element);
          walk(type.item, item, { element });
        });
        return;
      }
      case 'any': case 'quantity': case 'intOrString': return;
      case 'bool': return typeof value === 'boolean' ? undefined : tell(`expected boolean, got ${described(value)}`);
      case 'int32': case 'int64': case 'double': return typeof value === 'number' ? undefined : tell(`expected numeric (int or float), got ${described(value)}`);
      default: if (typeof value !== 'string') tell(`expected string, got ${described(value)}`);
    }
  };
  if (value !== null && value !== undefined) look(type, value);
  return faults;
}

function missingKey(type: ListType, item: unknown): string | undefined {
  // Upstream too takes an item that has some of its keys.
  const given = (name: string): boolean => (isObject(item) && item[name] !== undefined && item[name] !== null) || (type.item.kind === 'struct' && type.item.fields.get(name)?.default !== undefined);
  return type.keys.some(given) ? undefined : type.keys[0];
}

const keyText = (element: string): string =>
  element.startsWith('v:') ? `[=${element.slice(2)}]` : `[${Object.entries(JSON.parse(element.slice(2)) as object).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;

const described = (value: unknown): string => (Array.isArray(value) ? '&{list}' : isObject(value) ? '&{map}' : `&value.valueUnstructured{Value:${typeof value === 'string' ? JSON.stringify(value) : String(value)}}`);
