import type { Related } from './related-entries.ts';

export const LEDGER_PATH = '/wherry/v1/ledger';

/** `uid=…` and `object=deployments.apps/default/kubia` (`nodes/kind-1` where there is no namespace), each as often as wanted. */
export function ledgerQuery({ uids, named = [] }: Related, follow = false): string {
  const query = new URLSearchParams();
  for (const uid of uids) query.append('uid', uid);
  for (const { group, resource, namespace, name } of named) query.append('object', [group ? `${resource}.${group}` : resource, ...(namespace ? [namespace] : []), name].join('/'));
  if (follow) query.set('follow', 'true');
  return `${LEDGER_PATH}?${query}`;
}

export function readLedgerQuery(query: URLSearchParams): Related {
  const named = query.getAll('object').map((text) => {
    const parts = text.split('/');
    const [resource, ...group] = (parts[0] ?? '').split('.');
    return { group: group.join('.'), resource: resource!, name: parts.at(-1)!, ...(parts.length === 3 && { namespace: parts[1]! }) };
  });
  return { uids: query.getAll('uid'), named };
}
