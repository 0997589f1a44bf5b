import type { CustomResourceDefinition } from '../api/generated/apiextensions-v1.ts';
import type { KubeObject, ResourceType } from '../api/object.ts';
import { builtInResources } from '../api/resources.ts';

/** A kind of objects that the server keeps, in its preferred version. */
export interface StoredResource extends ResourceType<KubeObject> {
  readonly verbs: readonly string[];
}

/** Kinds that are kept under two names; what the one name shows, the other shows too. */
const ALIASES = new Set(['events.events.k8s.io']);

const builtIn: readonly StoredResource[] = [
  ...new Map(builtInResources.toReversed().filter((r) => !ALIASES.has(`${r.resource}.${r.group}`)).map((r) => [`${r.resource}.${r.group}`, r])).values(),
].toReversed();

/** Every kind that all the given verbs apply to, each once, custom ones included. */
export function storedResources(definitions: readonly CustomResourceDefinition[], ...verbs: readonly string[]): readonly StoredResource[] {
  return [...builtIn.filter((r) => verbs.every((verb) => r.verbs.includes(verb))), ...definitions.flatMap(customResource)];
}

/** The resource that an established definition makes; several versions show the same objects, so one is enough. */
export function customResource(definition: CustomResourceDefinition): readonly StoredResource[] {
  const { group, names, scope, versions } = definition.spec;
  const established = definition.status?.conditions?.some((condition) => condition.type === 'Established' && condition.status === 'True');
  const version = versions.find((v) => v.served && v.storage) ?? versions.find((v) => v.served);
  if (!established || !version) return [];
  return [{ group, version: version.name, resource: names.plural, kind: names.kind, namespaced: scope === 'Namespaced', verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] }];
}
