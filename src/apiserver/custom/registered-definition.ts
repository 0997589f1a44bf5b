import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../../api/generated/apiextensions-v1.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import type { ApiRegistry } from '../registry/api-registry.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { ResourceStore, type StoreEnvironment } from '../registry/resource-store.ts';
import type { ServedResource, ServedSubresource } from '../registry/served-resource.ts';
import type { WatchableStore } from '../registry/store.ts';
import type { WebhookClient } from '../admission/webhook-client.ts';
import type { ConversionMetrics } from './conversion-metrics.ts';
import { ConversionWebhook } from './conversion-webhook.ts';
import { customDefinition } from './custom-definition.ts';
import { CustomSchema } from './custom-schema.ts';
import { DefinitionVersions } from './definition-versions.ts';
import type { JsonSchema } from './json-schema.ts';
import type { RuleMetrics } from './rule-metrics.ts';
import { noConversion } from './version-converter.ts';

const VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const SUBRESOURCE_VERBS = ['get', 'patch', 'update'];

/** One definition as the registry has it: a store for each served version, all over the same stored objects. */
export class RegisteredDefinition {
  readonly #definition: CustomResourceDefinition;
  readonly #entries: readonly { readonly served: ServedResource; readonly store: WatchableStore }[];
  /** That of the version in which objects are stored, whether it is served or not. */
  readonly store: ResourceStore;
  /** Whether a resource of the server's own has the name: that one stays, and its objects are none of the definition's. */
  overlaps = false;

  constructor(definition: CustomResourceDefinition, environment: StoreEnvironment, client: WebhookClient, metrics: ConversionMetrics, ruleMetrics: RuleMetrics) {
    this.#definition = definition;
    const { versions, conversion } = definition.spec;
    const resources = new Map(versions.map((version) => [version, servedResource(definition, version, ruleMetrics)]));
    const stored = resources.get(versions.find((version) => version.storage)!)!;
    const converter = conversion?.strategy === 'Webhook' ? metrics.measured(definition.metadata.name, new ConversionWebhook({ definition, client, random: environment.random })) : noConversion;
    const all = new DefinitionVersions([...resources.values()], stored, converter);
    const storeOf = (served: ServedResource): ResourceStore => new ResourceStore(served, environment, { form: all.form(served), lookup: (apiVersion) => all.lookup(apiVersion) });
    this.store = storeOf(stored);
    this.#entries = versions.filter((version) => version.served).map((version) => {
      const served = resources.get(version)!;
      return { served, store: served === stored ? this.store : storeOf(served) };
    });
  }

  /** Whether nothing has changed that shows in the registry. */
  matches({ metadata, spec }: CustomResourceDefinition): boolean {
    const known = this.#definition;
    return metadata.uid === known.metadata.uid && metadata.deletionTimestamp === known.metadata.deletionTimestamp && deepEqual(spec, known.spec);
  }

  enter(registry: ApiRegistry): void {
    const { spec: { group, names } } = this.#definition;
    this.overlaps = [...registry.all()].some(({ served: { custom, resource } }) => !custom && resource.group === group && resource.resource === names.plural);
    if (!this.overlaps) for (const { served, store } of this.#entries) registry.add(served, store);
  }

  /** `successor` takes over its versions. All watches end: a client watches again from where it was, and is told then if the resource is gone. */
  leave(registry: ApiRegistry, successor?: RegisteredDefinition): void {
    const kept = new Set(successor ? successor.#entries.map(({ served }) => served.resource.version) : []);
    for (const { served, store } of this.#entries) {
      if (!this.overlaps && !kept.has(served.resource.version)) registry.remove(served.resource);
      store.endWatches();
    }
  }
}

function servedResource({ metadata, spec }: CustomResourceDefinition, version: CustomResourceDefinitionVersion, ruleMetrics: RuleMetrics): ServedResource {
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
    definition: customDefinition(resource, version, spec.versions), schema: new CustomSchema(resource, schema, ruleMetrics), custom: true,
  };
}
