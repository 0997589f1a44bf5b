import type { KindDefinition } from '../../api/kind.ts';
import { kindDefinition } from '../../api/kinds/registry.ts';
import type { KubeObject } from '../../api/object.ts';
import { builtInResources, type BuiltInResource } from '../../api/resources.ts';
import { typeSchema } from '../../api/schema/schema.ts';
import { applyTableDefaults } from '../../api/schema/table-defaults.ts';
import type { ApiRegistry } from './api-registry.ts';
import { autoscalerConversion } from './autoscaler-conversion.ts';
import { ComponentStatuses } from './component-statuses.ts';
import { builtInForm, convertedDefinition, type Conversion } from './built-in-form.ts';
import { decodeAs } from './decode-object.ts';
import { eventConversion } from './event-conversion.ts';
import { ResourceStore, type StoreEnvironment, type Versions } from './resource-store.ts';
import type { ObjectSchema, ServedResource } from './served-resource.ts';


/** Resources that show what another version stores, and which one that is. */
const CONVERTED: Readonly<Record<string, { readonly stored: readonly [group: string, version: string, resource: string]; readonly conversion: Conversion }>> = {
  'events.k8s.io/v1/events': { stored: ['', 'v1', 'events'], conversion: eventConversion },
  'autoscaling/v1/horizontalpodautoscalers': { stored: ['autoscaling', 'v2', 'horizontalpodautoscalers'], conversion: autoscalerConversion },
};

/** Registers the resources that the server serves by itself, with a store each where they are stored. */
export function registerBuiltIns(registry: ApiRegistry, environment: StoreEnvironment): void {
  const served = new Map(builtInServedResources().map((entry) => [keyOf(entry.resource.group, entry.resource.version, entry.resource.resource), entry]));
  const versions = new Map<string, Versions>();
  for (const [key, { stored, conversion }] of Object.entries(CONVERTED)) {
    const own = served.get(key)!;
    const storedKey = keyOf(...stored);
    const storedEntry = served.get(storedKey)!;
    const entry = { ...own, definition: convertedDefinition(own.definition, storedEntry.definition, conversion) };
    served.set(key, entry);
    const form = builtInForm(entry, storedEntry, conversion);
    versions.set(key, { form, lookup: form.versions });
    versions.set(storedKey, { lookup: form.versions });
  }
  for (const [key, entry] of served) {
    if (key === COMPONENT_STATUSES) registry.add(entry, new ComponentStatuses());
    else registry.add(entry, entry.verbs.includes('watch') ? new ResourceStore(entry, environment, versions.get(key)) : undefined);
  }
}

const keyOf = (group: string, version: string, resource: string): string => `${group}/${version}/${resource}`;

const COMPONENT_STATUSES = '/v1/componentstatuses';

/** Groups whose names may have colons, where their kinds have no definition. */
const PATH_NAMED = ['rbac.authorization.k8s.io', 'apiregistration.k8s.io'];

function definitionOf(entry: BuiltInResource): KindDefinition {
  return kindDefinition(entry.group, entry.version, entry.resource) ?? { resource: entry, ...(PATH_NAMED.includes(entry.group) && { nameRule: 'path' }) };
}

function builtInServedResources(): readonly ServedResource[] {
  return builtInResources.map((entry) => servedBuiltIn(entry, definitionOf(entry)));
}

/** A resource whose kind is in the field table, as the registry takes it. */
export function servedBuiltIn(entry: BuiltInResource, definition: KindDefinition): ServedResource {
  return {
    resource: { group: entry.group, version: entry.version, resource: entry.resource, kind: entry.kind, namespaced: entry.namespaced },
    singular: entry.singular,
    listKind: `${entry.kind}List`,
    shortNames: entry.shortNames ?? [],
    categories: entry.categories ?? [],
    verbs: entry.verbs,
    subresources: entry.subresources ?? [],
    // What stays until something lets it go is answered with the object as well, but documented as if it were not: a namespace.
    documented: definition.returnsDeleted && !definition.heldFromDeletion ? { ...entry, returnsDeleted: true } : entry,
    definition,
    schema: builtInSchema(entry),
    custom: false,
  };
}

function builtInSchema(entry: BuiltInResource): ObjectSchema {
  return {
    decode: (value, options) => decodeAs<KubeObject>(entry.type, entry, value, options),
    defaults: (object, filled) => applyTableDefaults(entry.type, object, filled),
    get type() {
      return typeSchema(entry.type);
    },
  };
}
