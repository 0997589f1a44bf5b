import type { Pod } from '../../api/generated/core-v1.ts';
import type { Log } from '../../base/log.ts';
import type { ObservedSandbox, PodObservation } from './observation.ts';
import type { WorkerContext } from './worker-context.ts';

/** What the parts that a pod's state owns see of it. */
export interface PodView {
  readonly uid: string;
  readonly pod: Pod;
  readonly observation: PodObservation;
  readonly context: WorkerContext;
  readonly log: Log;
  /** Something has changed that a decision may depend on. */
  readonly changed: () => void;
  /** Empty as long as there is none. Default: of the newest sandbox. */
  podIp(sandbox?: ObservedSandbox): string;
}
