import { statusError, qualified, type StatusError } from '../../api/errors.ts';
import type { User } from '../../api/kind.ts';

/** Upstream: apiserver pkg/authorization/authorizer.Attributes. */
export interface AuthorizationAttributes {
  readonly user: User;
  readonly verb: string;
  /**
   * For resource requests; otherwise `path`. `fieldSelector` is the selector's text on list, watch and deletecollection: a node may list only
   * its own pods, and one that selects `metadata.name` counts as a request for that name.
   */
  readonly resource?: {
    readonly group: string; readonly version: string; readonly resource: string; readonly subresource: string; readonly namespace: string; readonly name: string;
    readonly fieldSelector?: string;
  };
  readonly path?: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** A denial that no other authorizer may overrule. */
  readonly denied?: boolean;
  /** Why, as shown to people: `RBAC: allowed by ClusterRoleBinding …`. */
  readonly reason: string;
}

export interface Authorizer {
  /** A promise only where somebody outside has to be asked. */
  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision>;
  /** Whether there ever is anybody to be asked. Default false. */
  readonly mayWait?: boolean;
}

/** One that knows at once: roles are read from memory. */
export interface ReadyAuthorizer extends Authorizer {
  authorize(attributes: AuthorizationAttributes): Decision;
}

/**
 * Asks one after the other until one allows or denies; the reasons of those without an opinion are joined.
 * Upstream: apiserver pkg/authorization/union.
 */
export function unionAuthorizer(authorizers: readonly ReadyAuthorizer[]): ReadyAuthorizer;
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer;
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  const ask = (attributes: AuthorizationAttributes, first: number, said: string): Decision | Promise<Decision> => {
    let reason = said;
    for (let i = first; i < authorizers.length; i++) {
      const answer = authorizers[i]!.authorize(attributes);
      if (answer instanceof Promise) return answer.then((decision) => (decision.allowed || decision.denied ? decision : ask(attributes, i + 1, joined(reason, decision.reason))));
      if (answer.allowed || answer.denied) return answer;
      reason = joined(reason, answer.reason);
    }
    return { allowed: false, reason };
  };
  return { authorize: (asked) => ask(withSelectedName(asked), 0, ''), mayWait: authorizers.some(({ mayWait }) => mayWait === true) };
}

const joined = (before: string, reason: string): string => (before && reason ? `${before}\n${reason}` : before || reason);

const NAME_SELECTOR = /(?:^|,)metadata\.name==?([^,=!]+)(?:,|$)/;

/** Upstream: apiserver pkg/endpoints/request.RequestInfoFactory. */
function withSelectedName(attributes: AuthorizationAttributes): AuthorizationAttributes {
  const { resource } = attributes;
  if (!resource?.fieldSelector || resource.name) return attributes;
  const name = NAME_SELECTOR.exec(resource.fieldSelector)?.[1];
  return name ? { ...attributes, resource: { ...resource, name } } : attributes;
}

/** `system:masters` may do anything, whatever the roles say. */
export const mastersAuthorizer: ReadyAuthorizer = {
  authorize: ({ user }) => (user.groups.includes('system:masters') ? { allowed: true, reason: '' } : { allowed: false, reason: '' }),
};

/** The 403 for a request that was not allowed. Upstream: apiserver pkg/endpoints/handlers/responsewriters.ForbiddenStatusError. */
export function authorizationFault(attributes: AuthorizationAttributes, decision: Decision): StatusError {
  const { resource } = attributes;
  const user = `User ${JSON.stringify(attributes.user.name)} cannot ${attributes.verb}`;
  const tail = decision.reason ? `: ${decision.reason}` : '';
  if (!resource) {
    return statusError(403, 'Forbidden', `forbidden: ${sanitize(`${user} path ${JSON.stringify(attributes.path ?? '')}`)}${tail}`, {});
  }
  const full = resource.subresource ? `${resource.resource}/${resource.subresource}` : resource.resource;
  const where = resource.namespace ? `in the namespace ${JSON.stringify(resource.namespace)}` : 'at the cluster scope';
  const cause = sanitize(`${user} resource ${JSON.stringify(full)} in API group ${JSON.stringify(resource.group)} ${where}`);
  const subject = resource.name ? `${qualified(resource)} ${JSON.stringify(resource.name)}` : qualified(resource);
  return statusError(403, 'Forbidden', `${subject} is forbidden: ${cause}${tail}`, {
    ...(resource.name && { name: resource.name }), ...(resource.group && { group: resource.group }), kind: resource.resource,
  });
}

/** The text quotes what the client sent, and must not read as HTML. */
const sanitize = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
