import type { Clock } from '../base/clock.ts';
import type { ObjectReference } from '../api/generated/core-v1.ts';

/** What a component says of an object. */
export interface Observation {
  readonly about: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** One event object at the server, standing for `count` observations. */
export interface Occurrence extends Observation {
  /** The same for all observations that belong together. */
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** Name of the event object, once there is one; shared by all states of an event, since states may wait while the first is created. */
  readonly stored: { name?: string };
}

const CACHE = 4096;
/** From so many different messages of one reason on, they are told as one event. */
const AGGREGATE_FROM = 10;
const AGGREGATE_MS = 600_000;
/** A component may say so much about an object at once, and one thing more every five minutes. */
const BURST = 25;
const REFILL_MS = 300_000;

/** A map that forgets what was not used for longest. */
class Recent<T> {
  readonly #entries = new Map<string, T>();

  get(key: string, make: () => T): T {
    const value = this.#entries.get(key) ?? make();
    this.set(key, value);
    return value;
  }

  peek(key: string): T | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: T): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > CACHE) this.#entries.delete(this.#entries.keys().next().value!);
  }
}

/**
 * Decides of each observation whether it is a new event, one more of an event that is there, or one too many.
 * Upstream: client-go tools/record.EventCorrelator, with its default figures.
 */
export class EventCorrelator {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #occurrences = new Recent<Occurrence>();
  readonly #similar = new Recent<{ readonly messages: Set<string>; last: number }>();
  readonly #budgets = new Recent<{ tokens: number; at: number }>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** The occurrence that now counts this observation too (`stored.name` undefined: a new one); undefined when too much was said of the object. */
  observe(observation: Observation): Occurrence | undefined {
    const now = this.#clock.now();
    const { about, type, reason, message } = observation;
    const object = [about.apiVersion, about.kind, about.namespace, about.name, about.uid];
    const reasonKey = JSON.stringify([...object, type, reason]);
    const similar = this.#similar.get(reasonKey, () => ({ messages: new Set(), last: now }));
    if (now - similar.last > AGGREGATE_MS) similar.messages.clear();
    similar.last = now;
    similar.messages.add(message);
    const aggregated = similar.messages.size >= AGGREGATE_FROM;
    if (aggregated) similar.messages.delete(similar.messages.values().next().value!);

    const told = aggregated ? { ...observation, message: `(combined from similar events): ${message}` } : observation;
    const key = aggregated ? reasonKey : JSON.stringify([...object, about.fieldPath, type, reason, message]);
    const before = this.#occurrences.peek(key);
    const occurrence: Occurrence = { ...told, key, first: before?.first ?? now, last: now, count: (before?.count ?? 0) + 1, stored: before?.stored ?? {} };
    this.#occurrences.set(key, occurrence);
    return this.#spend(JSON.stringify([...object, type]), now) ? occurrence : undefined;
  }

  #spend(key: string, now: number): boolean {
    const budget = this.#budgets.get(key, () => ({ tokens: BURST, at: now }));
    budget.tokens = Math.min(BURST, budget.tokens + (now - budget.at) / REFILL_MS);
    budget.at = now;
    if (budget.tokens < 1) return false;
    budget.tokens--;
    return true;
  }
}
