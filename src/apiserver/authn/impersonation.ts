import { badRequest } from '../../api/errors.ts';
import type { User } from '../../api/kind.ts';
import { authorizationFault, type AuthorizationAttributes, type Authorizer } from '../authz/authorizer.ts';
import { ANONYMOUS, withGroup } from './authenticator.ts';

/** Node's form of request headers: lower-case names, repeated ones as a list. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const PREFIX = 'impersonate-';
const EXTRA = `${PREFIX}extra-`;

/** Whether `impersonate` has anything to read in these headers: most requests are spared the work. */
export function asksToImpersonate(headers: Readonly<Record<string, unknown>>): boolean {
  for (const name in headers) if (name.startsWith(PREFIX)) return true;
  return false;
}

/**
 * The user to go on as when the request asks to act as another (`kubectl --as`): each name, group, uid and extra value needs the
 * right to `impersonate` it. Answers `user` where nothing is asked; throws 403, or 400 where groups are asked for without a user.
 * `headers` from Node's `headersDistinct`, which keeps repeated ones apart. Upstream: apiserver pkg/endpoints/filters/impersonation.
 */
export async function impersonate(user: User, headers: Headers, authorizer: Authorizer): Promise<User> {
  const wanted = readHeaders(headers);
  if (!wanted) return user;
  const check = async (group: string, resource: string, namespace: string, name: string, subresource = ''): Promise<void> => {
    const attributes: AuthorizationAttributes = { user, verb: 'impersonate', resource: { group, version: 'v1', resource, subresource, namespace, name } };
    const decision = await authorizer.authorize(attributes);
    if (!decision.allowed) throw authorizationFault(attributes, decision);
  };
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(wanted.name);
  if (account) await check('', 'serviceaccounts', account[1]!, account[2]!);
  else await check('', 'users', '', wanted.name);
  for (const group of wanted.groups) await check('', 'groups', '', group);
  if (wanted.uid) await check('authentication.k8s.io', 'uids', '', wanted.uid);
  for (const [key, values] of Object.entries(wanted.extra)) for (const value of values) await check('authentication.k8s.io', 'userextras', '', value, key);

  let groups: readonly string[] = wanted.groups;
  if (account && groups.length === 0) groups = ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`];
  if (wanted.name === ANONYMOUS.name) groups = withGroup(groups.filter((group) => group !== 'system:authenticated'), 'system:unauthenticated');
  else if (!groups.includes('system:unauthenticated')) groups = withGroup(groups, 'system:authenticated');
  return {
    name: wanted.name, groups, ...(wanted.uid && { uid: wanted.uid }), ...(Object.keys(wanted.extra).length > 0 && { extra: wanted.extra }),
  };
}

function readHeaders(headers: Headers): { name: string; groups: readonly string[]; uid: string; extra: Readonly<Record<string, readonly string[]>> } | undefined {
  const all = (name: string): readonly string[] => {
    const value = headers[name];
    return value === undefined ? [] : typeof value === 'string' ? [value] : value;
  };
  const name = all('impersonate-user')[0] ?? '';
  const groups = all('impersonate-group');
  const uid = all('impersonate-uid')[0] ?? '';
  const extra: Record<string, readonly string[]> = {};
  for (const header of Object.keys(headers)) if (header.startsWith(EXTRA)) extra[extraKey(header.slice(EXTRA.length))] = all(header);
  if (name) return { name, groups, uid, extra };
  if (groups.length || uid || Object.keys(extra).length) {
    const strings = (list: readonly string[]): string => (list.length === 0 ? '[]string(nil)' : `[]string{${list.map((text) => JSON.stringify(text)).join(', ')}}`);
    const extras = Object.entries(extra).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, values]) => `${JSON.stringify(key)}:${strings(values)}`);
    throw badRequest(`requested &user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, Groups:${strings(groups)}, Extra:map[string][]string${extras.length ? `{${extras.join(', ')}}` : '(nil)'}} without impersonating a user name`);
  }
  return undefined;
}

/** Keys come escaped, for header names hold little; one that is not well escaped is taken as it is. */
function extraKey(escaped: string): string {
  try {
    return decodeURIComponent(escaped).toLowerCase();
  } catch (error) {
    if (error instanceof URIError) return escaped;
    throw error;
  }
}
