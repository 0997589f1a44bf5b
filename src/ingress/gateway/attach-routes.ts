import { labelSelectorMatches } from '../../api/selector.ts';
import { fails, holds, type Verdict } from './conditions.ts';
import type { Gateway, ParentReference, Route } from './gateway-api.ts';
import { intersectHostnames } from './hostnames.ts';
import type { ListenerVerdict } from './listeners.ts';

export interface Attachment {
  readonly accepted: Verdict;
  /** To which listeners, and the hosts that are served there; undefined for all. */
  readonly listeners: readonly { readonly verdict: ListenerVerdict; readonly hosts: readonly (string | undefined)[] }[];
}

/** Which listeners of a gateway take the route that names it so. `namespaceLabels`: undefined where there is no such namespace. */
export function attachRoute(route: Route, parent: ParentReference, gateway: Gateway, verdicts: readonly ListenerVerdict[], namespaceLabels: (name: string) => Readonly<Record<string, string>> | undefined): Attachment {
  const named = verdicts.filter(({ listener }) => (!parent.sectionName || listener.name === parent.sectionName) && (parent.port === undefined || listener.port === parent.port));
  if (named.length === 0) return { accepted: fails('Accepted', 'NoMatchingParent', `gateway ${gateway.metadata.name} has no such listener`), listeners: [] };
  const { namespace } = route.metadata;
  const allowed = named.filter(({ listener: { allowedRoutes }, kinds }) => {
    const { from, selector } = allowedRoutes.namespaces;
    const isFrom = from === 'All' || (from === 'Same' ? namespace === gateway.metadata.namespace : from === 'Selector' && selector !== undefined && labelSelectorMatches(selector, namespaceLabels(namespace) ?? {}));
    return isFrom && kinds.some(({ kind }) => kind === route.kind);
  });
  if (allowed.length === 0) return { accepted: fails('Accepted', 'NotAllowedByListeners', `no listener of gateway ${gateway.metadata.name} takes a ${route.kind} of namespace ${namespace}`), listeners: [] };
  const listeners = allowed.flatMap((verdict) => {
    const wanted = route.spec.hostnames?.length ? route.spec.hostnames : [undefined];
    const hosts = wanted.flatMap((hostname) => intersectHostnames(verdict.listener.hostname, hostname) ?? []).map(({ host }) => host);
    return hosts.length > 0 ? [{ verdict, hosts: [...new Set(hosts)] }] : [];
  });
  if (listeners.length === 0) return { accepted: fails('Accepted', 'NoMatchingListenerHostname', `no listener of gateway ${gateway.metadata.name} is for its hostnames`), listeners: [] };
  return { accepted: holds('Accepted', 'Accepted'), listeners };
}
