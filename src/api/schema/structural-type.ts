import { typeSchema } from './schema.ts';
import type { AnyType, Field, StructType, Type } from './schema.ts';

/** A node of a CRD's `openAPIV3Schema`. */
export interface StructuralSchema {
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly items?: StructuralSchema;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
/** Free JSON whose objects merge field by field and whose lists are replaced. */
const free: AnyType = { kind: 'any', name: '', merge: 'granular' };

/**
 * The type of a custom resource by its CRD's schema (absent: any fields), as server-side apply and managed fields need it. It has no protobuf form, and says
 * nothing of validation. Upstream: apiextensions-apiserver pkg/controller/openapi, kube-openapi pkg/schemaconv.
 */
export function structuralType(kind: { readonly version: string; readonly kind: string }, schema: StructuralSchema | undefined): StructType {
  return resource(schema ?? { 'x-kubernetes-preserve-unknown-fields': true }, kind.kind, kind.version);
}

function resource(schema: StructuralSchema, name: string, version: string): StructType {
  const own = struct(schema, name, version);
  const fields = new Map(own.fields);
  for (const field of typeSchema(`${META}TypeMeta`).fields.values()) fields.set(field.name, field);
  fields.set('metadata', { ...plainField('metadata', typeSchema(`${META}ObjectMeta`)), pointer: false });
  return { ...own, fields, hasTypeMeta: true };
}

function struct(schema: StructuralSchema, name: string, version: string): StructType {
  const fields = new Map<string, Field>();
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    fields.set(key, {
      ...plainField(key, typeOf(inner, key, version)), required: schema.required?.includes(key) ?? false, ...(inner.default !== undefined && { default: inner.default }),
    });
  }
  const values = schema.additionalProperties;
  const additional = schema['x-kubernetes-preserve-unknown-fields'] || values === true ? free : typeof values === 'object' ? typeOf(values, name, version) : undefined;
  return {
    kind: 'struct', name, shortName: name, package: version, merge: schema['x-kubernetes-map-type'] === 'atomic' ? 'atomic' : 'granular',
    fields, parts: [], hasTypeMeta: false, ...(additional && { additional }),
  };
}

const plainField = (name: string, type: Type): Field => ({ name, type, number: 0, pointer: true, omitEmpty: true, required: false, patchStrategies: [] });

function typeOf(schema: StructuralSchema, name: string, version: string): Type {
  if (schema['x-kubernetes-int-or-string']) return { kind: 'intOrString' };
  if (schema['x-kubernetes-embedded-resource']) return resource(schema, name, version);
  switch (schema.type) {
    case 'object': {
      const values = schema.additionalProperties;
      if (!schema.properties && typeof values === 'object') return { kind: 'map', value: typeOf(values, name, version), merge: schema['x-kubernetes-map-type'] === 'atomic' ? 'atomic' : 'granular' };
      return struct(schema, name, version);
    }
    case 'array': {
      const merge = schema['x-kubernetes-list-type'];
      return { kind: 'list', item: schema.items ? typeOf(schema.items, name, version) : free, merge: merge === 'set' || merge === 'map' ? merge : 'atomic', keys: schema['x-kubernetes-list-map-keys'] ?? [] };
    }
    case 'string': return { kind: 'string' };
    case 'boolean': return { kind: 'bool' };
    case 'integer': return { kind: 'int64' };
    case 'number': return { kind: 'double' };
    default: return free;
  }
}
