import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../../api/generated/apiextensions-v1.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import type { ApiRegistry } from '../registry/api-registry.ts';
import { ConvertedStore, type Conversion } from '../registry/converted-store.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { ResourceStore, type StoreEnvironment } from '../registry/resource-store.ts';
import { storagePrefix, type ServedResource, type ServedSubresource } from '../registry/served-resource.ts';
import type { WatchableStore } from '../registry/store.ts';
import { customDefinition } from './custom-definition.ts';
import { CustomSchema } from './custom-schema.ts';
import type { JsonSchema } from './json-schema.ts';

const VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const SUBRESOURCE_VERBS = ['get', 'patch', 'update'];

/** Between versions without a webhook nothing changes but the version's name, which the store writes. */
const NO_CONVERSION: Conversion = { fromStored: (object) => object, toStored: (object) => object };

/** One definition as the registry has it: a resource for each served version, all over the store of the stored one. */
export class RegisteredDefinition {
  readonly #definition: CustomResourceDefinition;
  readonly #entries: readonly { readonly served: ServedResource; readonly store: WatchableStore }[];
  readonly store: ResourceStore;

  constructor(definition: CustomResourceDefinition, environment: StoreEnvironment) {
    this.#definition = definition;
    const storage = definition.spec.versions.find((version) => version.storage)!;
    const stored = servedResource(definition, storage);
    this.store = new ResourceStore(stored, environment);
    migrate(stored.resource, environment);
    this.#entries = definition.spec.versions.filter((version) => version.served).map((version) => {
      const served = version === storage ? stored : servedResource(definition, version);
      return { served, store: new ConvertedStore(served, this.store, NO_CONVERSION) };
    });
  }

  /** Whether nothing has changed that shows in the registry. */
  matches({ metadata, spec }: CustomResourceDefinition): boolean {
    const known = this.#definition;
    return metadata.uid === known.metadata.uid && metadata.deletionTimestamp === known.metadata.deletionTimestamp && deepEqual(spec, known.spec);
  }

  enter(registry: ApiRegistry): void {
    for (const { served, store } of this.#entries) registry.add(served, store);
  }

  /** `successor` takes over its versions. All watches end: a client watches again from where it was, and is told then if the resource is gone. */
  leave(registry: ApiRegistry, successor?: RegisteredDefinition): void {
    const kept = new Set(successor ? successor.#entries.map(({ served }) => served.resource.version) : []);
    for (const { served, store } of this.#entries) {
      if (!kept.has(served.resource.version)) registry.remove(served.resource);
      store.endWatches();
    }
    this.store.endWatches();
  }
}

function servedResource({ metadata, spec }: CustomResourceDefinition, version: CustomResourceDefinitionVersion): ServedResource {
  const { names, group, scope } = spec;
  const resource: ResourceType<KubeObject> = { group, version: version.name, resource: names.plural, kind: names.kind, namespaced: scope === 'Namespaced' };
  const schema = version.schema?.openAPIV3Schema as JsonSchema | undefined;
  const subresources: ServedSubresource[] = [
    ...(version.subresources?.status ? [{ name: 'status', kind: names.kind, verbs: SUBRESOURCE_VERBS }] : []),
    ...(version.subresources?.scale ? [{ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: SUBRESOURCE_VERBS }] : []),
  ];
  const listKind = names.listKind || `${names.kind}List`;
  // Nothing new comes into what is being emptied.
  const verbs = metadata.deletionTimestamp ? VERBS.filter((verb) => verb !== 'create') : VERBS;
  return {
    resource, singular: names.singular || names.kind.toLowerCase(), listKind, shortNames: names.shortNames ?? [], categories: names.categories ?? [], verbs, subresources,
    documented: { ...resource, verbs, subresources, listKind, ...(schema && { schema: schema as Readonly<Record<string, unknown>> }) },
    definition: customDefinition(resource, version), schema: new CustomSchema(resource, schema), custom: true,
  };
}

/**
 * Writes objects that were stored under another version under this one, so that every stored object is of the stored version. (Upstream
 * converts at each read instead.) Not awaited: until it is done an object shows its former version.
 */
function migrate(resource: ResourceType<KubeObject>, { engine }: StoreEnvironment): void {
  const apiVersion = `${resource.group}/${resource.version}`;
  for (const { key, value, modRevision } of engine.range(storagePrefix(resource)).entries) {
    if (value.apiVersion === apiVersion) continue;
    engine.put(key, (revision) => ({ ...value, apiVersion, metadata: { ...value.metadata, resourceVersion: String(revision) } }), { ifRevision: modRevision })
      .catch(() => {}); // written meanwhile, and so by the new store
  }
}
