import { call } from './api.ts';

export interface Served {
  /** `/apis/apps/v1` */
  readonly base: string;
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** What the cluster serves that can be listed, custom resources too, in the version that it prefers. */
export async function discover(): Promise<readonly Served[]> {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  type Discovery = { readonly items: readonly { readonly metadata?: { readonly name?: string }; readonly versions: readonly { readonly version: string; readonly resources?: readonly { readonly resource: string; readonly scope: string; readonly verbs: readonly string[]; readonly responseKind: { readonly kind: string } }[] }[] }[] };
  const answers = await Promise.all(['/api', '/apis'].map((path) => call<Discovery>('GET', path, { accept })));
  return answers.flatMap(({ items }) => items.flatMap(({ metadata, versions }) => {
    const group = metadata?.name ?? '';
    const seen = new Set<string>();
    return versions.flatMap(({ version, resources = [] }) => resources.filter(({ resource, verbs }) => verbs.includes('list') && !seen.has(resource) && seen.add(resource)).map(({ resource, scope, responseKind }) => (
      { base: group ? `/apis/${group}/${version}` : `/api/${version}`, group, resource, kind: responseKind.kind, namespaced: scope === 'Namespaced' })));
  })).sort((a, b) => (a.kind < b.kind ? -1 : 1));
}
