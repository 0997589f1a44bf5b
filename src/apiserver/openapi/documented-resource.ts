import type { Subresource } from '../../api/resources.ts';

/** What OpenAPI needs to know of a served resource. Built-in ones (`builtInResources`) and custom ones have this shape. */
export interface DocumentedResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources?: readonly Subresource[];
  /** Built in: name of the type in the field table. */
  readonly type?: string;
  /** Custom: `openAPIV3Schema` of the version (absent: any object), and the kind of its lists. */
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly listKind?: string;
  /** Another server answers for it, and documents it. */
  readonly foreign?: boolean;
  /** Whether a delete that removes an object is answered with it, and not with a Status. */
  readonly returnsDeleted?: boolean;
}

/** `com.example.stable.v1.CronTab`, as upstream names the schemas of custom resources. */
export function schemaName(resource: DocumentedResource): string {
  return resource.type ?? `${resource.group.split('.').reverse().join('.')}.${resource.version}.${resource.kind}`;
}

export function listSchemaName(resource: DocumentedResource): string {
  return resource.listKind ? schemaName(resource).replace(/[^.]*$/, resource.listKind) : `${schemaName(resource)}List`;
}
