import type { RequestInfo } from '../request.ts';

const VERBS: Readonly<Record<string, string>> = { POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/** What follows a namespace in a path and is a part of it, not a resource in it. */
const NAMESPACE_SUBRESOURCES = ['status', 'finalize'];

/**
 * Reads the path and method of a request. `path` without the query, still percent-encoded.
 * Upstream: apiserver pkg/endpoints/request.RequestInfoFactory.
 */
export function readRequestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const none = { path, verb: method.toLowerCase(), group: '', version: '', resource: '', subresource: '', tail: '', namespace: '', name: '' };
  const parts = path.split('/').filter((part) => part !== '').map(decodeSegment);
  const grouped = parts[0] === 'apis';
  if ((!grouped && parts[0] !== 'api') || parts.length < (grouped ? 4 : 3)) return { isResourceRequest: false, ...none };
  const group = grouped ? parts[1]! : '';
  const version = parts[grouped ? 2 : 1]!;
  let rest = parts.slice(grouped ? 3 : 2);
  let verb = VERBS[method] ?? '';
  if (rest[0] === 'watch' && rest.length > 1) {
    verb = 'watch';
    rest = rest.slice(1);
  }
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = rest[1]!;
    if (rest.length > 2 && !NAMESPACE_SUBRESOURCES.includes(rest[2]!)) rest = rest.slice(2);
  }
  const [resource = '', given = '', subresource = '', ...tail] = rest;
  let name = given;
  if (!name && verb === 'get') {
    verb = isTrue(query.get('watch')) ? 'watch' : 'list';
    name = exactName(query.get('fieldSelector'));
  }
  if (!name && verb === 'delete') verb = 'deletecollection';
  return {
    isResourceRequest: true, path, verb, group, version, resource, subresource, namespace, name,
    tail: tail.length > 0 ? rawTail(path, tail.length) : path.endsWith('/') && subresource ? '/' : '',
  };
}

/** Go's notion of a true query parameter: present and neither `false` nor `0`. */
export function isTrue(value: string | null): boolean {
  return value !== null && value.toLowerCase() !== 'false' && value !== '0';
}

/** The name that a field selector asks for: authorization may be given for it alone. */
function exactName(fieldSelector: string | null): string {
  if (!fieldSelector?.includes('metadata.name')) return '';
  const match = /^metadata\.name==?([^,=\\]+)$/.exec(fieldSelector.split(',').find((part) => part.startsWith('metadata.name=')) ?? '');
  return match?.[1] ?? '';
}

/** The last `count` segments of a path, still encoded, with the slash before them and one after them where there is one. */
function rawTail(path: string, count: number): string {
  const closed = path.endsWith('/') ? path.slice(0, -1) : path;
  return `/${closed.split('/').slice(-count).join('/')}${path.endsWith('/') ? '/' : ''}`;
}

function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    if (error instanceof URIError) return segment; // not an encoding: taken as it stands, and found to name nothing
    throw error;
  }
}
