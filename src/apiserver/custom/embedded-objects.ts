import { fieldError, type FieldError } from '../../api/errors.ts';
import { isDns1035Label } from '../../api/names.ts';
import { decode, DecodeError } from '../../api/schema/decode.ts';
import { validateObjectMeta } from '../../api/validation/object-meta.ts';
import { additionalOf, isObject, type JsonObject, type JsonSchema } from './json-schema.ts';
import { OBJECT_META } from './prune.ts';

type Meta = Parameters<typeof validateObjectMeta>[0];

/** What is wrong with the objects within an object (`x-kubernetes-embedded-resource`). Upstream: apiextensions-apiserver pkg/apiserver/schema/objectmeta. */
export function embeddedErrors(value: unknown, schema: JsonSchema, path: string): readonly FieldError[] {
  if (Array.isArray(value)) return schema.items ? value.flatMap((item, i) => embeddedErrors(item, schema.items!, `${path}[${i}]`)) : [];
  if (!isObject(value)) return [];
  const own = schema['x-kubernetes-embedded-resource'] ? objectErrors(value, path) : [];
  const additional = additionalOf(schema);
  const inner = Object.entries(value).flatMap(([key, member]) => {
    const named = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
    if (named) return embeddedErrors(member, named, path ? `${path}.${key}` : key);
    return additional ? embeddedErrors(member, additional, `${path}[${key}]`) : [];
  });
  return [...own, ...inner];
}

function objectErrors(value: JsonObject, path: string): readonly FieldError[] {
  return [...textErrors(value, 'apiVersion', path), ...textErrors(value, 'kind', path), ...('metadata' in value ? metadataErrors(value['metadata'], `${path}.metadata`) : [])];
}

function textErrors(value: JsonObject, name: 'apiVersion' | 'kind', path: string): readonly FieldError[] {
  const at = `${path}.${name}`;
  const text = value[name];
  if (text === undefined) return [fieldError.required(at)];
  if (typeof text !== 'string') return [fieldError.invalid(at, text, 'must be a string')];
  if (text === '') return [fieldError.invalid(at, text, 'must not be empty')];
  if (name === 'apiVersion') return text.split('/').length > 2 ? [fieldError.invalid(at, text, `unexpected GroupVersion string: ${text}`)] : [];
  const faults = isDns1035Label(text.toLowerCase());
  return faults.length > 0 ? [fieldError.invalid(at, text, `may have mixed case, but should otherwise match: ${faults.join(',')}`)] : [];
}

function metadataErrors(value: unknown, path: string): readonly FieldError[] {
  try {
    const metadata = decode<Meta>(OBJECT_META, value).object;
    const named = { ...metadata, name: metadata.name || 'unnamed' };
    const namespaced = Boolean((metadata as { readonly namespace?: string }).namespace);
    return validateObjectMeta(named, { namespaced, nameRule: 'path', shortFinalizers: true }).map((error) => ({ ...error, field: error.field.replace(/^metadata/, path) }));
  } catch (error) {
    if (error instanceof DecodeError) return [fieldError.invalid(path, value, error.message)];
    throw error;
  }
}
