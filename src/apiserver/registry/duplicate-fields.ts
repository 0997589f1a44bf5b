import type { DuplicateKeys } from '../../api/schema/json-text.ts';

/** The texts for keys that came twice in a parsed value, `duplicate field "spec.paused"`. `duplicates` knows the objects as they were parsed. */
export function duplicateFields(value: unknown, duplicates: DuplicateKeys, path = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item, i) => duplicateFields(item, duplicates, `${path}[${i}]`));
  const join = (key: string): string => (path ? `${path}.${key}` : key);
  return [
    ...(duplicates.get(value) ?? []).map((key) => `duplicate field "${join(key)}"`),
    ...Object.entries(value).flatMap(([key, member]) => duplicateFields(member, duplicates, join(key))),
  ];
}
