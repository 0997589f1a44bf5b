// What a proxy does by a routing, in memory; for tests.
import type { HostMatch, Listener, Match, PathMatch, Rule, ValueMatch } from './routing.ts';

export interface Request {
  readonly host: string;
  /** With or without a query. */
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The first rule that is for the request. */
export function ruleFor({ rules }: Listener, { host, path: asked, method = 'GET', headers = {} }: Request): Rule | undefined {
  const { pathname, searchParams } = new URL(asked, 'http://x');
  return rules.find(({ match }: { match: Match }) => (!match.host || isHost(match.host, host)) && (!match.path || isPath(match.path, pathname)) && (!match.method || match.method === method)
    && (match.headers ?? []).every((one) => isValue(one, headers[one.name.toLowerCase()])) && (match.query ?? []).every((one) => isValue(one, searchParams.get(one.name) ?? undefined)));
}

function isHost({ name, labels }: HostMatch, host: string): boolean {
  if (!name.startsWith('*.')) return host === name;
  return host.endsWith(name.slice(1)) && (labels === 'any' || !host.slice(0, -name.length + 1).includes('.'));
}

function isPath({ type, value }: PathMatch, path: string): boolean {
  if (type === 'regex') return new RegExp(`^(?:${value})$`).test(path);
  return path === value || (type === 'prefix' && (value === '/' || path.startsWith(`${value}/`)));
}

function isValue({ value, regex }: ValueMatch, given: string | undefined): boolean {
  return given !== undefined && (regex ? new RegExp(`^(?:${value})$`).test(given) : given === value);
}
