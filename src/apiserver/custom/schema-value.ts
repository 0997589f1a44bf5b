import { celBytes, celDuration, celTime } from '../../api/cel/cel-scalar.ts';
import { toCel } from '../../api/cel/cel-value.ts';
import { additionalOf, isObject, type JsonSchema } from './json-schema.ts';

const known = new WeakMap<JsonSchema, WeakMap<object, unknown>>();

/**
 * A JSON value as the rules of its schema see it: a `number` is a double even where it is whole, times and durations are such by their format,
 * and fields whose names are no names in CEL go by escaped ones: `self.__namespace__`, `self.max__dash__age`. What was converted once is
 * remembered, since objects are immutable. Upstream: apiserver pkg/cel/common/values.go and pkg/cel/escaping.go.
 */
export function schemaValue(value: unknown, schema: JsonSchema): unknown {
  if (typeof value !== 'object' || value === null) return scalar(value, schema);
  let values = known.get(schema);
  if (!values) known.set(schema, (values = new WeakMap()));
  let made = values.get(value);
  if (made === undefined) values.set(value, (made = composite(value, schema)));
  return made;
}

function scalar(value: unknown, schema: JsonSchema): unknown {
  if (schema['x-kubernetes-int-or-string']) return toCel(value);
  if (typeof value === 'number') return schema.type === 'number' ? value : toCel(value);
  if (typeof value !== 'string') return value;
  switch (schema.format) {
    case 'date':
    case 'date-time': return celTime(value) ?? value;
    case 'duration': return celDuration(value) ?? value;
    case 'byte': return celBytes(value);
    default: return value;
  }
}

function composite(value: object, schema: JsonSchema): unknown {
  if (Array.isArray(value)) return schema.items ? value.map((item) => schemaValue(item, schema.items!)) : toCel(value);
  if (!isObject(value)) return value;
  const additional = additionalOf(schema);
  const entries = Object.entries(value).flatMap(([key, member]): [string, unknown][] => {
    if (member === undefined) return [];
    const named = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
    if (named) return [[escapedName(key), schemaValue(member, named)]];
    return [[key, additional ? schemaValue(member, additional) : toCel(member)]];
  });
  return Object.fromEntries(entries);
}

const RESERVED = new Set('true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '));
const ESCAPES: Readonly<Record<string, string>> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' };

/** `namespace` is `__namespace__`, `max-age` is `max__dash__age`. Names that cannot be written in CEL at all stay as they are: no rule names them. */
export function escapedName(name: string): string {
  if (RESERVED.has(name)) return `__${name}__`;
  return name.replace(/__|[./-]/g, (part) => ESCAPES[part]!);
}
