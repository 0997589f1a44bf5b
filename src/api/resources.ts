import served from './schema/resources.json' with { type: 'json' };
import type { KubeObject, ResourceType } from './object.ts';

/** A part of a resource that is addressed by a path of its own: `pods/log`, `deployments/scale`. */
export interface Subresource {
  readonly name: string;
  readonly kind: string;
  /** Of the kind, where it is not the resource's own. */
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

/** A resource that the server serves by itself, as discovery tells it. */
export interface BuiltInResource extends ResourceType<KubeObject> {
  readonly singular: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly verbs: readonly string[];
  /** Name of the kind's type in the field table. */
  readonly type: string;
  readonly subresources?: readonly Subresource[];
}

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** All built-in resources: groups in discovery's order, versions in order of preference, resources by name. */
export const builtInResources = served as readonly BuiltInResource[];

const byResource = new Map(builtInResources.map((r) => [`${r.group}/${r.version}/${r.resource}`, r]));
const byKind = new Map<string, BuiltInResource>();
for (const r of builtInResources) if (!byKind.has(`${r.group}/${r.version}/${r.kind}`)) byKind.set(`${r.group}/${r.version}/${r.kind}`, r);

export function findResource(group: string, version: string, resource: string): BuiltInResource | undefined {
  return byResource.get(`${group}/${version}/${resource}`);
}

export function findKind(group: string, version: string, kind: string): BuiltInResource | undefined {
  return byKind.get(`${group}/${version}/${kind}`);
}

/** `apps/v1` → `{ group: 'apps', version: 'v1' }`; `v1` → the core group. */
export function parseApiVersion(apiVersion: string): GroupVersion {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** The resource of an object by its apiVersion and kind. */
export function resourceOf(object: { readonly apiVersion: string; readonly kind: string }): BuiltInResource | undefined {
  const { group, version } = parseApiVersion(object.apiVersion);
  return findKind(group, version, object.kind);
}

/** Every group version served, the core group first, else in discovery's order: the first of a group is its preferred version. */
export const groupVersions: readonly GroupVersion[] = [...new Map(builtInResources.map(({ group, version }) => [`${group}/${version}`, { group, version }])).values()];

/** Versions of a group, the preferred one first. */
export function versionsOf(group: string): readonly string[] {
  return groupVersions.filter((gv) => gv.group === group).map((gv) => gv.version);
}

export function resourcesOf(group: string, version: string): readonly BuiltInResource[] {
  return builtInResources.filter((r) => r.group === group && r.version === version);
}

const versionPattern = /^v(\d+)(?:(alpha|beta)(\d+))?$/;
const stage = { alpha: 0, beta: 1, ga: 2 } as const;

/**
 * Order of preference of versions of a custom resource: v2 before v1 before v2beta1 before v1alpha2 before anything else by name.
 * Upstream: apimachinery pkg/version.CompareKubeAwareVersionStrings, reversed: negative where `a` is preferred.
 */
export function compareVersions(a: string, b: string): number {
  const left = versionPattern.exec(a);
  const right = versionPattern.exec(b);
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : a > b ? 1 : 0;
  const rank = (m: RegExpExecArray): readonly number[] => [stage[(m[2] as 'alpha' | 'beta' | undefined) ?? 'ga'], Number(m[1]), Number(m[3] ?? 0)];
  const [l, r] = [rank(left), rank(right)];
  return r[0]! - l[0]! || r[1]! - l[1]! || r[2]! - l[2]!;
}
