/**
 * JSON of an object or a list as the types know it. Go's encoder writes an empty list, map or time that is not marked `omitempty` as null (`"endpoints": null`, `"rules": null`,
 * `"eventTime": null`), and its clients read that as absent: so do we. A list's null items are none. For texts that are shown or sent back word for word this is not.
 */
export function parseObject<T>(text: string): T {
  const value = JSON.parse(text) as T;
  // Most answers have none: looking for the word costs much less than walking through what was read.
  if (text.includes('null')) dropNulls(value);
  return value;
}

function dropNulls(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) return value.forEach(dropNulls);
  const fields = value as Record<string, unknown>;
  for (const [name, field] of Object.entries(fields)) {
    if (field !== null) dropNulls(field);
    else if (name === 'items') fields[name] = [];
    else delete fields[name];
  }
}
