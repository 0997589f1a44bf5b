/**
 * The values of CEL and those of JSON: whole numbers are `int` (BigInt) there, so that `spec.replicas + 1` means what it says.
 */
const converted = new WeakMap<object, unknown>();

/** A JSON value as CEL sees it. What was converted once is remembered, since objects are immutable. */
export function toCel(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value === undefined ? null : value;
  // Values of our own types (quantities, addresses, authorizers) are what they are.
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return value;
  const known = converted.get(value);
  if (known !== undefined) return known;
  const result = Array.isArray(value) ? value.map(toCel) : Object.fromEntries(Object.entries(value).flatMap(([key, member]) => (member === undefined ? [] : [[key, toCel(member)]])));
  converted.set(value, result);
  return result;
}

/** Back to JSON. */
export function fromCel(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(fromCel);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [String(key), fromCel(member)]));
  if (typeof value !== 'object' || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return String(value);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, fromCel(member)]));
}
