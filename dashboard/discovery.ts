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
  readonly watched: boolean;
}

interface Discovery {
  readonly items: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly scope: string;
        readonly verbs: readonly string[];
        readonly responseKind: { readonly kind: string };
      }[];
    }[];
  }[];
}

/** Definitions of resources come and go. */
const FRESH_MS = 10_000;
let known: { readonly at: number; readonly served: Promise<readonly Served[]> } | undefined;

/** What the cluster serves that can be listed, custom resources too, in all versions; asked anew now and then. */
export function discover(): Promise<readonly Served[]> {
  if (!known || Date.now() - known.at > FRESH_MS) {
    const asked = { at: Date.now(), served: ask() };
    known = asked;
    asked.served.catch(() => {
      if (known === asked) known = undefined;
    });
  }
  return known.served;
}

async function ask(): Promise<readonly Served[]> {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const answers = await Promise.all(['/api', '/apis'].map((path) => call<Discovery>('GET', path, { accept })));
  return answers
    .flatMap(({ items }) =>
      items.flatMap(({ metadata, versions }) => {
        const group = metadata?.name ?? '';
        const seen = new Set<string>();
        return versions.flatMap(({ version, resources = [] }) =>
          resources
            .filter(({ verbs }) => verbs.includes('list'))
            .map(({ resource, scope, responseKind, verbs }) => {
              // Versions come in the order that the server prefers.
              const preferred = !seen.has(resource);
              seen.add(resource);
              return {
                base: group ? `/apis/${group}/${version}` : `/api/${version}`,
                group,
                resource,
                kind: responseKind.kind,
                namespaced: scope === 'Namespaced',
                preferred,
                watched: verbs.includes('watch'),
              };
            }),
        );
      }),
    )
    .sort((a, b) => (a.kind < b.kind ? -1 : 1));
}
