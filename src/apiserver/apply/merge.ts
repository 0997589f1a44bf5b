import type { ListType, Type } from '../../api/schema/schema.ts';
import { emptySet, hasElement, isEmptySet, under, type FieldSet } from './field-set.ts';
import { deepEqual, form, isBlank, isDeclared, isObject, itemElement, typeOfField } from './typed-value.ts';

/** Lays `config` over `live`: what config sets wins, all else stays; items that only live has keep their places. */
export function merge(type: Type | undefined, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  if (live === undefined || live === null) return config;
  // What consists of parts stays as it is where the client names none of them.
  if (config === null) return isComposed(type, live) ? live : config;
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

function isComposed(type: Type | undefined, live: unknown): boolean {
  const how = form(type, live);
  return (how === 'fields' && isObject(live)) || (how === 'items' && Array.isArray(live));
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
