/** What a version of a CRD says: its schema, subresources, columns and selectable fields. Upstream: validateCustomResourceDefinitionVersion. */
import { fieldError, type FieldError } from '../../errors.ts';
import type {
  CustomResourceColumnDefinition, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion, CustomResourceSubresources, SelectableField,
} from '../../generated/apiextensions-v1.ts';
import type { FieldErrors } from '../fields.ts';
import { isSame } from '../same.ts';
import { openApiSchemaErrors } from './open-api-schema.ts';
import { additionalOf, itemsOf, saysNothing, type SchemaNode } from './schema-node.ts';
import { structuralErrors } from './structural-schema.ts';

/** What may differ from version to version, and where upstream says it stands if it does not. */
const shared = { schema: 'validation', subresources: 'subresources', additionalPrinterColumns: 'additionalPrinterColumns', selectableFields: 'selectableFields' } as const;

type Part = keyof typeof shared;
type Spec = CustomResourceDefinitionSpec;

/**
 * Where faults of a part of a version are told: upstream holds what all versions (or the only one) share at the level of the spec, so the schema
 * of the only version is `spec.validation`.
 */
export function partPath({ versions = [] }: Spec, index: number, part: Part): string {
  return isShared(versions, part) ? `spec.${shared[part]}` : `spec.versions[${index}].${part}`;
}

function isShared(versions: readonly CustomResourceDefinitionVersion[], part: Part): boolean {
  return versions.every((version) => isSame(version[part], versions[0]?.[part]));
}

/** The faults of what this version says itself. */
export function* versionErrors(spec: Spec, index: number): FieldErrors {
  const version = spec.versions[index]!;
  const path = `spec.versions[${index}]`;
  yield* deprecationErrors(`${path}.deprecationWarning`, version);
  for (const part of Object.keys(shared) as Part[]) if (!isShared(spec.versions, part)) yield* partErrors[part](`${path}.${part}`, version);
}

/** The faults of what all versions say alike. */
export function* sharedErrors({ versions = [] }: Spec): FieldErrors {
  const [version] = versions;
  if (!version) return;
  for (const part of Object.keys(shared) as Part[]) if (isShared(versions, part)) yield* partErrors[part](`spec.${shared[part]}`, version);
}

const partErrors: Readonly<Record<Part, (path: string, version: CustomResourceDefinitionVersion) => FieldErrors>> = {
  schema: function* (path, { schema, subresources }) {
    if (schema?.openAPIV3Schema) yield* schemaErrors(path, schema.openAPIV3Schema as SchemaNode, subresources?.status !== undefined);
  },
  subresources: function* (path, { subresources }) {
    if (subresources) yield* subresourcesErrors(path, subresources);
  },
  additionalPrinterColumns: function* (path, { additionalPrinterColumns = [] }) {
    for (const [i, column] of additionalPrinterColumns.entries()) yield* columnErrors(`${path}[${i}]`, column);
  },
  selectableFields: function* (path, { selectableFields = [], schema }) {
    if (selectableFields.length === 0) return;
    if (schema?.openAPIV3Schema) yield* selectableErrors(path, selectableFields, schema.openAPIV3Schema as SchemaNode);
    else yield fieldError.invalid(path, '', 'may only be set when `version.schema.openAPIV3Schema` is not included');
  },
};

function* deprecationErrors(path: string, { deprecated, deprecationWarning: warning }: CustomResourceDefinitionVersion): FieldErrors {
  if (warning === undefined) return;
  if (!deprecated) {
    yield fieldError.invalid(path, warning, 'can only be set for deprecated versions');
    return;
  }
  if (Buffer.byteLength(warning) > 256) yield fieldError.invalid(path, warning, 'must be <= 256 characters long');
  if (!warning) yield fieldError.invalid(path, warning, 'must not be an empty string');
  const odd = warning.search(/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u);
  if (odd >= 0) {
    yield fieldError.invalid(path, warning, `must only contain printable UTF-8 characters; non-printable character found at index ${Buffer.byteLength(warning.slice(0, odd))}`);
  }
}

// As upstream names its fields.
const allowedAtRoot = ['description', 'type', 'format', 'title', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength', 'minLength', 'pattern', 'maxItems', 'minItems',
  'uniqueItems', 'multipleOf', 'required', 'items', 'properties', 'externalDocs', 'example', 'x-kubernetes-preserve-unknown-fields', 'x-kubernetes-validations'];
const shownAtRoot = allowedAtRoot.map((field) => field.replace('x-kubernetes-', 'x-').replace(/(^|-)(.)/g, (_, _dash, letter: string) => letter.toUpperCase())).join(' ');

function* schemaErrors(path: string, schema: SchemaNode, hasStatus: boolean): FieldErrors {
  const at = `${path}.openAPIV3Schema`;
  const errors: FieldError[] = hasStatus ? [...rootErrors(at, schema)] : [];
  if (schema.nullable) errors.push(fieldError.forbidden(`${at}.nullable`, 'nullable cannot be true at the root'));
  const unsupported = unsupportedField(schema);
  if (!unsupported) errors.push(...structuralErrors(at, schema));
  errors.push(...openApiSchemaErrors(at, schema));
  if (unsupported && errors.length === 0) errors.push(fieldError.invalid(at, '', `OpenAPIV3Schema '${unsupported.replace('$schema', 'schema')}' is not supported`));
  yield* errors;
}

