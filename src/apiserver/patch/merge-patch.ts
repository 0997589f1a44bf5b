/**
 * Applies a JSON merge patch (RFC 7386): null removes, objects merge, all else replaces. Answers the same object where nothing changes,
 * and shares what did not change.
 */
export function applyMergePatch(object: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const source = isObject(object) ? object : {};
  let result = source;
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue; // As if absent: patches made in process may have such.
    const before = Object.hasOwn(source, key) ? source[key] : undefined;
    const after = value === null ? undefined : applyMergePatch(before, value);
    if (after === before) continue;
    if (result === source) result = { ...source };
    if (after === undefined) delete result[key];
    else result[key] = after;
  }
  return result === source && !isObject(object) ? {} : result;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
