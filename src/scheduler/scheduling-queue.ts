import type { Pod } from '../api/generated/core-v1.ts';
import { keyOf } from '../api/object.ts';
import { delayAfter } from '../base/backoff.ts';
import { currentCause, joinWrites, writeOf } from '../base/cause.ts';
import type { Clock } from '../base/clock.ts';
import type { ClusterEvent, SchedulerPlugin } from './framework.ts';
import { PriorityHeap } from './priority-heap.ts';

/** A pod that wants a node. */
export interface QueuedPod {
  readonly key: string;
  readonly pod: Pod;
  /** How often it was tried, this time included. */
  readonly attempts: number;
  /** Wall time at which it came; milliseconds. */
  readonly since: number;
  /** The writes because of which it is tried: the pod's own, and what woke it since. */
  readonly writes: readonly number[];
  /** Whether it is tried only because no event woke it for so long. */
  readonly flushed: boolean;
}

/** Where a pod waits. `held`: unschedulable, and no event wakes it. `gated`: before-the-queue plugins reject it. `trying`: popped, and not yet given back or gone. */
type Place = 'active' | 'backoff' | 'error-backoff' | 'unschedulable' | 'held' | 'gated' | 'trying';

interface Waiting extends QueuedPod {
  pod: Pod;
  attempts: number;
  flushed: boolean;
  writes: readonly number[];
  /** Tries that ended without a node, for the backoff. */
  failures: number;
  place: Place;
  /** When it came to where it is: order among equal priorities, and age in the unschedulable pool. Monotonic. */
  at: number;
  readonly sequence: number;
  backoffUntil: number;
  rejectedBy: ReadonlySet<string>;
}

export interface SchedulingQueueOptions {
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'timer'>;
  /** The plugins that a pod is scheduled by: the same list for all pods of a profile. */
  pluginsOf(pod: Pod): readonly SchedulerPlugin[];
  /** After the first failure, and at most; default 1 s and 10 s. */
  readonly initialBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** There is something to pop. */
  onReady(): void;
  /** A pod came to a queue because of `event`, a word of upstream's. */
  onEnter?(queue: 'active' | 'backoff' | 'unschedulable', event: string): void;
}

const INITIAL_BACKOFF_MS = 1000;
const MAX_BACKOFF_MS = 10_000;
/** No hint is perfect: after this long a pod is tried anyway. */
const MAX_UNSCHEDULABLE_MS = 300_000;

/** The queues as upstream names them. */
const QUEUES: Readonly<Record<Place, 'active' | 'backoff' | 'unschedulable'>> = {
  active: 'active', trying: 'active', backoff: 'backoff', 'error-backoff': 'backoff', unschedulable: 'unschedulable', held: 'unschedulable', gated: 'unschedulable',
};

const eventName = ({ resource, action }: ClusterEvent): string => `${resource}${action[0]!.toUpperCase()}${action.slice(1)}`;

/**
 * Pods in the order in which they are to be tried. Upstream: backend/queue PriorityQueue, queuesort PrioritySort.
 *
 * A pod that found no node goes to the unschedulable pool, with the names of the plugins that rejected it, and stays there until an event
 * comes of which one of those plugins says that it may help (or five minutes are over). Then it serves the rest of its backoff, which it may cut
 * short when nobody else is waiting, and is tried again.
 */
