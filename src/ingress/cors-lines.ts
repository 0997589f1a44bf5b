import { format, quoted } from './haproxy-text.ts';
import type { Cors } from './routing.ts';

const ORIGIN = 'txn.cors';
const ALLOWED = `{ var(${ORIGIN}) -m found }`;
const PREFLIGHT = '{ method OPTIONS } { req.hdr(Origin) -m found } { req.hdr(Access-Control-Request-Method) -m found }';

/**
 * What of a backend answers for pages of other origins. A preflight request is answered here and never led on, without a word of permission where its origin is not allowed; an answer
 * to an allowed origin names it, rather than `*`, which browsers take for no request with credentials.
 */
export function corsLines({ origins, methods, headers, exposed, maxAgeSeconds, credentials }: Cors): { readonly request: readonly string[]; readonly response: readonly string[] } {
  const permission: readonly (readonly [name: string, value: string])[] = [
    ['Access-Control-Allow-Origin', `%[var(${ORIGIN})]`], ...(credentials ? [['Access-Control-Allow-Credentials', 'true'] as const] : []), ...(exposed.length > 0 ? [['Access-Control-Expose-Headers', format(exposed.join(', '))] as const] : []),
  ];
  // The whole header: `req.hdr` would be what is behind its last comma.
  const echoed = (all: readonly string[], name: string): string => (all.includes('*') ? `%[req.fhdr(${name})]` : format(all.join(', ')));
  const asked: readonly (readonly [name: string, value: string])[] = [
    ...permission, ...(methods.length > 0 ? [['Access-Control-Allow-Methods', echoed(methods, 'Access-Control-Request-Method')] as const] : []),
    ...(headers.length > 0 ? [['Access-Control-Allow-Headers', echoed(headers, 'Access-Control-Request-Headers')] as const] : []), ['Access-Control-Max-Age', String(maxAgeSeconds)], ['Vary', 'Origin'],
  ];
  return {
    request: [
      ...origins.map((origin) => `  http-request set-var(${ORIGIN}) req.hdr(Origin) if { req.hdr(Origin) ${originCondition(origin)} }`),
      `  http-request return status 204 ${asked.map(([name, value]) => `hdr ${name} ${quoted(value)}`).join(' ')} if ${PREFLIGHT} ${ALLOWED}`,
      `  http-request return status 204 hdr Vary Origin if ${PREFLIGHT}`,
    ],
    response: [
      // What the backend says of this is not asked: the route decides.
      '  http-response del-header Access-Control-Allow-Origin',
      '  http-response del-header Access-Control-Allow-Credentials',
      ...permission.map(([name, value]) => `  http-response set-header ${name} ${quoted(value)} if ${ALLOWED}`),
      '  http-response add-header Vary Origin',
    ],
  };
}

/** `https://*.example.org` is for any number of labels in front; a `*` alone for every origin, of any port. */
function originCondition(origin: string): string {
  if (origin === '*') return '-m found';
  if (!origin.includes('*')) return `-m str ${quoted(origin)}`;
  const [before, after] = origin.split('*') as [string, string];
  return `-m reg -- ${quoted(`^${escaped(before)}${after === '' ? '[^/]+' : '[^/:]+'}${escaped(after)}$`)}`;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
