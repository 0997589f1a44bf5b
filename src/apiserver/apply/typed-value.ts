import type { ListType, Type } from '../../api/schema/schema.ts';

/**
 * Values seen by their schema: how each is taken apart, and what its parts are called in field sets. Beside it: what a value sets (`to-field-set.ts`), how two differ
 * (`compare.ts`), how one is laid over another and parts are taken out (`merge.ts`), what does not fit (`type-faults.ts`). Upstream: structured-merge-diff typed.
 */
export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How a value is taken apart: field by field, item by item, or not at all. */
export function form(type: Type | undefined, value: unknown): 'fields' | 'items' | 'whole' {
  if (!type) return 'whole';
  switch (type.kind) {
    case 'struct': return type.oneOf || type.merge === 'atomic' ? 'whole' : 'fields';
    case 'map': return type.merge === 'atomic' ? 'whole' : 'fields';
    case 'list': return type.merge === 'atomic' ? 'whole' : 'items';
    case 'any': return type.merge === 'granular' && isObject(value) ? 'fields' : 'whole';
    default: return 'whole';
  }
}

export function typeOfField(type: Type, name: string): Type | undefined {
  if (type.kind === 'struct') return type.fields.get(name)?.type ?? type.additional;
  if (type.kind === 'map') return type.value;
  return type.kind === 'any' ? type : undefined;
}

export const isDeclared = (type: Type, name: string): boolean => type.kind === 'struct' && type.fields.has(name);

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

export function isBlank(value: unknown): boolean {
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

/** The elements of declared fields, which are few and come all the time. */
const declared = new Map<string, string>();

export function fieldElement(type: Type, name: string): string {
  if (!isDeclared(type, name)) return `f:${name}`;
  let element = declared.get(name);
  if (element === undefined) declared.set(name, (element = `f:${name}`));
  return element;
}

export function byElement(type: ListType, items: readonly unknown[]): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>();
  for (const item of items) {
    const element = itemElement(type, item);
    const known = found.get(element);
    if (known) known.push(item);
    else found.set(element, [item]);
  }
  return found;
}
