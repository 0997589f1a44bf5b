// What the page draws of the ledger. Shared with the browser: types only.
import type { Changes, Fact, Work } from '../../ledger/entry.ts';

/** Where something is done, in the order in which a newcomer meets them. */
export type Station = 'client' | 'api' | 'controller' | 'scheduler' | 'node' | 'registry' | 'container';

export interface Step {
  readonly id: number;
  /** Of the step that it was done because of; absent: the first. */
  readonly parent?: number;
  /** When it was done, milliseconds since 1970; whole seconds where there is no ledger. */
  readonly at: number;
  /** How long it took, milliseconds; absent: nobody knows. */
  readonly took?: number;
  readonly station: Station;
  /** `the deployment controller`, `you, with kubectl create`. */
  readonly who: string;
  /** The same without words: `deployment-controller`, `kubectl-create`. */
  readonly by: string;
  /** The user is the one who reads. */
  readonly you: boolean;
  readonly act: 'create' | 'update' | 'mark' | 'delete' | Work;
  readonly kind: string;
  readonly ns?: string;
  readonly name: string;
  readonly uid: string;
  /** Whose kubelet did it, or which node was chosen. */
  readonly node?: string;
  readonly changes: Changes;
  readonly facts: Readonly<Record<string, Fact>>;
  readonly failed: boolean;
  /** In words: `made the deployment kubia, for 1 pod`; further lines. */
  readonly did: string;
  readonly more: readonly string[];
}

/** An action and all that came of it. */
export interface Course {
  readonly steps: readonly Step[];
  /** What it cannot tell, and why. */
  readonly gaps: readonly string[];
}

export interface ToldAction {
  /** Names it: the number of its first write. */
  readonly revision: number;
  readonly first: Step;
  readonly last: number;
  readonly steps: number;
  readonly failed: boolean;
}

export interface Actions {
  readonly actions: readonly ToldAction[];
  /** Absent: the server keeps a ledger. */
  readonly gap?: string;
}
