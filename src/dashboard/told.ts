import type { Finding } from '../why/finding.ts';
import type { Step } from './background/step.ts';

/** One step of the tree of causes, in words. */
export interface ToldNode extends Step {
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
