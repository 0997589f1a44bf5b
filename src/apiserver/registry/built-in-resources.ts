import type { KindDefinition } from '../../api/kind.ts';
import { kindDefinition } from '../../api/kinds/registry.ts';
import type { KubeObject } from '../../api/object.ts';
import { builtInResources, type BuiltInResource } from '../../api/resources.ts';
import { typeSchema } from '../../api/schema/schema.ts';
import { applyTableDefaults } from '../../api/schema/table-defaults.ts';
import type { ApiRegistry } from './api-registry.ts';
import { autoscalerConversion } from './autoscaler-conversion.ts';
import { ComponentStatuses } from './component-statuses.ts';
import { ConvertedStore, type Conversion } from './converted-store.ts';
import { decodeAs } from './decode-object.ts';
import { eventConversion } from './event-conversion.ts';
import { ResourceStore, type StoreEnvironment } from './resource-store.ts';
import type { ObjectSchema, ServedResource } from './served-resource.ts';

/** Resources that show what another version stores, and which one that is. */
const CONVERTED: Readonly<Record<string, { readonly stored: readonly [group: string, version: string, resource: string]; readonly conversion: Conversion }>> = {
  'events.k8s.io/v1/events': { stored: ['', 'v1', 'events'], conversion: eventConversion },
  'autoscaling/v1/horizontalpodautoscalers': { stored: ['autoscaling', 'v2', 'horizontalpodautoscalers'], conversion: autoscalerConversion },
};

/** Registers the resources that the server serves by itself, with a store each where they are stored. */
export function registerBuiltIns(registry: ApiRegistry, environment: StoreEnvironment): void {
  const served = builtInServedResources();
  const stores = new Map<string, ResourceStore>();
  const keyOf = (group: string, version: string, resource: string): string => `${group}/${version}/${resource}`;
  for (const entry of served) {
    const { group, version, resource } = entry.resource;
    const key = keyOf(group, version, resource);
    if (entry.verbs.includes('watch') && !CONVERTED[key]) stores.set(key, new ResourceStore(entry, environment));
  }
  for (const entry of served) {
    const { group, version, resource } = entry.resource;
    const key = keyOf(group, version, resource);
    const converted = CONVERTED[key];
    if (key === COMPONENT_STATUSES) registry.add(entry, new ComponentStatuses());
    else registry.add(entry, converted ? new ConvertedStore(entry, stores.get(keyOf(...converted.stored))!, converted.conversion) : stores.get(key));
  }
}

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
    documented: entry,
    definition,
    schema: builtInSchema(entry),
    custom: false,
  };
}

function builtInSchema(entry: BuiltInResource): ObjectSchema {
  return {
    decode: (value, options) => decodeAs<KubeObject>(entry.type, entry, value, options),
    defaults: (object) => applyTableDefaults(entry.type, object),
    get type() {
      return typeSchema(entry.type);
    },
  };
}
