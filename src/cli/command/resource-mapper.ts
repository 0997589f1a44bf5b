import { apiVersionOf } from '../../api/object.ts';
import { KubectlError } from './kubectl-error.ts';

/** A resource as discovery tells it. */
export interface DiscoveredResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
}

/** Finds resources by the names that people use. Of equal matches the first in discovery's order wins. Upstream: restmapper. */
export class ResourceMapper {
  readonly resources: readonly DiscoveredResource[];

  constructor(resources: readonly DiscoveredResource[]) {
    this.resources = resources;
  }

  /** `po`, `pods`, `pod`, `Pod`, `deployments.apps`, `deployments.v1.apps`; short names in lower case only, and a version only before a group. Undefined where nothing is called so. */
  find(text: string): DiscoveredResource | undefined {
    const [given, ...rest] = text.split('.');
    const name = given!.toLowerCase();
    if (name === '') return undefined;
    const named = (r: DiscoveredResource): boolean => r.resource === name || r.singular === name || r.kind.toLowerCase() === name;
    const short = (r: DiscoveredResource): boolean => r.shortNames.includes(given!);
    for (const matches of [named, short]) {
      for (const r of this.resources) {
        if (!matches(r)) continue;
        if (rest.length === 0) return r;
        const group = rest.join('.');
        if (r.group === group || (rest.length > 1 && rest[0] === r.version && rest.slice(1).join('.') === r.group)) return r;
        // A prefix of the group's name will do: `deployments.ap`.
        if (r.group !== '' && r.group.startsWith(`${group}.`)) return r;
      }
    }
    return undefined;
  }

  /** Other resources that the short name could mean as well, as Go prints them; empty for any other name. */
  alsoCalled(text: string): readonly string[] {
    const found = this.find(text);
    if (!found || text.includes('.') || !found.shortNames.includes(text)) return [];
    return [...new Set(this.resources.filter((r) => r.shortNames.includes(text) && (r.group !== found.group || r.resource !== found.resource)).map((r) => (r.group ? `${r.resource}.${r.group}` : r.resource)))];
  }

  mustFind(text: string): DiscoveredResource {
    const found = this.find(text);
    if (found) return found;
    const [name, ...rest] = text.split('.');
    throw new KubectlError(rest.length === 0 || /^v\d/.test(rest[0]!) ? `the server doesn't have a resource type "${name}"` : `the server doesn't have a resource type "${name}" in group "${rest.join('.')}"`);
  }

  byCategory(category: string): readonly DiscoveredResource[] {
    const seen = new Set<string>();
    return this.resources.filter((r) => r.categories.includes(category) && !seen.has(`${r.group}/${r.resource}`) && seen.add(`${r.group}/${r.resource}`));
  }

  findKind(apiVersion: string, kind: string): DiscoveredResource | undefined {
    return this.resources.find((r) => r.kind === kind && apiVersionOf(r) === apiVersion);
  }

  byKind(apiVersion: string, kind: string): DiscoveredResource {
    const found = this.findKind(apiVersion, kind);
    if (!found) throw new KubectlError(`no matches for kind "${kind}" in version "${apiVersion}"\nensure CRDs are installed first`);
    return found;
  }
}

/** `deployment.apps`, `pod`: how kubectl names a kind before an object's name. */
export function qualifiedKind(resource: { readonly group: string; readonly kind: string }): string {
  return resource.kind.toLowerCase() + (resource.group ? `.${resource.group}` : '');
}

/** `/apis/apps/v1/namespaces/default/deployments/kubia`; what is left out of `target` shortens the path. */
export function pathOf(resource: { readonly group: string; readonly version: string; readonly resource: string; readonly namespaced: boolean }, target: { readonly namespace?: string | undefined; readonly name?: string | undefined; readonly subresource?: string | undefined } = {}): string {
  const parts = resource.group ? ['/apis', resource.group, resource.version] : ['/api', resource.version];
  if (resource.namespaced && target.namespace) parts.push('namespaces', encodeURIComponent(target.namespace));
  parts.push(resource.resource);
  if (target.name) parts.push(encodeURIComponent(target.name));
  if (target.subresource) parts.push(target.subresource);
  return parts.join('/');
}
