/** Keys in order, as Go's encoder writes maps: what we print and annotate is compared as text by other tools. */
export function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sortKeys(item)]));
}

/** JSON on one line as Go's encoder writes it: keys in order, `<`, `>` and `&` escaped. */
export function goJson(value: unknown): string {
  return JSON.stringify(sortKeys(value)).replaceAll(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
