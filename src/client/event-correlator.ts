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
  /** Milliseconds since 1970. */
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** The same for all observations that belong together. Holds the name of the event object, once there is one: states may wait while the first is created. */
  readonly stored: { name?: string };
}

/** Objects of which is remembered what was said. */
const SUBJECTS = 4096;
/** Of an object, so many occurrences of one reason are remembered. */
const OCCURRENCES = 25;
/** From so many different messages of one reason on, they are told as one event. */
const AGGREGATE_FROM = 10;
const AGGREGATE_MS = 600_000;
/** A component may say so much about an object at once, and one thing more every five minutes. */
const BURST = 25;
const REFILL_MS = 300_000;

/** What was said of one object in one type. A node says three things of each pod and may have hundreds, so this is kept in few and small pieces. */
interface Subject {
  tokens: number;
  at: number;
  reasons: readonly Reason[];
}

interface Reason {
  readonly reason: string;
  last: number;
  /** Different ones, the oldest first. */
  messages: readonly string[];
  aggregate?: Occurrence;
  occurrences: readonly Occurrence[];
}

/**
 * Decides of each observation whether it is a new event, one more of an event that is there, or one too many.
 * Upstream: client-go tools/record.EventCorrelator, with its default figures.
 */
export class EventCorrelator {
  readonly #clock: Pick<Clock, 'now'>;
  /** Those of whom something was said last come last. */
  readonly #subjects = new Map<string, Subject>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** The occurrence that now counts this observation too (`stored.name` undefined: a new one); undefined when too much was said of the object. */
  observe(observation: Observation): Occurrence | undefined {
    const now = this.#clock.now();
    const subject = this.#subjectOf(observation, now);
    const said = reasonOf(subject, observation.reason, now);
    const { message } = observation;
    if (now - said.last > AGGREGATE_MS) said.messages = [];
    said.last = now;
    // Unlike `push`, it leaves no room for more.
    if (!said.messages.includes(message)) said.messages = said.messages.concat(message);
    const count = (before: Occurrence | undefined, told: Observation): Occurrence =>
      ({ ...told, first: before?.first ?? now, last: now, count: (before?.count ?? 0) + 1, stored: before?.stored ?? {} });
    let occurrence: Occurrence;
    if (said.messages.length >= AGGREGATE_FROM) {
      said.messages = said.messages.slice(1);
      said.aggregate = occurrence = count(said.aggregate, { ...observation, message: `(combined from similar events): ${message}` });
    } else {
      const before = said.occurrences.find((other) => other.message === message && other.about.fieldPath === observation.about.fieldPath);
      occurrence = count(before, observation);
      said.occurrences = said.occurrences.filter((other) => other !== before).concat(occurrence).slice(-OCCURRENCES);
    }
    return spend(subject, now) ? occurrence : undefined;
  }

  #subjectOf({ about: { apiVersion, kind, namespace, name, uid }, type }: Observation, now: number): Subject {
    const key = `${type} ${uid} ${namespace}/${name} ${kind}.${apiVersion}`;
    const subject = this.#subjects.get(key) ?? { tokens: BURST, at: now, reasons: [] };
    this.#subjects.delete(key);
    this.#subjects.set(key, subject);
    if (this.#subjects.size > SUBJECTS) this.#subjects.delete(this.#subjects.keys().next().value!);
    return subject;
  }
}

function reasonOf(subject: Subject, reason: string, now: number): Reason {
  let said = subject.reasons.find((other) => other.reason === reason);
  if (!said) subject.reasons = subject.reasons.concat((said = { reason, last: now, messages: [], occurrences: [] }));
  return said;
}

function spend(subject: Subject, now: number): boolean {
  subject.tokens = Math.min(BURST, subject.tokens + (now - subject.at) / REFILL_MS);
  subject.at = now;
  if (subject.tokens < 1) return false;
  subject.tokens--;
  return true;
}
