import { typeSchema } from './schema.ts';
import type { Field, StructType, Type } from './schema.ts';

/**
 * Fills in the defaults that the field table holds, everywhere in a decoded object; answers the same object where none is missing.
 * Upstream: the generated defaulting functions, zz_generated.defaults.go.
 */
export function applyTableDefaults<T>(type: string | StructType, object: T): T {
  return fill(typeof type === 'string' ? typeSchema(type) : type, object) as T;
}

function fill(type: Type, value: unknown): unknown {
  switch (type.kind) {
    case 'struct': return defaultsWithin(type) && typeof value === 'object' && value !== null ? fillStruct(type, value as Record<string, unknown>) : value;
    case 'list': {
      if (!within(type.item) || !Array.isArray(value)) return value;
      let result: unknown[] = value;
      for (let i = 0; i < value.length; i++) {
        const after = fill(type.item, value[i]);
        if (after === value[i]) continue;
        if (result === value) result = value.slice();
        result[i] = after;
      }
      return result;
    }
    case 'map': {
      if (!within(type.value) || typeof value !== 'object' || value === null) return value;
      let result = value as Record<string, unknown>;
      for (const [key, before] of Object.entries(value)) {
        const after = fill(type.value, before);
        if (after === before) continue;
        if (result === value) result = { ...result };
        result[key] = after;
      }
      return result;
    }
    default: return value;
  }
}

function fillStruct(type: StructType, source: Record<string, unknown>): unknown {
  let result = source;
  for (const field of interesting(type)) {
    const before = source[field.name];
    const after = before === undefined ? ownDefault(field) : fill(field.type, before);
    if (after === before) continue;
    if (result === source) result = { ...source };
    result[field.name] = after;
  }
  return result;
}

/** A default that is Go's zero and would not be written anyway counts as none. */
function ownDefault(field: Field): unknown {
  const value = field.default;
  if (!field.pointer && field.omitEmpty && (value === '' || value === 0 || value === false)) return undefined;
  return value;
}

const within = (type: Type): boolean =>
  type.kind === 'struct' ? defaultsWithin(type) : type.kind === 'list' ? within(type.item) : type.kind === 'map' ? within(type.value) : false;

const known = new Map<StructType, boolean>();
const fieldsOf = new WeakMap<StructType, readonly Field[]>();

/** Whether a type or any type in it has a default. */
function defaultsWithin(type: StructType): boolean {
  const found = known.get(type);
  if (found !== undefined) return found;
  if (type.oneOf) return false;
  known.set(type, false); // A type that holds itself has no more defaults for that.
  const has = interesting(type).length > 0;
  known.set(type, has);
  return has;
}

function interesting(type: StructType): readonly Field[] {
  let found = fieldsOf.get(type);
  if (!found) fieldsOf.set(type, (found = [...type.fields.values()].filter((field) => ownDefault(field) !== undefined || within(field.type))));
  return found;
}
