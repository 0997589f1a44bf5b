import { escapedName } from './schema-value.ts';
import { BOOL, BYTES, DOUBLE, DURATION, DYN, INT, STRING, TIMESTAMP, type CelType } from '../../api/cel/cel-type.ts';
import { additionalOf, type JsonSchema } from './json-schema.ts';

/** No request, and so no value, is longer. Upstream: apiserver pkg/apis/cel.MaxRequestSizeBytes. */
export const LONGEST_REQUEST = 3 * 1024 * 1024;

const NAME_CHARACTERS = /^[A-Za-z_][A-Za-z0-9_./-]*$/;
/** As far as rules are concerned, what every object has. */
const META: CelType = { kind: 'object', max: 0, minBytes: 2, fields: new Map([['name', unbounded()], ['generateName', unbounded()]]) };

const known = new WeakMap<JsonSchema, CelType | null>();

/**
 * The type that rules see a value of this schema as, with the bounds that the schema, or else the longest request, puts to it. Undefined for what
 * rules do not see: values of no declared type. `root`: of a whole object, its own or an embedded one. Upstream: apiserver pkg/cel/common.SchemaDeclType.
 */
export function declaredType(schema: JsonSchema, root: boolean): CelType | undefined {
  if (root) return made(schema, true);
  let type = known.get(schema);
  if (type === undefined) known.set(schema, (type = made(schema, false) ?? null));
  return type ?? undefined;
}

function made(schema: JsonSchema, root: boolean): CelType | undefined {
  if (schema['x-kubernetes-int-or-string']) return { ...DYN, max: schema.maxLength === undefined ? LONGEST_REQUEST - 2 : bytes(schema.maxLength), minBytes: 1 };
  switch (schema.type ?? (root ? 'object' : undefined)) {
    case 'array': {
      const of = schema.items && declaredType(schema.items, schema.items['x-kubernetes-embedded-resource'] ?? false);
      return of && { kind: 'list', of, max: schema.maxItems === undefined ? Math.floor((LONGEST_REQUEST - 2) / (of.minBytes + 1)) : Math.max(0, schema.maxItems), minBytes: 2 };
    }
    case 'object': return root || !additionalOf(schema) ? objectType(schema, root) : mapType(schema);
    case 'string': return stringType(schema);
    case 'boolean': return BOOL;
    case 'number': return DOUBLE;
    case 'integer': return INT;
    default: return undefined;
  }
}

function mapType(schema: JsonSchema): CelType | undefined {
  const values = additionalOf(schema)!;
  const of = declaredType(values, values['x-kubernetes-embedded-resource'] ?? false);
  return of && { kind: 'map', of, max: schema.maxProperties === undefined ? Math.floor((LONGEST_REQUEST - 2) / (of.minBytes + 6)) : Math.max(0, schema.maxProperties), minBytes: 2 };
}

function objectType({ properties = {}, required = [] }: JsonSchema, root: boolean): CelType {
  const fields = new Map<string, CelType>();
  let minBytes = 2;
  for (const [name, property] of Object.entries(properties)) {
    const type = declaredType(property, property['x-kubernetes-embedded-resource'] ?? false);
    if (!type) continue;
    if (NAME_CHARACTERS.test(name)) fields.set(escapedName(name), type);
    if (required.includes(name) && property.default === undefined) minBytes += name.length + type.minBytes + 4;
  }
  if (root) for (const [name, type] of [['apiVersion', unbounded()], ['kind', unbounded()], ['metadata', META]] as const) fields.set(name, type);
  return { kind: 'object', fields, max: 0, minBytes };
}

function stringType({ format, maxLength, enum: values }: JsonSchema): CelType {
  switch (format) {
    case 'byte': return { ...BYTES, max: maxLength === undefined ? LONGEST_REQUEST - 2 : Math.max(0, maxLength) };
    case 'duration': return { ...DURATION, max: 32 };
    case 'date': return { ...TIMESTAMP, max: 12, minBytes: 12 };
    case 'date-time': return { ...TIMESTAMP, max: 32 };
    default:
      if (maxLength !== undefined) return { ...STRING, max: bytes(maxLength) };
      if (values?.length) return { ...STRING, max: Math.max(0, ...values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0))) };
      return unbounded();
  }
}

function unbounded(): CelType {
  return { ...STRING, max: LONGEST_REQUEST - 2 };
}

/** A character takes up to four bytes. */
const bytes = (length: number): number => Math.max(0, length) * 4;
