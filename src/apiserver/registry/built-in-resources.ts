import type { KindDefinition } from '../../api/kind.ts';
import type { KubeObject } from '../../api/object.ts';
import { builtInResources, type BuiltInResource } from '../../api/resources.ts';
import { typeSchema } from '../../api/schema/schema.ts';
import { applyTableDefaults } from '../../api/schema/table-defaults.ts';
import { decodeAs } from './decode-object.ts';
import type { ObjectSchema, ServedResource } from './served-resource.ts';

/** The resources that the server serves by itself, with their kinds' definitions and schemas. */
export function builtInServedResources(definitionOf: (resource: BuiltInResource) => KindDefinition | undefined): readonly ServedResource[] {
  return builtInResources.map((entry) => ({
    resource: { group: entry.group, version: entry.version, resource: entry.resource, kind: entry.kind, namespaced: entry.namespaced },
    singular: entry.singular,
    listKind: `${entry.kind}List`,
    shortNames: entry.shortNames ?? [],
    categories: entry.categories ?? [],
    verbs: entry.verbs,
    subresources: entry.subresources ?? [],
    documented: entry,
    definition: definitionOf(entry) ?? { resource: entry },
    schema: builtInSchema(entry),
    custom: false,
  }));
}

function builtInSchema(entry: BuiltInResource): ObjectSchema {
  let hasSpec: boolean | undefined;
  return {
    decode: (value, options) => decodeAs<KubeObject>(entry.type, entry, value, options),
    defaults: (object) => applyTableDefaults(entry.type, object),
    get hasSpec() {
      return (hasSpec ??= typeSchema(entry.type).fields.has('spec'));
    },
  };
}
