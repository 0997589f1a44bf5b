import type { Descriptions } from './descriptions.ts';
import type { DocumentedResource } from './documented-resource.ts';
import { reference, type Dialect, type Json } from './type-schema.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
/** A type whose metadata are described in the words that fit every type. */
const DESCRIBED = 'io.k8s.api.core.v1.ConfigMap';

/**
 * The published schema of a custom resource: its own, with apiVersion, kind and metadata. OpenAPI v2 cannot say all that a CRD's schema can:
 * there its finer points are left out. Upstream: apiextensions-apiserver pkg/controller/openapi/{builder,v2}.
 */
export function customSchema(resource: DocumentedResource, dialect: Dialect, descriptions: Descriptions): Json {
  const own: Json = dialect === 'v2' ? plainer(resource.schema ?? {}, true) : { ...resource.schema };
  const gvk = [{ group: resource.group, kind: resource.kind, version: resource.version }];
  // kubectl takes the fields that a v2 schema names for all there are: one that leaves fields open names none.
  if (dialect === 'v2' && (!resource.schema || resource.schema['x-kubernetes-preserve-unknown-fields'])) return { type: 'object', 'x-kubernetes-group-version-kind': gvk };
  const text = (field: string): Json => ({ description: descriptions.ofField(`${META}TypeMeta`, field), type: 'string' });
  const metadata = reference(`${META}ObjectMeta`, dialect);
  return {
    ...own,
    type: 'object',
    properties: {
      ...(own['properties'] as Json | undefined),
      apiVersion: text('apiVersion'), kind: text('kind'),
      metadata: { description: descriptions.ofField(DESCRIBED, 'metadata'), ...(dialect === 'v2' ? metadata : { allOf: [metadata] }) },
    },
    'x-kubernetes-group-version-kind': gvk,
  };
}

export function customListSchema(resource: DocumentedResource, item: Json, dialect: Dialect): Json {
  const listKind = resource.listKind ?? `${resource.kind}List`;
  return {
    description: `${listKind} is a list of ${resource.kind}`,
    properties: {
      apiVersion: { type: 'string' }, items: { description: `List of ${resource.resource}`, items: item, type: 'array' }, kind: { type: 'string' },
      metadata: dialect === 'v2' ? reference(`${META}ListMeta`, dialect) : { allOf: [reference(`${META}ListMeta`, dialect)] },
    },
    required: ['items'],
    type: 'object',
    'x-kubernetes-group-version-kind': [{ group: resource.group, kind: listKind, version: resource.version }],
  };
}

const unknownInV2 = new Set(['oneOf', 'anyOf', 'allOf', 'not', 'nullable', 'default', 'x-kubernetes-validations', 'additionalProperties']);

/** kubectl's v2 validation refuses what it does not understand, so a part that v2 cannot say loses its type. */
function plainer(schema: Json, top = false): Json {
  if (schema['x-kubernetes-int-or-string'] || schema['nullable']) return { ...(schema['description'] !== undefined && { description: schema['description'] }) };
  const result: Json = Object.fromEntries(Object.entries(schema).filter(([key]) => !unknownInV2.has(key)));
  if (schema['x-kubernetes-preserve-unknown-fields'] && !top) {
    delete result['properties'];
    delete result['items'];
    delete result['type'];
    return result;
  }
  if (result['properties']) result['properties'] = Object.fromEntries(Object.entries(result['properties'] as Json).map(([key, inner]) => [key, plainer(inner as Json)]));
  if (typeof schema['items'] === 'object' && schema['items'] !== null && !Array.isArray(schema['items'])) result['items'] = plainer(schema['items'] as Json);
  const values = schema['additionalProperties'];
  if (typeof values === 'object' && values !== null) result['additionalProperties'] = plainer(values as Json);
  return result;
}
