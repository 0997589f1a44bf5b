import type { Match } from '../routing.ts';
import { byHost, compare } from './hostnames.ts';

/** A match of a rule of a route, as it competes with all others of a listener. */
export interface Candidate {
  readonly match: Match;
  /** The route's creation, RFC 3339, and its key: the older route goes first, then the first by name. */
  readonly created: string;
  readonly key: string;
}

/**
 * Which match is tried first: the most certain host, then an exact path, the longest prefix, expressions (the longer first), a method, most headers, most
 * parameters; then the older route. For sorting that keeps the order of equals, which is that of the rules of a route.
 * Upstream: gateway-api HTTPRouteRule.matches, HTTPRouteSpec.hostnames.
 */
export function byPrecedence(a: Candidate, b: Candidate): number {
  return byHost(a.match.host?.name, b.match.host?.name) || pathRank(a.match) - pathRank(b.match) || (b.match.path?.value.length ?? 0) - (a.match.path?.value.length ?? 0)
    || Number(b.match.method !== undefined) - Number(a.match.method !== undefined) || (b.match.headers?.length ?? 0) - (a.match.headers?.length ?? 0)
    || (b.match.query?.length ?? 0) - (a.match.query?.length ?? 0) || compare(a.created, b.created) || compare(a.key, b.key);
}

/** An expression that matches everything must not hide a prefix, and the path of no route is the root's prefix, which is the last of all. */
function pathRank({ path }: Match): number {
  if (!path) return 3;
  if (path.type === 'exact') return 0;
  if (path.type === 'regex') return 1;
  return path.value === '/' ? 3 : 2;
}