/** The status is validated by its property alone, so nothing may be said of it at the root. */
function* rootErrors(path: string, schema: SchemaNode): FieldErrors {
  if (schema.type && schema.type !== 'object') {
    yield fieldError.invalid(`${path}.type`, schema.type, 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled');
  } else if (Object.entries(schema).some(([field, value]) => !saysNothing(value) && !allowedAtRoot.includes(field))) {
    yield fieldError.invalid(path, schema, `only [${shownAtRoot}] fields are allowed at the root of the schema if the status subresource is enabled`);
  }
}

const neverSupported = ['id', '$schema', '$ref', 'patternProperties', 'dependencies', 'additionalItems', 'definitions'] as const;

/** The first field that keeps a schema, or one in it, from being read as structural. */
function unsupportedField(schema: SchemaNode): string | undefined {
  const own = neverSupported.find((field) => !saysNothing(schema[field])) ?? (Array.isArray(schema.items) && schema.items.length ? 'items' : undefined);
  if (own) return own;
  const inner = [itemsOf(schema), additionalOf(schema), schema.not, ...Object.values(schema.properties ?? {}), ...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  for (const one of inner) {
    const found = one && unsupportedField(one);
    if (found) return found;
  }
  return undefined;
}

function* subresourcesErrors(path: string, { scale }: CustomResourceSubresources): FieldErrors {
  if (!scale) return;
  yield* scalePath(`${path}.scale.specReplicasPath`, scale.specReplicasPath, ['.spec'], true);
  yield* scalePath(`${path}.scale.statusReplicasPath`, scale.statusReplicasPath, ['.status'], true);
  yield* scalePath(`${path}.scale.labelSelectorPath`, scale.labelSelectorPath, ['.spec', '.status'], false);
}

function* scalePath(path: string, jsonPath: string | undefined, roots: readonly string[], required: boolean): FieldErrors {
  if (!jsonPath) {
    if (required) yield fieldError.required(path);
  } else if (!jsonPath.startsWith('.')) {
    yield fieldError.invalid(path, jsonPath, 'must be a simple json path starting with .');
  } else if (!roots.some((root) => jsonPath.startsWith(`${root}.`))) {
    yield fieldError.invalid(path, jsonPath, `should be a json path under ${roots.length > 1 ? `either ${roots.join(' or ')}` : roots[0]}`);
  }
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

function* columnErrors(path: string, { name, type, format, jsonPath }: CustomResourceColumnDefinition): FieldErrors {
  if (!name) yield fieldError.required(`${path}.name`);
  if (!type) yield fieldError.required(`${path}.type`, `must be one of ${columnTypes.join(',')}`);
  else if (!columnTypes.includes(type)) yield fieldError.invalid(`${path}.type`, type, `must be one of ${columnTypes.join(',')}`);
  if (format && !columnFormats.includes(format)) yield fieldError.invalid(`${path}.format`, format, `must be one of ${columnFormats.join(',')}`);
  if (!jsonPath) yield fieldError.required(`${path}.JSONPath`);
  else if (!jsonPath.startsWith('.')) yield fieldError.invalid(`${path}.JSONPath`, jsonPath, 'must be a simple json path starting with .');
}

const mostSelectable = 8;

function* selectableErrors(path: string, fields: readonly SelectableField[], schema: SchemaNode): FieldErrors {
  const known = new Set<string>();
  for (const [i, { jsonPath }] of fields.entries()) {
    const at = `${path}[${i}].jsonPath`;
    if (!jsonPath) {
      yield fieldError.required(at);
      continue;
    }
    const found = fieldAt(schema, jsonPath);
    if (typeof found === 'string') {
      yield fieldError.invalid(at, jsonPath, `is an invalid path: ${found}`);
      continue;
    }
    if (/^\.metadata(\.|$)/.test(jsonPath)) yield fieldError.invalid(at, jsonPath, 'must not point to fields in metadata');
    if (!['string', 'boolean', 'integer'].includes(found.type ?? '')) {
      yield fieldError.invalid(at, jsonPath, 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.');
    }
    if (known.has(jsonPath)) yield fieldError.duplicate(at, jsonPath);
    known.add(jsonPath);
  }
  if (known.size > mostSelectable) yield fieldError.tooMany(path, known.size, mostSelectable);
}

/** The schema of the field at a path such as `.spec.color`, or why there is none. Upstream: cel.ValidFieldPath. */
function fieldAt(root: SchemaNode, jsonPath: string): SchemaNode | string {
  let schema: SchemaNode | undefined = root;
  const tokens = jsonPath.match(/[.[\]]|[^.[\]]+/g) ?? [];
  for (let i = 0; i < tokens.length; i += 2) {
    if (tokens[i] === '[') return 'array notation is not allowed';
    if (tokens[i] !== '.') return `expected [ or . but got: ${tokens[i]}`;
    const name = tokens[i + 1];
    if (name === undefined) return 'unexpected end of JSON path';
    schema = saysNothing(schema.properties) ? additionalOf(schema) : schema.properties?.[name];
    if (!schema) return 'does not refer to a valid field';
  }
  return schema;
}
