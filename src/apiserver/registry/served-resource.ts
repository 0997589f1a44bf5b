import type { KindDefinition } from '../../api/kind.ts';
import type { FieldError } from '../../api/errors.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import type { DocumentedResource } from '../openapi/documented-resource.ts';
import type { Decoded, DecodeOptions } from '../../api/schema/decode.ts';
import type { StructType } from '../../api/schema/schema.ts';

export interface ServedSubresource {
  readonly name: string;
  readonly kind: string;
  /** Where it differs from the resource's. */
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

/** What the shape of a kind's objects asks of generic code. Built-in kinds have it from the field table, custom ones from their CRD. */
export interface ObjectSchema {
  /**
   * Brings a value into the form that is stored: unknown fields dropped, quantities canonical, what is empty left out. Idempotent, and
   * shares what was so already. Throws 400 where a value is not of its field's type, or `Strict` finds unknown or duplicate fields.
   */
  decode(value: unknown, options?: DecodeOptions): Decoded<KubeObject>;
  /** With the defaults of the fields put in. `filled`: what was answered before, where the object was made of that; shared parts have theirs. */
  defaults(object: KubeObject, filled?: KubeObject): KubeObject;
  /** Faults against the schema itself. */
  validate?(object: KubeObject, previous?: KubeObject): readonly FieldError[];
  /** The type that server-side apply and managedFields go by. */
  readonly type: StructType;
}

/** One resource of one version as the server offers it: an entry of the registry and of discovery. */
export interface ServedResource {
  readonly resource: ResourceType<KubeObject>;
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly ServedSubresource[];
  /** What OpenAPI tells of it. The same object as long as nothing changed. */
  readonly documented: DocumentedResource;
  readonly definition: KindDefinition<KubeObject>;
  readonly schema: ObjectSchema;
  /** Custom resources keep `kind` and `apiVersion` in list items. */
  readonly custom: boolean;
  /** Of another server that cannot be asked at present: what is known of it may not be so any more. */
  readonly stale?: boolean;
}

export function subresourceOf(served: ServedResource, name: string): ServedSubresource | undefined {
  return served.subresources.find((subresource) => subresource.name === name);
}

/** `/registry/apps/deployments/`. */
export function storagePrefix(resource: { readonly group: string; readonly resource: string }): string {
  return `/registry/${resource.group || 'core'}/${resource.resource}/`;
}
