/**
 * `object` with the members of `defaults` where it has none: absent, null or the empty string. Answers the same object where nothing was missing.
 */
export function fill<T extends object>(object: T, defaults: { readonly [K in keyof T]?: T[K] }): T {
  let filled: T | undefined;
  for (const key in defaults) {
    const value = object[key];
    if ((value === undefined || value === null || value === '') && defaults[key] !== undefined) (filled ??= { ...object })[key] = defaults[key];
  }
  return filled ?? object;
}

/** The same for fields that are pointers upstream: an empty text is a value there, which validation may refuse. */
export function fillAbsent<T extends object>(object: T, defaults: { readonly [K in keyof T]?: T[K] }): T {
  let filled: T | undefined;
  for (const key in defaults) {
    const value = object[key];
    if ((value === undefined || value === null) && defaults[key] !== undefined) (filled ??= { ...object })[key] = defaults[key];
  }
  return filled ?? object;
}

/** `list` with each item changed; the same list where no item changed. */
export function mapItems<T>(list: readonly T[], change: (item: T, index: number) => T): readonly T[] {
  let changed: T[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = change(list[i]!, i);
    if (item !== list[i]) (changed ??= [...list])[i] = item;
  }
  return changed ?? list;
}

/** `object` with one member changed by `change`; the same object where the member is absent or did not change. */
export function mapMember<T extends object, K extends keyof T>(object: T, key: K, change: (value: NonNullable<T[K]>) => T[K]): T {
  const value = object[key];
  if (value === undefined || value === null) return object;
  const changed = change(value);
  return changed === value ? object : { ...object, [key]: changed };
}

/** `object` without these members; the same object where it has none of them. */
export function without<T extends object, K extends keyof T>(object: T, ...keys: readonly K[]): Omit<T, K> & Partial<Pick<T, K>> {
  if (!keys.some((key) => key in object)) return object;
  const rest = { ...object };
  for (const key of keys) delete rest[key];
  return rest;
}
