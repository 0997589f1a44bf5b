import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, listOf, mapOf, STRING, TIMESTAMP, type CelType } from '../../api/cel/cel-type.ts';
import type { StructType, Type } from '../../api/schema/schema.ts';
import { escapedName } from '../custom/schema-value.ts';

const known = new WeakMap<StructType, CelType>();

/** The type of a kind's objects as expressions of policies see it. Upstream: apiserver pkg/cel/openapi, which reads the same from OpenAPI. */
export function celTypeOf(type: StructType): CelType {
  let made = known.get(type);
  if (!made) {
    const fields = new Map<string, CelType>();
    // Known before its fields are: a type may hold itself.
    known.set(type, (made = { kind: 'object', fields, max: 0, minBytes: 2 }));
    // Expressions reach members by their plain names too: what they look at is not typed when they run.
    for (const { name, type: value } of type.fields.values()) for (const way of [escapedName(name), name]) fields.set(way, valueType(value));
    if (type.hasTypeMeta) for (const name of ['apiVersion', 'kind']) fields.set(name, STRING);
  }
  return made;
}

function valueType(type: Type): CelType {
  switch (type.kind) {
    case 'list': return listOf(valueType(type.item));
    case 'map': return mapOf(valueType(type.value));
    // What may have further fields, or is one of several things, is asked for nothing.
    case 'struct': return type.additional || type.oneOf ? DYN : celTypeOf(type);
    case 'bool': return BOOL;
    case 'int32': case 'int64': return INT;
    case 'double': return DOUBLE;
    case 'bytes': return BYTES;
    case 'time': case 'microTime': return TIMESTAMP;
    case 'duration': return DURATION;
    case 'string': return STRING;
    // A quantity is a text or a number in OpenAPI.
    default: return DYN;
  }
}
