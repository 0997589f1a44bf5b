import type { KubeObject } from '../../api/object.ts';
import { goMap } from '../printers/go-value.ts';
import type { DescribeContext } from './describe-context.ts';
import type { DescribeWriter } from './writer.ts';

/** Any object field by field: for kinds without a describer of their own. Upstream: describe.go, genericDescriber. */
export function describeGeneric(object: KubeObject, { out }: DescribeContext): void {
  out.field(0, 'Name', object.metadata.name);
  out.field(0, 'Namespace', object.metadata.namespace ?? '');
  out.map(0, 'Labels', object.metadata.labels);
  out.annotations(0, 'Annotations', object.metadata.annotations);
  describeFields(out, 0, object as never, '', ['.metadata.managedFields', '.metadata.name', '.metadata.namespace', '.metadata.labels', '.metadata.annotations']);
}

function describeFields(out: DescribeWriter, level: number, value: Readonly<Record<string, unknown>>, path: string, skip: readonly string[]): void {
  for (const key of Object.keys(value).toSorted()) {
    const below = `${path}.${key}`;
    if (skip.includes(below)) continue;
    const item = value[key];
    if (Array.isArray(item)) {
      out.line(level, `${title(key)}:`);
      for (const element of item) {
        if (typeof element === 'object' && element !== null && !Array.isArray(element)) describeFields(out, level + 1, element as Record<string, unknown>, below, skip);
        else out.line(level + 1, goMap(element));
      }
    } else if (typeof item === 'object' && item !== null) {
      out.line(level, `${title(key)}:`);
      describeFields(out, level + 1, item as Record<string, unknown>, below, skip);
    } else {
      out.field(level, title(key), goMap(item));
    }
  }
}

/**
 * `someFieldName` → `Some Field Name`, `apiVersion` → `API Version`, `podIPs` → `Pod I Ps`; a run of capitals takes the word behind it along
 * (`nonResourceURLs` → `Non Resource Urls`). Keys that are no words stay. Upstream: describe.go, smartLabelFor.
 */
function title(key: string): string {
  if (/[^\p{L}-]/u.test(key)) return key;
  const parts = key.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|-+|\p{L}/gu) ?? [key];
  const words: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const takesNext = parts[i]!.length >= 2 && /^\p{Lu}+$/u.test(parts[i]!) && /^\p{Lu}/u.test(parts[i + 1] ?? '');
    words.push(takesNext ? parts[i]! + parts[++i]! : parts[i]!);
  }
  return words.map((word) => (['API', 'URL', 'UID', 'GUID'].includes(word.toUpperCase()) ? word.toUpperCase() : word[0]!.toUpperCase() + word.slice(1).toLowerCase())).join(' ');
}
