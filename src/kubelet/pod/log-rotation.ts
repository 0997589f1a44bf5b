import { rotateLog } from './container-log-files.ts';
import type { PodState } from './pod-state.ts';

/** Logs that do not grow are looked at once in so many rounds and one: once a minute. */
const LONGEST_REST = 5;

/** Keeps the logs of a pod's running containers from growing without end. */
export class LogRotation {
  readonly #state: PodState;
  /** How large the logs were, and how many rounds of looking at them are left out after that look, and yet. */
  #bytes = 0;
  #rest = 0;
  #wait = 0;

  constructor(state: PodState) {
    this.#state = state;
  }

  /** Whether they are to be looked at in this round: those that did not grow are looked at more and more seldom. */
  isDue(): boolean {
    return --this.#wait < 0;
  }

  async rotate(): Promise<void> {
    const { context: { runtime, clock }, log } = this.#state;
    let bytes = 0;
    for (const container of this.#state.observation.containers) {
      if (container.state !== 'running' || !container.logPath) continue;
      try {
        bytes += await rotateLog(container, runtime, clock.now());
      } catch (error) {
        log.warn('cannot rotate a log', { container: container.name, error });
      }
    }
    this.#rest = bytes === this.#bytes ? Math.min(this.#rest + 1, LONGEST_REST) : 0;
    this.#bytes = bytes;
    this.#wait = this.#rest;
  }
}
