import type { User } from '../../api/kind.ts';

/** Upstream: apiserver pkg/authorization/authorizer.Attributes. */
export interface AuthorizationAttributes {
  readonly user: User;
  readonly verb: string;
  /** For resource requests; otherwise `path`. */
  readonly resource?: { readonly group: string; readonly version: string; readonly resource: string; readonly subresource: string; readonly namespace: string; readonly name: string };
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
