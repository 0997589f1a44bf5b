import type { Finding } from '../why/finding.ts';

/** One step of the tree of causes, in words. */
export interface ToldNode {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly who: string;
  readonly did: string;
  readonly more: readonly string[];
  readonly failed: boolean;
  /** Siblings of one word went the same way. */
  readonly like?: string;
  readonly children: readonly ToldNode[];
}

/** What `wherry why` tells, for the page. */
export interface Explanation {
  readonly state: string;
  readonly story: readonly ToldNode[];
  readonly findings: readonly Finding[];
  readonly gaps: readonly string[];
}
