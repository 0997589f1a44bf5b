/**
 * A value that should be text, as messages show it. Unlike `String` it takes any JSON value: one with a member `toString` would be called by that,
 * and fault.
 */
export function shownText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
