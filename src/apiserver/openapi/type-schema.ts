import { groupOf, kinds, typeSchema } from '../../api/schema/schema.ts';
import type { Field, StructType, Type } from '../../api/schema/schema.ts';
import type { Descriptions } from './descriptions.ts';

export type Json = Record<string, unknown>;
export type Dialect = 'v2' | 'v3';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const INT_OR_STRING = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';
export const PATCH = `${META}Patch`;

/** Names of the scalar types that OpenAPI refers to by name. */
const named: Readonly<Partial<Record<Type['kind'], string>>> = {
  time: `${META}Time`, microTime: `${META}MicroTime`, duration: `${META}Duration`, quantity: QUANTITY, intOrString: INT_OR_STRING,
};

const kindTypes = new Set(kinds().map((kind) => kind.type));

export const reference = (name: string, dialect: Dialect): Json => ({ $ref: `${dialect === 'v2' ? '#/definitions/' : '#/components/schemas/'}${name}` });

/**
 * Makes the schemas of types, and of all types that they hold, as upstream publishes them. `groupVersions` are those that register the kinds
 * of meta (DeleteOptions, WatchEvent) as theirs.
 */
export class SchemaCollector {
  readonly schemas: Record<string, Json> = {};
  readonly #dialect: Dialect;
  readonly #groupVersions: readonly { readonly group: string; readonly version: string }[];

  readonly #descriptions: Descriptions;

  constructor(dialect: Dialect, groupVersions: readonly { readonly group: string; readonly version: string }[], descriptions: Descriptions) {
    this.#descriptions = descriptions;
    this.#dialect = dialect;
    this.#groupVersions = groupVersions;
  }

  /** Adds a type and what it holds; answers a reference to it. */
  add(name: string): Json {
    if (!this.schemas[name]) {
      this.schemas[name] = {};
      this.schemas[name] = leafSchema(name, this.#dialect, this.#descriptions.ofType(name)) ?? this.#struct(typeSchema(name));
    }
    return reference(name, this.#dialect);
  }

  addCustom(name: string, schema: Json): Json {
    this.schemas[name] = schema;
    return reference(name, this.#dialect);
  }

  #struct(type: StructType): Json {
    const description = this.#descriptions.ofType(type.name);
    if (type.oneOf) return { ...(description && { description }) };
    const properties: Json = {};
    for (const field of [...type.fields.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) properties[field.name] = this.#field(type, field);
    const required = [...type.fields.values()].filter((field) => field.required).map((field) => field.name);
    const gvk = kindTypes.has(type.name) ? this.#groupVersionKinds(type) : [];
    return {
      ...(description && { description }),
      ...(Object.keys(properties).length && { properties }),
      ...(required.length && { required }),
      type: 'object',
      ...(gvk.length && { 'x-kubernetes-group-version-kind': gvk }),
      ...(type.merge === 'atomic' && { 'x-kubernetes-map-type': 'atomic' }),
    };
  }

  #groupVersionKinds(type: StructType): readonly Json[] {
    const own = { group: groupOf(type.name), kind: type.shortName, version: type.package };
    if (own.group !== 'meta.k8s.io') return [own];
    const core = { group: '', kind: type.shortName, version: 'v1' };
    if (type.shortName !== 'DeleteOptions' && type.shortName !== 'WatchEvent') return [core];
    return [core, ...this.#groupVersions.filter((gv) => gv.group !== '').map((gv) => ({ group: gv.group, kind: type.shortName, version: gv.version }))];
  }

  #field(owner: StructType, field: Field): Json {
    const { type } = field;
    const description = this.#descriptions.ofField(owner.name, field.name);
    const annotations: Json = {
      ...(description && { description }),
      ...(this.#dialect === 'v3' && defaultOf(field)),
      ...(this.#dialect === 'v2' && field.default !== undefined && { default: field.default }),
      ...(field.patchMergeKey && { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
      ...(field.patchStrategies.length && { 'x-kubernetes-patch-strategy': field.patchStrategies.join(',') }),
      ...(type.kind === 'struct' && type.merge !== typeSchema(type.name).merge && { 'x-kubernetes-map-type': type.merge }),
    };
    const schema = this.#type(type, field);
    if (!schema['$ref'] || Object.keys(annotations).length === 0) return { ...schema, ...annotations };
    // In v3 nothing may stand beside a reference.
    return this.#dialect === 'v3' ? { allOf: [schema], ...annotations } : { ...schema, ...annotations };
  }

  #type(type: Type, field?: Field): Json {
    switch (type.kind) {
      case 'struct': return this.add(type.name);
      case 'any': return type.name.endsWith('interface{}') ? { type: 'object' } : this.add(type.name);
      case 'list': return {
        items: this.#type(type.item), type: 'array',
        ...(type.merge === 'map' && { 'x-kubernetes-list-map-keys': type.keys }),
        // Upstream says nothing of lists of kinds.
        ...(field && !field.listMessage && !(field.name === 'items' && type.item.kind === 'struct' && type.item.hasTypeMeta) && { 'x-kubernetes-list-type': type.merge }),
      };
      case 'map': return { additionalProperties: this.#type(type.value), type: 'object', ...(type.merge === 'atomic' && { 'x-kubernetes-map-type': 'atomic' }) };
      case 'string': return { type: 'string', ...(type.values && { enum: type.values }) };
      case 'bool': return { type: 'boolean' };
      case 'int32': case 'int64': return { format: type.kind, type: 'integer' };
      case 'double': return { format: 'double', type: 'number' };
      case 'bytes': return { format: 'byte', type: 'string' };
      default: return this.add(named[type.kind]!);
    }
  }
}

/** Upstream publishes the zero value as default of every field that is written when empty, and `{}` of every plain struct. */
function defaultOf(field: Field): Json | undefined {
  if (field.default !== undefined) return { default: field.default };
  if (field.pointer) return undefined;
  switch (field.type.kind) {
    case 'struct': return field.type.oneOf ? undefined : { default: {} };
    case 'string': return field.omitEmpty ? undefined : { default: '' };
    case 'bool': return field.omitEmpty ? undefined : { default: false };
    case 'int32': case 'int64': case 'double': return field.omitEmpty ? undefined : { default: 0 };
    default: return undefined;
  }
}

/** Types that encode themselves. */
function leafSchema(name: string, dialect: Dialect, description: string): Json | undefined {
  const head = { ...(description && { description }) };
  switch (name) {
    case `${META}Time`: case `${META}MicroTime`: return { ...head, format: 'date-time', type: 'string' };
    case `${META}Duration`: return { ...head, type: 'string' };
    case QUANTITY: return dialect === 'v2' ? { ...head, type: 'string' } : { ...head, oneOf: [{ type: 'string' }, { type: 'number' }] };
    case INT_OR_STRING: return dialect === 'v2' ? { ...head, format: 'int-or-string', type: 'string' } : { ...head, format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
    case 'io.k8s.apimachinery.pkg.runtime.RawExtension': case `${META}FieldsV1`: case PATCH: return { ...head, type: 'object' };
    case 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON': return head;
    default: return undefined;
  }
}
