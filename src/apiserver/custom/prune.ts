import { decode, DecodeError } from '../../api/schema/decode.ts';
import { additionalOf, EMBEDDED_FIELDS, isObject, type JsonObject, type JsonSchema } from './json-schema.ts';

export const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/**
 * The value without the fields that its schema does not have; itself where it has no others. `unknown` gathers their paths.
 * `kept`: fields of this object that stay whatever the schema says. Upstream: apiextensions-apiserver pkg/apiserver/schema/pruning.
 */
export function prune(value: unknown, schema: JsonSchema, unknown: string[], path = '', kept: readonly string[] = []): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items) return value;
    return mapList(value, (item, i) => prune(item, items, unknown, `${path}[${i}]`, items['x-kubernetes-embedded-resource'] ? EMBEDDED_FIELDS : []));
  }
  if (!isObject(value)) return value;
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true;
  const additional = additionalOf(schema);
  let changed: Record<string, unknown> | undefined;
  for (const [key, member] of Object.entries(value)) {
    if (kept.includes(key)) {
      const decoded = key === 'metadata' && path ? metadata(member, unknown, `${path}.metadata`) : member;
      if (decoded !== member) (changed ??= { ...value })[key] = decoded;
      continue;
    }
    const inner = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : additional;
    const at = path ? `${path}.${key}` : key;
    if (!inner) {
      if (open) continue;
      unknown.push(at);
      changed ??= { ...value };
      delete changed[key];
      continue;
    }
    const pruned = prune(member, inner, unknown, at, inner['x-kubernetes-embedded-resource'] ? EMBEDDED_FIELDS : []);
    if (pruned !== member) (changed ??= { ...value })[key] = pruned;
  }
  return changed ?? value;
}

/** The metadata of an embedded object; what is no metadata stays, for validation to refuse. */
function metadata(value: unknown, unknown: string[], path: string): unknown {
  try {
    const { object, warnings } = decode(OBJECT_META, value, { validation: 'Warn' });
    for (const text of warnings) unknown.push(`${path}.${/"(.*)"/.exec(text)?.[1] ?? ''}`);
    return object;
  } catch (error) {
    if (error instanceof DecodeError) return value;
    throw error;
  }
}

/**
 * The value with the defaults of its schema where fields are absent, or null without being allowed to be; a null that nothing stands in for goes. Itself where none are missing.
 * Upstream: apiextensions-apiserver pkg/apiserver/schema/defaulting.
 */
export function fillDefaults(value: unknown, schema: JsonSchema): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items) return value;
    return mapList(value, (item) => fillDefaults(item === null && !items.nullable && items.default !== undefined ? items.default : item, items));
  }
  if (!isObject(value)) return value;
  let changed: Record<string, unknown> | undefined;
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    const member = value[key];
    const missing = member === undefined || (member === null && !inner.nullable);
    if (missing && inner.default === undefined) {
      if (member === null) delete (changed ??= { ...value })[key];
      continue;
    }
    const filled = fillDefaults(missing ? inner.default : member, inner);
    if (filled !== member) (changed ??= { ...value })[key] = filled;
  }
  const additional = additionalOf(schema);
  if (additional) {
    for (const [key, member] of Object.entries(value as JsonObject)) {
      if (schema.properties && Object.hasOwn(schema.properties, key)) continue;
      if (member === null && !additional.nullable && additional.default === undefined) {
        delete (changed ??= { ...value })[key];
        continue;
      }
      const filled = fillDefaults(member === null && !additional.nullable && additional.default !== undefined ? additional.default : member, additional);
      if (filled !== member) (changed ??= { ...value })[key] = filled;
    }
  }
  return changed ?? value;
}

function mapList(list: readonly unknown[], change: (item: unknown, index: number) => unknown): readonly unknown[] {
  let changed: unknown[] | undefined;
  list.forEach((item, i) => {
    const next = change(item, i);
    if (next !== item) (changed ??= [...list])[i] = next;
  });
  return changed ?? list;
}
