import type { KubeObject, ResourceType } from '../../api/object.ts';
import { CustomSchema } from '../custom/custom-schema.ts';
import type { ServedResource, ServedSubresource } from '../registry/served-resource.ts';

/** One entry of what a server answers at `/apis/GROUP/VERSION`. Upstream: meta/v1.APIResource. */
export interface ApiResource {
  readonly name: string;
  readonly singularName?: string;
  readonly namespaced: boolean;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

export interface ApiResourceList {
  readonly resources: readonly ApiResource[];
}

/** The resources of another server as discovery here tells them. `stale`: it cannot be asked at present. They have no store: requests for them never come that far. */
export function discoveredResources(group: string, version: string, list: readonly ApiResource[], stale: boolean): readonly ServedResource[] {
  const subresources = Map.groupBy(list.filter(({ name }) => name.includes('/')), ({ name }) => name.split('/')[0]!);
  return list.filter(({ name }) => !name.includes('/')).map((entry) => {
    const resource: ResourceType<KubeObject> = { group, version, resource: entry.name, kind: entry.kind, namespaced: entry.namespaced };
    const below = (subresources.get(entry.name) ?? []).map((subresource): ServedSubresource => ({
      name: subresource.name.split('/').slice(1).join('/'), kind: subresource.kind, verbs: subresource.verbs,
      ...(subresource.group && { group: subresource.group }), ...(subresource.version && { version: subresource.version }),
    }));
    return {
      resource, singular: entry.singularName ?? '', listKind: `${entry.kind}List`, shortNames: entry.shortNames ?? [], categories: entry.categories ?? [], verbs: entry.verbs, subresources: below,
      documented: { ...resource, verbs: entry.verbs, subresources: below, foreign: true }, definition: { resource }, schema: new CustomSchema(resource, undefined), custom: true, ...(stale && { stale }),
    };
  });
}
