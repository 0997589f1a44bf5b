import type { Field, Type } from '../../api/schema/schema.ts';

export interface StrategicOptions {
  /** How merged lists are ordered: as the server does it, or as kustomize, which begins with the items of the patch. */
  readonly lists: 'server' | 'kustomize';
}

type Fields = Record<string, unknown>;
const isMap = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const ORDER = '$setElementOrder/';
const DIRECTIVES = ['$patch', '$retainKeys'];

/**
 * A strategic merge patch laid over `target`: maps merge, null removes, lists with a merge key merge by item, `$patch: delete|replace|merge`,
 * `$deleteFromPrimitiveList/…`, `$setElementOrder/…` and `$retainKeys` are obeyed. Without a `type` (custom resources) lists are taken whole.
 * Resolves to undefined where the patch deletes the whole. Upstream: apimachinery strategicpatch/patch.go.
 */
export function applyStrategic(target: unknown, patch: unknown, type: Type | undefined, options: StrategicOptions, field?: Field): unknown {
  if (isMap(patch)) return mergeMap(isMap(target) ? target : {}, patch, type, options);
  if (Array.isArray(patch)) return mergeList(Array.isArray(target) ? target : [], patch, type, options, field);
  return patch;
}

function mergeMap(target: Fields, patch: Fields, type: Type | undefined, options: StrategicOptions): Fields | undefined {
  if (patch['$patch'] === 'delete') return undefined;
  if (patch['$patch'] === 'replace') return Object.fromEntries(Object.entries(patch).filter(([key]) => key !== '$patch'));
  const fields = type?.kind === 'struct' ? type.fields : undefined;
  const retained = patch['$retainKeys'];
  const result: Fields = Array.isArray(retained) ? Object.fromEntries(Object.entries(target).filter(([key]) => retained.includes(key))) : { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (DIRECTIVES.includes(key) || key.startsWith(ORDER)) continue;
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      const name = key.slice(key.indexOf('/') + 1);
      const gone = value as readonly unknown[];
      if (Array.isArray(result[name])) result[name] = (result[name] as readonly unknown[]).filter((item) => !gone.includes(item));
      continue;
    }
    if (value === null) {
      delete result[key];
      continue;
    }
    const field = fields?.get(key);
    const below = field?.type ?? (type?.kind === 'map' ? type.value : undefined);
    const merged = field?.patchStrategies.includes('replace') === true && isMap(value) ? value : applyStrategic(result[key], value, below, options, field);
    if (merged === undefined) delete result[key];
    else result[key] = merged;
  }
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(ORDER) || !Array.isArray(order)) continue;
    const name = key.slice(ORDER.length);
    if (Array.isArray(result[name])) result[name] = ordered(result[name] as unknown[], order, fields?.get(name)?.patchMergeKey);
  }
  return result;
}

/** Items that the order names in its order; the others after them. */
function ordered(list: readonly unknown[], order: readonly unknown[], key: string | undefined): unknown[] {
  const identity = (item: unknown): unknown => (key !== undefined && isMap(item) ? item[key] : item);
  const place = (item: unknown): number => {
    const at = order.findIndex((one) => identity(one) === identity(item));
    return at < 0 ? order.length : at;
  };
  return list.toSorted((a, b) => place(a) - place(b));
}

function mergeList(target: readonly unknown[], patch: readonly unknown[], type: Type | undefined, options: StrategicOptions, field: Field | undefined): unknown[] {
  const plain = patch.filter((item) => !(isMap(item) && Object.keys(item).length === 1 && item['$patch'] !== undefined));
  const whole = plain.length < patch.length && patch.some((item) => isMap(item) && item['$patch'] === 'replace');
  if (whole || field?.patchStrategies.includes('merge') !== true) return withoutDirectives(plain);
  const key = field.patchMergeKey;
  if (key === undefined) return [...target, ...plain.filter((item) => !target.includes(item))];
  const itemType = type?.kind === 'list' ? type.item : undefined;
  const identity = identityKeys(type, key);
  const same = (a: unknown, b: unknown): boolean => isMap(a) && isMap(b) && (identity.every((name) => b[name] === undefined || a[name] === undefined || a[name] === b[name])) && a[key] === b[key];
  const merged = plain.map((item) => {
    const at = target.findIndex((present) => same(present, item));
    return { at, value: applyStrategic(at < 0 ? {} : target[at], item, itemType, options) };
  });
  const kept = (present: unknown, at: number): unknown[] => {
    const change = merged.find((one) => one.at === at);
    return change ? (change.value === undefined ? [] : [change.value]) : [present];
  };
  const fresh = merged.flatMap(({ at, value }) => (at < 0 && value !== undefined ? [value] : []));
  if (options.lists === 'server') return serverOrder(target, merged);
  // Where two fields tell items apart (ports), kustomize leaves those that are there in their order.
  if (identity.length > 0) return [...fresh, ...target.flatMap(kept)];
  return [...merged.flatMap(({ value }) => (value === undefined ? [] : [value])), ...target.filter((_present, at) => !merged.some((one) => one.at === at))];
}

/** Items of the patch in its order; those that it does not name keep their places before those that they stood before. */
function serverOrder(target: readonly unknown[], merged: readonly { readonly at: number; readonly value: unknown }[]): unknown[] {
  const others = target.map((value, at) => ({ at, value })).filter(({ at }) => !merged.some((one) => one.at === at));
  const named = merged.filter(({ value }) => value !== undefined);
  const result: unknown[] = [];
  while (others.length > 0 || named.length > 0) {
    const [left, right] = [others[0], named[0]];
    const takeLeft = !right || (left !== undefined && right.at >= 0 && left.at < right.at);
    result.push((takeLeft ? others : named).shift()!.value);
  }
  return result;
}

/** Ports are told apart by protocol too, where both sides name one. */
function identityKeys(type: Type | undefined, key: string): readonly string[] {
  const keys = type?.kind === 'list' ? type.keys : [];
  return keys.includes(key) ? keys.filter((name) => name !== key) : [];
}

function withoutDirectives(items: readonly unknown[]): unknown[] {
  return items.flatMap((item) => {
    if (!isMap(item)) return [item];
    if (item['$patch'] === 'delete') return [];
    const { $patch: _directive, ...rest } = item;
    return [rest];
  });
}
