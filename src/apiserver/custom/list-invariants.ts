import { fieldError, type FieldError } from '../../api/errors.ts';
import { additionalOf, isObject, type JsonSchema } from './json-schema.ts';

/** What is wrong with lists that hold each item, or each key, once. Upstream: apiextensions-apiserver pkg/apiserver/schema/listtype. */
export function listErrors(value: unknown, schema: JsonSchema, path: string): readonly FieldError[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    return [...ownErrors(value, schema, path), ...(items ? value.flatMap((item, i) => listErrors(item, items, `${path}[${i}]`)) : [])];
  }
  if (!isObject(value)) return [];
  const additional = additionalOf(schema);
  return Object.entries(value).flatMap(([key, member]) => {
    const named = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
    if (named) return listErrors(member, named, path ? `${path}.${key}` : key);
    return additional ? listErrors(member, additional, `${path}[${key}]`) : [];
  });
}

function ownErrors(value: readonly unknown[], schema: JsonSchema, path: string): readonly FieldError[] {
  switch (schema['x-kubernetes-list-type']) {
    case 'set': return repeated(value).map((i) => fieldError.duplicate(`${path}[${i}]`, value[i]));
    case 'map': {
      const odd = value.findIndex((item) => item !== null && !isObject(item));
      if (odd >= 0) return [fieldError.invalid(`${path}[${odd}]`, value[odd], 'must be an object for an array of list-type map')];
      const names = schema['x-kubernetes-list-map-keys'] ?? [];
      const keys = value.map((item) => Object.fromEntries(names.flatMap((name) => (isObject(item) && item[name] !== undefined ? [[name, item[name]]] : []))));
      return repeated(keys).map((i) => fieldError.duplicate(`${path}[${i}]`, keys[i]));
    }
    default: return [];
  }
}

/** Where what was there before comes a second time; not where it comes again. */
function repeated(values: readonly unknown[]): readonly number[] {
  const times = new Map<string, number>();
  return values.flatMap((value, i) => {
    const text = JSON.stringify(value);
    const count = (times.get(text) ?? 0) + 1;
    times.set(text, count);
    return count === 2 ? [i] : [];
  });
}
