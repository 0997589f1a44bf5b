import type { Field, Type } from '../../api/schema/schema.ts';

/**
 * What `kubectl apply` wants: `modified` (the manifest) laid over `current` (the live object), without what `original` (the manifest
 * as last applied) had and `modified` no longer has. Lists with a merge key are merged by item, all others are taken whole from the manifest.
 *
 * original {a:1,b:2}, modified {a:1,c:3}, current {a:1,b:2,d:4}  →  {a:1,c:3,d:4}
 *
 * `type` is the schema of the values; undefined (custom resources): maps merge, lists are taken whole. Upstream: strategicpatch.CreateThreeWayMergePatch.
 */
export function threeWayMerge(original: unknown, modified: unknown, current: unknown, type?: Type, field?: Field): unknown {
  if (isMap(modified) && isMap(current)) {
    if (field?.patchStrategies.includes('replace')) return modified;
    const before = isMap(original) ? original : {};
    const fields = type?.kind === 'struct' ? type.fields : undefined;
    const result: Record<string, unknown> = {};
    // A union (volume source, strategy) keeps only the members that the manifest names.
    const retain = field?.patchStrategies.includes('retainKeys') === true;
    for (const [key, value] of Object.entries(current)) {
      const removed = (Object.hasOwn(before, key) || retain) && !Object.hasOwn(modified, key);
      if (!removed) result[key] = value;
    }
    for (const [key, value] of Object.entries(modified)) {
      if (value === null) {
        delete result[key];
        continue;
      }
      const below = fields?.get(key);
      const belowType = below?.type ?? (type?.kind === 'map' ? type.value : undefined);
      result[key] = Object.hasOwn(result, key) ? threeWayMerge(before[key], value, result[key], belowType, below) : value;
    }
    return result;
  }
  if (Array.isArray(modified) && Array.isArray(current) && field?.patchStrategies.includes('merge') && type?.kind === 'list') {
    const before = Array.isArray(original) ? original : [];
    return field.patchMergeKey ? mergeByKey(before, modified, current, field, type.item) : mergeSet(before, modified, current);
  }
  return modified;
}

/** Items in the manifest's order, then those that others put there. */
function mergeByKey(original: readonly unknown[], modified: readonly unknown[], current: readonly unknown[], field: Field, item: Type): unknown[] {
  const key = field.patchMergeKey!;
  const keyOf = (value: unknown): unknown => (isMap(value) ? value[key] : undefined);
  const find = (list: readonly unknown[], wanted: unknown): unknown => list.find((value) => keyOf(value) === wanted);
  const itemField: Field = { ...field, patchStrategies: field.patchStrategies.filter((strategy) => strategy === 'retainKeys') };
  const merged = modified.map((value) => {
    const live = find(current, keyOf(value));
    return live === undefined ? value : threeWayMerge(find(original, keyOf(value)), value, live, item, itemField);
  });
  const others = current.filter((value) => find(modified, keyOf(value)) === undefined && find(original, keyOf(value)) === undefined);
  // What is there keeps its place, so that an unchanged list stays as it is.
  const place = (value: unknown): number => {
    const at = current.findIndex((live) => keyOf(live) === keyOf(value));
    return at < 0 ? Number.MAX_SAFE_INTEGER : at;
  };
  const sameOrder = merged.map(keyOf).filter((k) => find(current, k) !== undefined).every((k, i, all) => i === 0 || current.findIndex((v) => keyOf(v) === all[i - 1]) < current.findIndex((v) => keyOf(v) === k));
  return sameOrder ? [...merged, ...others].toSorted((a, b) => place(a) - place(b)) : [...merged, ...others];
}

function mergeSet(original: readonly unknown[], modified: readonly unknown[], current: readonly unknown[]): unknown[] {
  const kept = current.filter((value) => modified.includes(value) || !original.includes(value));
  return [...kept, ...modified.filter((value) => !kept.includes(value))];
}

/** The JSON merge patch that makes `next` of `previous`; undefined when they are equal. */
export function mergePatchBetween(previous: unknown, next: unknown): unknown {
  if (isMap(previous) && isMap(next)) {
    const patch: Record<string, unknown> = {};
    for (const key of Object.keys(previous)) if (!Object.hasOwn(next, key)) patch[key] = null;
    for (const [key, value] of Object.entries(next)) {
      const below = Object.hasOwn(previous, key) ? mergePatchBetween(previous[key], value) : value;
      if (below !== undefined) patch[key] = below;
    }
    return Object.keys(patch).length > 0 ? patch : undefined;
  }
  return equal(previous, next) ? undefined : next;
}

function equal(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((value, i) => equal(value, b[i]));
  if (isMap(a) && isMap(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
  }
  return Object.is(a, b);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
