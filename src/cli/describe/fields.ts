import type { DescribeWriter } from './writer.ts';

/** `someFieldName` → `Some Field Name`. */
function title(key: string): string {
  return key.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2').replace(/^./, (c) => c.toUpperCase());
}

/** Any object field by field: for kinds without a describer of their own. Upstream: describe.GenericDescriber. */
export function describeFields(out: DescribeWriter, level: number, value: Readonly<Record<string, unknown>>, skip: readonly string[] = []): void {
  for (const key of Object.keys(value).toSorted()) {
    if (skip.includes(key)) continue;
    const item = value[key];
    if (Array.isArray(item)) {
      out.line(level, `${title(key)}:`);
      for (const element of item) {
        if (typeof element === 'object' && element !== null) describeFields(out, level + 1, element as Record<string, unknown>);
        else out.line(level + 1, String(element));
      }
    } else if (typeof item === 'object' && item !== null) {
      out.line(level, `${title(key)}:`);
      describeFields(out, level + 1, item as Record<string, unknown>);
    } else {
      out.field(level, title(key), String(item));
    }
  }
}
