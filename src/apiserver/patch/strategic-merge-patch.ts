import { badRequest, bareError, statusError, type StatusError } from '../../api/errors.ts';
import type { Field, StructType, Type } from '../../api/schema/schema.ts';
import { shownText } from '../../api/schema/shown-text.ts';

type Json = Record<string, unknown>;

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_PREFIX = '$deleteFromPrimitiveList/';
const ORDER_PREFIX = '$setElementOrder/';

/**
 * Applies a strategic merge patch: lists merge by the key that the field table names, and directives (`$patch`, `$retainKeys`,
 * `$setElementOrder/…`, `$deleteFromPrimitiveList/…`) say what plain values cannot. Shares what did not change; neither argument is changed.
 * Throws 400 where a directive is malformed. Upstream: apimachinery pkg/util/strategicpatch.
 */
export function applyStrategicMergePatch(object: unknown, patch: unknown, type: StructType): unknown {
  if (!isObject(patch)) throw badRequest(`json: cannot unmarshal ${Array.isArray(patch) ? 'array' : patch === null ? 'null' : typeof patch} into Go value of type map[string]interface {}`);
  return mergeObject(isObject(object) ? object : {}, patch, type);
}

const badFormat = (what: string): StatusError => badRequest(`invalid patch format of ${what}`);
/** Upstream answers these faults as bare errors, which the server turns into 500. */
const broken = bareError;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const shape = (value: unknown): string => (Array.isArray(value) ? 'list' : value === null ? 'null' : typeof value);

/** The field of a struct; for maps and free JSON one without any patch semantics. */
function fieldOf(type: Type | undefined, key: string): { readonly type?: Type; readonly strategy: string; readonly mergeKey: string } {
  if (type?.kind === 'struct') {
    const field: Field | undefined = type.fields.get(key);
    if (!field) throw broken(`unable to find api field in struct ${type.shortName} for the json field ${JSON.stringify(key)}`);
    return { type: field.type, strategy: field.patchStrategies.find((s) => s !== 'retainKeys') ?? '', mergeKey: field.patchMergeKey ?? '' };
  }
  return { ...(type?.kind === 'map' && { type: type.value }), strategy: '', mergeKey: '' };
}

const itemOf = (type: Type | undefined): Type | undefined => (type?.kind === 'list' ? type.item : undefined);

function mergeObject(original: Json, patch: Json, type: Type | undefined): Json {
  if (Object.hasOwn(patch, DIRECTIVE)) {
    const { [DIRECTIVE]: directive, ...rest } = patch;
    if (directive === 'replace') return rest;
    if (directive === 'delete') return {};
    throw broken(`unknown patch type: ${shownText(directive)} in map: ${JSON.stringify(patch)}`);
  }
  const result = new Draft(retainKeys(original, patch));
  const done = new Set<string>([RETAIN_KEYS]);
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(ORDER_PREFIX)) continue;
    done.add(key);
    const name = key.slice(ORDER_PREFIX.length);
    done.add(name);
    orderedMerge(result, name, patch[name], patch[key], type);
  }
  for (const [patchKey, value] of Object.entries(patch)) {
    if (done.has(patchKey) || value === undefined) continue;
    const deletion = patchKey.startsWith(DELETE_PREFIX);
    const key = deletion ? patchKey.slice(DELETE_PREFIX.length) : patchKey;
    if (value === null) {
      result.delete(key);
      continue;
    }
    const before = result.get(key);
    if (before === undefined || shape(before) !== shape(value)) {
      if (!deletion) result.set(key, taken(value));
      continue;
    }
    if (Array.isArray(before)) {
      const field = fieldOf(type, key);
      const merged = field.strategy === 'merge' || deletion ? mergeList(before, value as unknown[], itemOf(field.type), field.mergeKey, deletion) : value;
      result.set(key, merged);
    } else if (isObject(before)) {
      const field = fieldOf(type, key);
      result.set(key, field.strategy === 'replace' ? value : mergeObject(before, value as Json, field.type));
    } else {
      result.set(key, value);
    }
  }
  return result.value;
}

/** An object that is copied when it first changes. */
class Draft {
  readonly #source: Json;
  #value: Json;
  readonly #deleted = new Set<string>();

  constructor(source: Json) {
    this.#value = this.#source = source;
  }

  /** Without what was deleted, all at once. `delete` would make a hash table of it, which takes five times as much memory for as long as the object is stored. */
  get value(): Json {
    return this.#deleted.size > 0 ? Object.fromEntries(Object.entries(this.#value).filter(([key]) => !this.#deleted.has(key))) : this.#value;
  }

