import type { JSONSchemaProps } from '../../generated/apiextensions-v1.ts';

type Nested = 'items' | 'additionalProperties' | 'additionalItems' | 'properties' | 'allOf' | 'anyOf' | 'oneOf' | 'not' | 'definitions' | 'dependencies' | 'patternProperties';

/** A node of a CRD's `openAPIV3Schema` as its writer may have put it, right or wrong. */
export interface SchemaNode extends Omit<JSONSchemaProps, Nested> {
  readonly items?: SchemaNode | readonly SchemaNode[];
  readonly additionalProperties?: SchemaNode | boolean;
  readonly additionalItems?: SchemaNode | boolean;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly definitions?: Readonly<Record<string, SchemaNode>>;
  readonly dependencies?: Readonly<Record<string, SchemaNode | readonly string[]>>;
  readonly allOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly not?: SchemaNode;
}

/** The one schema of all items, if there is one. */
export function itemsOf({ items }: SchemaNode): SchemaNode | undefined {
  return items && !Array.isArray(items) ? items as SchemaNode : undefined;
}

/** The schema of the fields that are not named, if there is one. */
export function additionalOf({ additionalProperties }: SchemaNode): SchemaNode | undefined {
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

/** Whether a member says nothing: absent, or as empty as an absent one. */
export function saysNothing(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === false || (typeof value === 'object' && Object.keys(value).length === 0);
}