export class SchedulingQueue implements Disposable {
  readonly #options: SchedulingQueueOptions;
  readonly #pods = new Map<string, Waiting>();
  readonly #active = new PriorityHeap<Waiting>((a, b) => {
    const priority = (b.pod.spec.priority ?? 0) - (a.pod.spec.priority ?? 0);
    return (priority || a.at - b.at || a.sequence - b.sequence) < 0;
  });
  readonly #backoff = new PriorityHeap<Waiting>((a, b) => a.backoffUntil < b.backoffUntil);
  readonly #errorBackoff = new PriorityHeap<Waiting>((a, b) => a.backoffUntil < b.backoffUntil);
  readonly #unschedulable = new Set<Waiting>();
  #sequence = 0;
  #timer: { readonly due: number; readonly handle: Disposable } | undefined;
  #closed = false;

  constructor(options: SchedulingQueueOptions) {
    this.#options = options;
  }

  /** A pod that came, or changed while it waits. `worthATry`: the change may let it in. */
  set(pod: Pod, worthATry: boolean): void {
    const key = keyOf(pod);
    const waiting = this.#pods.get(key);
    if (waiting && waiting.pod.metadata.uid !== pod.metadata.uid) this.delete(key);
    else if (waiting) {
      const again = waiting.place === 'gated' || (worthATry && (waiting.place === 'unschedulable' || waiting.place === 'held'));
      if (again) this.#takeOut(waiting);
      waiting.pod = pod;
      if (again || waiting.place === 'active') waiting.writes = joinWrites(waiting.writes, writeOf(pod.metadata.resourceVersion));
      if (again) this.#requeue(waiting, 'UnschedulablePodUpdate');
      return;
    }
    const { clock } = this.#options;
    const entry: Waiting = {
      key, pod, attempts: 0, flushed: false, failures: 0, since: clock.now(), place: 'trying', at: clock.monotonic(), sequence: this.#sequence++, backoffUntil: 0, rejectedBy: new Set(), writes: writeOf(pod.metadata.resourceVersion),
    };
    this.#pods.set(key, entry);
    this.#requeue(entry, 'UnschedulablePodAdd');
  }

  delete(key: string): void {
    const waiting = this.#pods.get(key);
    if (!waiting) return;
    this.#takeOut(waiting);
    this.#pods.delete(key);
  }

  /** The next pod to try. It must be given back by `reject` or `fail`, or be `delete`d. */
  pop(): QueuedPod | undefined {
    this.#endBackoffs();
    const next = this.#active.peek() ?? this.#backoff.peek();
    if (!next) return undefined;
    this.#takeOut(next);
    next.attempts++;
    return next;
  }

  /** The pod found no node; an empty set of plugins: any event may help. */
  reject(key: string, rejectedBy: ReadonlySet<string>): void {
    const waiting = this.#giveBack(key);
    if (!waiting) return;
    waiting.rejectedBy = rejectedBy;
    this.#putInto(waiting, 'unschedulable', 'ScheduleAttemptFailure');
  }

  /** Trying failed through no fault of the pod: it is tried again after its backoff. */
  fail(key: string): void {
    const waiting = this.#giveBack(key);
    if (waiting) this.#putInto(waiting, 'error-backoff', 'ScheduleAttemptFailure');
  }

  /** No event wakes the pod until `release`. */
  hold(key: string): void {
    this.#move(key, 'unschedulable', 'held');
  }

  release(key: string): void {
    this.#move(key, 'held', 'unschedulable');
  }

  #move(key: string, from: Place, to: Place): void {
    const waiting = this.#pods.get(key);
    if (waiting?.place !== from) return;
    this.#takeOut(waiting);
    this.#putInto(waiting, to);
  }

  /** Wakes the pods that the event may help. */
  onEvent(event: ClusterEvent): void {
    if (this.#unschedulable.size === 0) return;
    const interestedOf = new Map<readonly SchedulerPlugin[], { readonly name: string; readonly hint: (pod: Pod, event: ClusterEvent) => boolean }[]>();
    for (const waiting of this.#unschedulable) {
      const plugins = this.#options.pluginsOf(waiting.pod);
      let interested = interestedOf.get(plugins);
      if (!interested) {
        interestedOf.set(plugins, (interested = plugins.flatMap(({ name, hints }) => {
          const hint = hints?.[event.resource];
          return hint ? [{ name, hint }] : [];
        })));
      }
      const helps = (waiting.rejectedBy.size === 0 && interested.length > 0) || interested.some(({ name, hint }) => waiting.rejectedBy.has(name) && hint(waiting.pod, event));
      if (!helps) continue;
      waiting.writes = joinWrites(waiting.writes, currentCause().writes);
      this.#takeOut(waiting);
      this.#requeue(waiting, eventName(event));
    }
  }

  /** Tries a pod again at once, without the rest of its backoff: what kept it away is known to be gone. Upstream: PriorityQueue.Activate. */
  activate(key: string): void {
    this.#tryAgain(key, true);
  }

  /** Tries a pod again when its backoff is over, whatever it waits for. */
  retry(key: string): void {
    this.#tryAgain(key, false);
  }

  #tryAgain(key: string, atOnce: boolean): void {
    const waiting = this.#pods.get(key);
    if (!waiting || waiting.place === 'trying') return;
    this.#takeOut(waiting);
    if (atOnce) waiting.backoffUntil = 0;
    this.#requeue(waiting, 'ForceActivate');
  }

  /** Whether this very pod is here, not another of its name. */
  has(pod: Pod): boolean {
    return this.#pods.get(keyOf(pod))?.pod.metadata.uid === pod.metadata.uid;
  }

  get ready(): boolean {
    return this.#active.size > 0 || this.#backoff.size > 0;
  }

  /** How many pods are where. */
  counts(): Readonly<Record<Place, number>> {
    const counts: Record<Place, number> = { active: 0, backoff: 0, 'error-backoff': 0, unschedulable: 0, held: 0, gated: 0, trying: 0 };
    for (const { place } of this.#pods.values()) counts[place]++;
    return counts;
  }

  /** Of each pod that waits unschedulable: who rejected it. */
  *rejections(): Generator<{ readonly pod: Pod; readonly rejectedBy: ReadonlySet<string> }> {
    for (const { pod, place, rejectedBy } of this.#pods.values()) if (place === 'unschedulable' || place === 'held') yield { pod, rejectedBy };
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#timer?.handle[Symbol.dispose]();
  }

  #giveBack(key: string): Waiting | undefined {
    const waiting = this.#pods.get(key);
    if (waiting?.place !== 'trying') return undefined;
    waiting.flushed = false;
    const now = this.#options.clock.monotonic();
    waiting.backoffUntil = now + delayAfter(waiting.failures++, { initialMs: this.#options.initialBackoffMs ?? INITIAL_BACKOFF_MS, maxMs: this.#options.maxBackoffMs ?? MAX_BACKOFF_MS });
    return waiting;
  }

  /** Those whose backoff is over come among the others, by the time of their last try: else newcomers would go before them for as long as there are any. */
  #endBackoffs(): void {
    if (this.#backoff.size === 0) return;
    const now = this.#options.clock.monotonic();
    for (let due = this.#backoff.peek(); due && due.backoffUntil <= now; due = this.#backoff.peek()) {
      this.#backoff.delete(due);
      due.place = 'active';
      this.#active.push(due);
      this.#options.onEnter?.('active', 'BackoffComplete');
    }
  }

  /** Puts a pod where it waits for its next try. */
  #requeue(waiting: Waiting, event: string): void {
    const { pluginsOf, clock } = this.#options;
    if (pluginsOf(waiting.pod).some((plugin) => plugin.preEnqueue?.(waiting.pod))) this.#putInto(waiting, 'gated', event);
    else this.#putInto(waiting, waiting.backoffUntil > clock.monotonic() ? 'backoff' : 'active', event);
  }

  #putInto(waiting: Waiting, place: Place, event?: string): void {
    waiting.place = place;
    if (event !== undefined) this.#options.onEnter?.(QUEUES[place], event);
    if (place === 'active' || place === 'unschedulable') waiting.at = this.#options.clock.monotonic();
    if (place === 'active') this.#active.push(waiting);
    else if (place === 'backoff') this.#backoff.push(waiting);
    else if (place === 'error-backoff') this.#errorBackoff.push(waiting);
    else if (place === 'unschedulable') this.#unschedulable.add(waiting);
    if (place === 'active' || place === 'backoff') this.#options.onReady();
    this.#arm();
  }

  #takeOut(waiting: Waiting): void {
    if (waiting.place === 'active') this.#active.delete(waiting);
    else if (waiting.place === 'backoff') this.#backoff.delete(waiting);
    else if (waiting.place === 'error-backoff') this.#errorBackoff.delete(waiting);
    else if (waiting.place === 'unschedulable') this.#unschedulable.delete(waiting);
    waiting.place = 'trying';
  }

  /** One timer, for the first that is due: nothing polls. A pod of the plain backoff needs none, it is taken as soon as nobody else waits. */
  #arm(): void {
    if (this.#closed) return;
    const oldest = this.#unschedulable.values().next().value;
    const due = Math.min(this.#errorBackoff.peek()?.backoffUntil ?? Infinity, oldest ? oldest.at + MAX_UNSCHEDULABLE_MS : Infinity);
    if (due === Infinity || (this.#timer && this.#timer.due <= due)) return;
    this.#timer?.handle[Symbol.dispose]();
    const handle = this.#options.clock.timer(due - this.#options.clock.monotonic(), () => {
      this.#timer = undefined;
      this.#onDue();
    });
    this.#timer = { due, handle };
  }

  #onDue(): void {
    const now = this.#options.clock.monotonic();
    while ((this.#errorBackoff.peek()?.backoffUntil ?? Infinity) <= now) {
      const waiting = this.#errorBackoff.peek()!;
      this.#takeOut(waiting);
      this.#requeue(waiting, 'BackoffComplete');
    }
    // In the order in which they came into the pool.
    for (const waiting of this.#unschedulable) {
      if (waiting.at + MAX_UNSCHEDULABLE_MS > now) break;
      this.#takeOut(waiting);
      waiting.flushed = true;
      this.#requeue(waiting, 'UnschedulableTimeout');
    }
    this.#arm();
  }
}
