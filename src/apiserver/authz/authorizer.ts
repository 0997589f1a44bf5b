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
  /** Synchronous: roles are read from memory. */
  authorize(attributes: AuthorizationAttributes): Decision;
}

/**
 * Asks one after the other until one allows or denies; the reasons of those without an opinion are joined.
 * Upstream: apiserver pkg/authorization/union.
 */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize(asked) {
      const attributes = withSelectedName(asked);
      let reason = '';
      for (const authorizer of authorizers) {
        const decision = authorizer.authorize(attributes);
        if (decision.allowed || decision.denied) return decision;
        if (decision.reason) reason = reason ? `${reason}\n${decision.reason}` : decision.reason;
      }
      return { allowed: false, reason };
    },
  };
}

const NAME_SELECTOR = /(?:^|,)metadata\.name==?([^,=!]+)(?:,|$)/;

/** Upstream: apiserver pkg/endpoints/request.RequestInfoFactory. */
function withSelectedName(attributes: AuthorizationAttributes): AuthorizationAttributes {
  const { resource } = attributes;
  if (!resource?.fieldSelector || resource.name) return attributes;
  const name = NAME_SELECTOR.exec(resource.fieldSelector)?.[1];
  return name ? { ...attributes, resource: { ...resource, name } } : attributes;
}

/** `system:masters` may do anything, whatever the roles say. */
export const mastersAuthorizer: Authorizer = {
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
