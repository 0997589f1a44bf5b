/** Why a node (or, before any node is looked at, the whole cluster) does not take a pod. */
export interface Rejection {
  /** In upstream's words: they stand in events and conditions. */
  readonly reasons: readonly string[];
  /** Taking other pods off the node would not help. */
  readonly unresolvable: boolean;
}

/** A rejection, and who made it. */
export interface NodeRejection {
  readonly plugin: string;
  readonly rejection: Rejection;
}

export const rejection = (...reasons: string[]): Rejection => ({ reasons, unresolvable: false });
export const unresolvable = (...reasons: string[]): Rejection => ({ reasons, unresolvable: true });
