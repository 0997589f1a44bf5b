import { typeSchema } from './schema.ts';
import type { Field, StructType, Type } from './schema.ts';

/**
 * Fills in the defaults that the field table holds, everywhere in a decoded object; answers the same object where none is missing.
 * `filled` is what was filled before, and the object changed since: parts that are still the same are not looked at again.
 * Upstream: the generated defaulting functions, zz_generated.defaults.go.
 */
export function applyTableDefaults<T>(type: string | StructType, object: T, filled?: T): T {
  return fill(typeof type === 'string' ? typeSchema(type) : type, object, filled) as T;
}

function fill(type: Type, value: unknown, filled: unknown): unknown {
  if (value === filled) return value;
  switch (type.kind) {
    case 'struct': return !type.oneOf && typeof value === 'object' && value !== null ? fillStruct(type, value as Record<string, unknown>, filled) : value;
    case 'list': {
      if (!isCompound(type.item) || !Array.isArray(value)) return value;
      let result: unknown[] = value;
      for (let i = 0; i < value.length; i++) {
        const after = fill(type.item, value[i], memberOf(filled, i));
        if (after === value[i]) continue;
        if (result === value) result = value.slice();
        result[i] = after;
      }
      return result;
    }
    case 'map': {
      if (!isCompound(type.value) || typeof value !== 'object' || value === null) return value;
      let result = value as Record<string, unknown>;
      for (const [key, before] of Object.entries(value)) {
        const after = fill(type.value, before, memberOf(filled, key));
        if (after === before) continue;
        if (result === value) result = { ...result };
        result[key] = after;
      }
      return result;
    }
    default: return value;
  }
}

function memberOf(value: unknown, key: string | number): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined;
}

/** Goes by what is there: to find out first which of all types have defaults somewhere in them takes longer than most servers spend on defaults. */
function fillStruct(type: StructType, source: Record<string, unknown>, filled: unknown): unknown {
  let result = source;
  const { fields } = type;
  for (const key in source) {
    const field = fields.get(key);
    if (!field || !isCompound(field.type)) continue;
    const before = source[key];
    const after = fill(field.type, before, memberOf(filled, key));
    if (after === before) continue;
    if (result === source) result = { ...source };
    result[key] = after;
  }
  for (const field of fieldsWithDefaults(type)) {
    if (source[field.name] !== undefined) continue;
    if (result === source) result = { ...source };
    result[field.name] = ownDefault(field);
  }
  return result;
}

/** A default that is Go's zero and would not be written anyway counts as none. */
function ownDefault(field: Field): unknown {
  const value = field.default;
  if (!field.pointer && field.omitEmpty && (value === '' || value === 0 || value === false)) return undefined;
  return value;
}

const isCompound = ({ kind }: Type): boolean => kind === 'struct' || kind === 'list' || kind === 'map';

const withDefaults = new WeakMap<StructType, readonly Field[]>();

function fieldsWithDefaults(type: StructType): readonly Field[] {
  let found = withDefaults.get(type);
  if (!found) withDefaults.set(type, (found = [...type.fields.values()].filter((field) => ownDefault(field) !== undefined)));
  return found;
}
