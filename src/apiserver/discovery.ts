import { createHash } from 'node:crypto';
import { compareVersions } from '../api/resources.ts';
import type { ApiRegistry } from './registry/api-registry.ts';
import type { ServedResource, ServedSubresource } from './registry/served-resource.ts';

/** A group with its versions, the preferred one first. */
interface Group {
  readonly name: string;
  readonly versions: readonly { readonly version: string; readonly resources: readonly ServedResource[] }[];
}

/** The aggregated form, and the tag by which a client asks whether it changed. */
export interface AggregatedDiscovery {
  readonly body: object;
  readonly etag: string;
}

/** What the server serves, as clients discover it. Made anew when the registry changes. Upstream: apiserver pkg/endpoints/discovery. */
export class Discovery {
  readonly #registry: ApiRegistry;
  #generation = -1;
  #groups: readonly Group[] = [];
  readonly #aggregated = new Map<string, AggregatedDiscovery>();

  constructor(registry: ApiRegistry) {
    this.#registry = registry;
  }

  /** `/api`. */
  legacyVersions(serverAddress: string): object {
    return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }] };
  }

  /** `/apis`. */
  groupList(): object {
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: this.#current().filter(({ name }) => name !== '').map(groupEntry) };
  }

  /** `/apis/apps`; undefined where there is no such group. */
  group(name: string): object | undefined {
    const group = this.#current().find((candidate) => candidate.name === name);
    return group && name ? { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(group) } : undefined;
  }

  /** Whether the server itself answers for the group, with some versions of it. */
  isBuiltIn(name: string): boolean {
    return this.#current().some((group) => group.name === name && group.versions.some(({ resources }) => resources.some(({ custom }) => !custom)));
  }

  serves(group: string, version: string, resource: string): boolean {
    return this.#registry.find(group, version, resource) !== undefined;
  }

  /** `/api/v1`, `/apis/apps/v1`; undefined where there is no such version. */
  resourceList(groupName: string, versionName: string): object | undefined {
    const version = this.#current().find(({ name }) => name === groupName)?.versions.find((candidate) => candidate.version === versionName);
    if (!version) return undefined;
    return {
      kind: 'APIResourceList', ...(groupName && { apiVersion: 'v1' }), groupVersion: groupName ? `${groupName}/${versionName}` : versionName,
      resources: version.resources.flatMap((served) => [resourceEntry(served), ...served.subresources.map((subresource) => subresourceEntry(served, subresource))]),
    };
  }

  /** All groups and resources in one document, `core` for `/api` and `groups` for `/apis`. Upstream: apiserver pkg/endpoints/discovery/aggregated. */
  aggregated(which: 'core' | 'groups', apiVersion: string): AggregatedDiscovery {
    const groups = this.#current();
    const key = `${which} ${apiVersion}`;
    let known = this.#aggregated.get(key);
    if (!known) {
      const items = groups.filter(({ name }) => (name === '') === (which === 'core')).map((group) => ({
        metadata: { ...(group.name && { name: group.name }) },
        versions: group.versions.map(({ version, resources }) => ({ version, resources: resources.map(aggregatedResource), freshness: resources.some(({ stale }) => stale) ? 'Stale' : 'Current' })),
      }));
      const body = { kind: 'APIGroupDiscoveryList', apiVersion, metadata: {}, items };
      known = { body, etag: `"${createHash('sha512').update(JSON.stringify(body)).digest('hex').toUpperCase()}"` };
      this.#aggregated.set(key, known);
    }
    return known;
  }

  #current(): readonly Group[] {
    if (this.#generation !== this.#registry.generation) {
      this.#generation = this.#registry.generation;
      this.#groups = groupsOf(this.#registry);
      this.#aggregated.clear();
    }
    return this.#groups;
  }
}

/** Groups in the order they were registered; versions of built-in groups likewise, of custom ones by preference. */
function groupsOf(registry: ApiRegistry): readonly Group[] {
  const groups = new Map<string, Map<string, ServedResource[]>>();
  for (const { served } of registry.all()) {
    const { group, version } = served.resource;
    let versions = groups.get(group);
    if (!versions) groups.set(group, (versions = new Map()));
    const resources = versions.get(version);
    if (resources) resources.push(served);
    else versions.set(version, [served]);
  }
  return [...groups].map(([name, versions]) => {
    const list = [...versions].map(([version, resources]) => ({ version, resources: [...resources].sort((a, b) => (a.resource.resource < b.resource.resource ? -1 : 1)) }));
    const custom = list.every(({ resources }) => resources.every((served) => served.custom));
    return { name, versions: custom ? list.sort((a, b) => compareVersions(a.version, b.version)) : list };
  });
}

function groupEntry({ name, versions }: Group): object {
  const entries = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

/** Kinds that kube-apiserver v1.36 stores in another group or version than the one that is asked for. */
const STORED_AS: Readonly<Record<string, string>> = {
  'events.k8s.io/v1/Event': '/v1/Event',
  'autoscaling/v1/HorizontalPodAutoscaler': 'autoscaling/v2/HorizontalPodAutoscaler',
  'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy': 'admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicy',
  'admissionregistration.k8s.io/v1/MutatingAdmissionPolicyBinding': 'admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicyBinding',
  'apiextensions.k8s.io/v1/CustomResourceDefinition': 'apiextensions.k8s.io/v1beta1/CustomResourceDefinition',
};

function resourceEntry({ resource, singular, shortNames, categories, verbs }: ServedResource): object {
  const kind = `${resource.group}/${resource.version}/${resource.kind}`;
  const storageVersionHash = verbs.includes('watch') ? createHash('sha256').update(STORED_AS[kind] ?? kind).digest().subarray(0, 8).toString('base64') : undefined;
  return {
    name: resource.resource, singularName: singular, namespaced: resource.namespaced, kind: resource.kind, verbs,
    ...(shortNames.length > 0 && { shortNames }), ...(categories.length > 0 && { categories }), ...(storageVersionHash && { storageVersionHash }),
  };
}

function subresourceEntry({ resource }: ServedResource, { name, group, version, kind, verbs }: ServedSubresource): object {
  return {
    name: `${resource.resource}/${name}`, singularName: '', namespaced: resource.namespaced,
    ...(group !== undefined && { group }), ...(group !== undefined && { version: version ?? resource.version }), kind, verbs,
  };
}

/** Built-in resources leave the group and version of their kind open where they are those of the resource, as those of kube-apiserver do. */
function aggregatedResource({ resource, singular, shortNames, categories, verbs, subresources, custom }: ServedResource): object {
  const { group: own, version: ownVersion } = custom ? resource : { group: '', version: '' };
  return {
    resource: resource.resource, responseKind: { group: own, version: ownVersion, kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster', singularResource: singular, verbs,
    ...(shortNames.length > 0 && { shortNames }), ...(categories.length > 0 && { categories }),
    ...(subresources.length > 0 && {
      subresources: subresources.map(({ name, group, version, kind, verbs: subresourceVerbs }) => ({
        subresource: name, responseKind: { group: group ?? own, version: version ?? (group === undefined ? ownVersion : resource.version), kind }, verbs: subresourceVerbs,
      })),
    }),
  };
}
