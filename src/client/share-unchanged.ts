/**
 * The value of `next`, made of parts of `previous` wherever they are equal: all of `previous` when nothing changed. So what comes fresh from the wire shares memory
 * with what was known before, and whether a part changed can be told by `!==`. Changes neither of the two.
 */
export function shareUnchanged<T>(previous: T, next: T): T {
  if (previous === next || typeof previous !== 'object' || typeof next !== 'object' || previous === null || next === null) return next;
  if (Array.isArray(previous) || Array.isArray(next)) return Array.isArray(previous) && Array.isArray(next) ? (shareItems(previous, next) as T) : next;
  return shareFields(previous as Fields, next as Fields) as T;
}

type Fields = Readonly<Record<string, unknown>>;

function shareItems(previous: readonly unknown[], next: readonly unknown[]): readonly unknown[] {
  let same = previous.length === next.length;
  let copy: unknown[] | undefined;
  for (let i = 0; i < next.length; i++) {
    if (next[i] === previous[i]) continue;
    const item = shareUnchanged(previous[i], next[i]);
    if (item !== previous[i]) same = false;
    if (item === next[i]) continue;
    copy ??= [...next];
    copy[i] = item;
  }
  return same ? previous : (copy ?? next);
}

function shareFields(previous: Fields, next: Fields): Fields {
  let count = 0;
  let same = true;
  let copy: Record<string, unknown> | undefined;
  for (const key in next) {
    count++;
    const known = previous[key];
    const fresh = next[key];
    // Most of what changed a little is shared already.
    if (fresh === known && fresh !== undefined) continue;
    const value = shareUnchanged(known, fresh);
    if (value !== known || !Object.hasOwn(previous, key)) same = false;
    if (value === fresh) continue;
    copy ??= { ...next };
    copy[key] = value;
  }
  if (same && Object.keys(previous).length === count) return previous;
  return copy ?? next;
}
