import { call } from './api.ts';

export interface Served {
  /** `/apis/apps/v1` */
  readonly base: string;
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Of the versions of a resource, the server's choice. */
  readonly preferred: boolean;
}

interface Discovery {
  readonly items: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly resources?: readonly { readonly resource: string; readonly scope: string; readonly verbs: readonly string[]; readonly responseKind: { readonly kind: string } }[];
    }[];
  }[];
}

/** What the cluster serves that can be listed, custom resources too, in all versions. */
export async function discover(): Promise<readonly Served[]> {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const answers = await Promise.all(['/api', '/apis'].map((path) => call<Discovery>('GET', path, { accept })));
  return answers.flatMap(({ items }) => items.flatMap(({ metadata, versions }) => {
    const group = metadata?.name ?? '';
    const seen = new Set<string>();
    return versions.flatMap(({ version, resources = [] }) => resources.filter(({ verbs }) => verbs.includes('list')).map(({ resource, scope, responseKind }) => {
      // Versions come in the order that the server prefers.
      const preferred = !seen.has(resource);
      seen.add(resource);
      return { base: group ? `/apis/${group}/${version}` : `/api/${version}`, group, resource, kind: responseKind.kind, namespaced: scope === 'Namespaced', preferred };
    }));
  })).sort((a, b) => (a.kind < b.kind ? -1 : 1));
}