  get(key: string): unknown {
    return Object.hasOwn(this.#value, key) && !this.#deleted.has(key) ? this.#value[key] : undefined;
  }

  set(key: string, value: unknown): void {
    if (value === undefined) return this.delete(key);
    if (this.get(key) === value) return;
    if (this.#value === this.#source) this.#value = { ...this.#source };
    this.#value[key] = value;
    this.#deleted.delete(key);
  }

  delete(key: string): void {
    if (Object.hasOwn(this.#value, key)) this.#deleted.add(key);
  }
}

/** Drops the fields that `$retainKeys` does not name. */
function retainKeys(original: Json, patch: Json): Json {
  const list = patch[RETAIN_KEYS];
  if (list === undefined) return original;
  if (!Array.isArray(list)) throw badFormat('retainKeys');
  const retained = new Set(list);
  for (const [key, value] of Object.entries(patch)) {
    if (key === RETAIN_KEYS || value === null || key.startsWith(DELETE_PREFIX) || key.startsWith(ORDER_PREFIX)) continue;
    if (!retained.has(key)) throw badFormat('retainKeys');
  }
  return Object.keys(original).every((key) => retained.has(key)) ? original : Object.fromEntries(Object.entries(original).filter(([key]) => retained.has(key)));
}

const isDirective = (value: unknown): boolean => isObject(value) && Object.hasOwn(value, DIRECTIVE);

/** What the patch brings in where the object has nothing: without nulls and directives; undefined where it is a directive itself. */
function taken(value: unknown): unknown {
  if (Array.isArray(value)) return value.some(isDirective) ? value.filter((item) => !isDirective(item)).map(taken) : value.map(taken);
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, DIRECTIVE)) return undefined;
  const result: Json = {};
  for (const [key, inner] of Object.entries(value)) {
    if (inner === null || key === RETAIN_KEYS || key.startsWith(ORDER_PREFIX) || key.startsWith(DELETE_PREFIX)) continue;
    const kept = taken(inner);
    if (kept !== undefined) result[key] = kept;
  }
  return result;
}

/** Merges a list together with its `$setElementOrder`. */
function orderedMerge(result: Draft, key: string, patchList: unknown, order: unknown, type: Type | undefined): void {
  if (!Array.isArray(order)) throw badFormat('setElementOrder list');
  const before = result.get(key);
  if (before !== undefined && !Array.isArray(before)) throw broken(`expected a []interface {}, but received a ${shape(before)}`);
  if (patchList !== undefined && patchList !== null && !Array.isArray(patchList)) throw broken(`expected a []interface {}, but received a ${shape(patchList)}`);
  if (patchList === null) return result.delete(key);
  const field = fieldOf(type, key);
  checkOrder(patchList, order, field.mergeKey);
  let merged: readonly unknown[];
  if (before === undefined && patchList === undefined) return;
  if (before === undefined) merged = taken(patchList) as unknown[];
  else if (patchList === undefined) merged = before;
  else merged = field.strategy === 'merge' ? mergeList(before, patchList, itemOf(field.type), field.mergeKey, false) : patchList;
  const sorted = arrange(merged, order, placesAfter(before ?? [], patchList ?? [], field.mergeKey), field.mergeKey);
  result.set(key, before !== undefined && sameItems(sorted, before) ? before : sorted);
}

/**
 * The live list as upstream remembers its order once the patch has deleted items: the first new items stand where the last ones stood, since the merge works
 * in place there. live [1, 2, 4], patch deletes 1 and brings 3 → [2, 4, 3].
 */
function placesAfter(live: readonly unknown[], patch: readonly unknown[], mergeKey: string): readonly unknown[] {
  if (mergeKey === '') return live;
  const gone = new Set(patch.filter((item) => isObject(item) && item[DIRECTIVE] === 'delete').map((item) => (item as Json)[mergeKey]));
  const kept = live.filter((item) => !(isObject(item) && gone.has(item[mergeKey])));
  if (kept.length === live.length) return live;
  const known = new Set(kept.map((item) => (item as Json)[mergeKey]));
  const added = patch.filter((item) => isObject(item) && !Object.hasOwn(item, DIRECTIVE) && !known.has(item[mergeKey]));
  return [...kept, ...added.slice(0, live.length - kept.length)];
}

/** The patch's items must come in the order that `$setElementOrder` gives, and all be in it. */
function checkOrder(patchList: readonly unknown[] | undefined, order: readonly unknown[], mergeKey: string): void {
  if (!patchList?.length || order.length === 0) return;
  const items = patchList.filter((item) => !(isObject(item) && Object.hasOwn(item, DIRECTIVE)));
  let at = 0;
  for (const wanted of order) {
    if (at < items.length && identity(items[at], mergeKey) === identity(wanted, mergeKey)) at++;
  }
  if (at < items.length) {
    throw broken(`The order in patch list:\n${JSON.stringify(patchList)}\n doesn't match $setElementOrder list:\n${JSON.stringify(order)}\n`);
  }
}

/** What tells items apart: the merge key's value, or a primitive itself. */
function identity(item: unknown, mergeKey: string): unknown {
  if (mergeKey === '') return item;
  if (!isObject(item)) throw broken(`value for key ${mergeKey} is not a map`);
  const value = item[mergeKey];
  if (value === undefined) throw broken(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
  return value;
}

function mergeList(original: readonly unknown[], patch: readonly unknown[], item: Type | undefined, mergeKey: string, deletion: boolean): readonly unknown[] {
  if (original.length === 0 && patch.length === 0) return original;
  const all = [...original, ...patch];
  if (all.some(Array.isArray)) throw statusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
  if (!all.some(isObject)) {
    if (deletion) {
      const gone = new Set(patch);
      return original.some((value) => gone.has(value)) ? original.filter((value) => !gone.has(value)) : original;
    }
    return arrange([...new Set(all)], patch, original, '');
  }
  if (mergeKey === '') throw broken(`cannot merge lists without merge key for ${item?.kind === 'struct' ? item.shortName : 'the list'}`);
  const { rest, kept } = directives(original, patch, mergeKey);
  const merged = [...kept];
  for (const value of rest) {
    const key = identity(value, mergeKey);
    const at = merged.findIndex((other) => isObject(other) && other[mergeKey] === key);
    if (at < 0) merged.push(taken(value) ?? {});
    else merged[at] = mergeObject(merged[at] as Json, value as Json, item);
  }
  const sorted = arrange(merged, rest, kept, mergeKey);
  return sameItems(sorted, original) ? original : sorted;
}

/** Carries out the items that are directives: `{ $patch: delete, name: a }`, `{ $patch: replace }`. */
function directives(original: readonly unknown[], patch: readonly unknown[], mergeKey: string): { readonly rest: readonly unknown[]; readonly kept: readonly unknown[] } {
  const rest: unknown[] = [];
  let kept = original;
  let replace = false;
  for (const item of patch) {
    if (!isObject(item)) throw broken(`expected a map[string]interface {}, but received a ${shape(item)}`);
    const directive = item[DIRECTIVE];
    if (directive === undefined) {
      rest.push(item);
    } else if (directive === 'delete') {
      const gone = identity(item, mergeKey);
      kept = kept.filter((other) => !(isObject(other) && other[mergeKey] === gone));
    } else if (directive === 'replace') {
      replace = true;
    } else if (directive === 'merge') {
      throw broken('merging lists cannot yet be specified in the patch');
    } else {
      throw broken(`unknown patch type: ${shownText(directive)} in map: ${JSON.stringify(item)}`);
    }
  }
  return { rest, kept: replace ? [] : kept };
}

/**
 * Puts the items that `order` names into its order, and weaves the others in between where the live list had them:
 * live [a, b, c], order [c, x], items [a, b, c, x] → [a, b, c, x].
 */
function arrange(items: readonly unknown[], order: readonly unknown[], live: readonly unknown[], mergeKey: string): readonly unknown[] {
  const ranks = (list: readonly unknown[]): Map<unknown, number> => {
    const found = new Map<unknown, number>();
    list.forEach((item, i) => {
      const key = mergeKey === '' ? item : isObject(item) ? item[mergeKey] : undefined;
      if (!found.has(key)) found.set(key, i);
    });
    return found;
  };
  const [orderRank, liveRank] = [ranks(order), ranks(live)];
  const by = (rank: Map<unknown, number>) => (a: unknown, b: unknown): number => (rank.get(identity(a, mergeKey)) ?? Infinity) - (rank.get(identity(b, mergeKey)) ?? Infinity) || 0;
  const named = items.filter((item) => orderRank.has(identity(item, mergeKey))).sort(by(orderRank));
  const others = items.filter((item) => !orderRank.has(identity(item, mergeKey))).sort(by(liveRank));
  const result: unknown[] = [];
  let [i, j] = [0, 0];
  while (i < others.length && j < named.length) {
    const left = liveRank.get(identity(others[i], mergeKey));
    const right = liveRank.get(identity(named[j], mergeKey));
    if (left !== undefined && right !== undefined && left < right) result.push(others[i++]);
    else result.push(named[j++]);
  }
  // Unlike a spread, it leaves no room for more in a list that will be stored.
  return result.concat(others.slice(i), named.slice(j));
}

const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean => a.length === b.length && a.every((item, i) => item === b[i]);
