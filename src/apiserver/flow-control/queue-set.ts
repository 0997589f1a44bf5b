import { dealHand } from './shuffle-sharding.ts';

/** How much of the server a request takes. */
export interface WorkEstimate {
  /** While it is served. */
  readonly initialSeats: number;
  /** After its answer, for `additionalMs`: until all watchers have heard of what it wrote. */
  readonly finalSeats: number;
  readonly additionalMs: number;
}

export interface QueuingLimits {
  /** 0: requests that find no seats are refused at once. */
  readonly queues: number;
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

/** Requests that are treated alike and have their queues in common: a schema and what distinguishes its flows. */
export interface Flow {
  readonly schema: string;
  readonly distinguisher: string;
  /** Of both. */
  readonly key: string;
}

/** One request's way through a queue set. */
export interface Visit {
  readonly flow: Flow;
  readonly work: WorkEstimate;
  /** Called when the request leaves its queue to be served; not where `arrive` says it is served at once. */
  dispatched(): void;
}

/** A visit as the set keeps it. Amounts of work are in seat-milliseconds. */
interface Guest {
  readonly visit: Visit;
  readonly seats: number;
  readonly total: number;
  readonly queue: Queue | undefined;
  readonly arrivalR: number;
  readonly arrivedMs: number;
  startedMs: number;
}

interface Queue {
  readonly waiting: Guest[];
  readonly executing: Set<Guest>;
  seatsInUse: number;
  seatsWaiting: number;
  workWaiting: number;
  /** The virtual time at which its next request starts. */
  nextDispatchR: number;
}

/** What a request is guessed to take before it is known. */
const GUESS_MS = 3;

/** How many flows keep the queues they were dealt. */
const HANDS_KEPT = 1024;

export interface QueueSetFigures {
  waiting: number;
  executing: number;
  seatsInUse: number;
  seatsWaiting: number;
  dispatched: number;
  rejected: number;
  timedOut: number;
  cancelled: number;
}

/**
 * The requests of one priority level: so many seats, and queues for what finds none, served by fair queueing. A virtual clock runs at the rate at
 * which each busy queue would be served if all were served at once; the queue whose first request would end first goes next.
 * Pure but for its state: time comes in as an argument, and nothing happens by itself. Upstream: apiserver pkg/util/flowcontrol/fairqueuing/queueset.
 */
export class QueueSet {
  readonly figures: QueueSetFigures = { waiting: 0, executing: 0, seatsInUse: 0, seatsWaiting: 0, dispatched: 0, rejected: 0, timedOut: 0, cancelled: 0 };
  readonly #guests = new Map<Visit, Guest>();
  readonly #hands = new Map<string, readonly number[]>();
  #queues: Queue[] = [];
  #limits: QueuingLimits = { queues: 0, handSize: 0, queueLengthLimit: 0 };
  #seats = 0;
  #currentR = 0;
  #lastMs = 0;
  #busyQueues = 0;
  #robin = 0;

  /** Seats it has at present. */
  get seats(): number {
    return this.#seats;
  }

  get idle(): boolean {
    return this.figures.executing === 0 && this.figures.waiting === 0;
  }

  /** Seats that it could use now. */
  get demand(): number {
    return this.figures.seatsInUse + this.figures.seatsWaiting;
  }

  /** New limits hold for what comes; queues that are too many go when they are empty. */
  configure(limits: QueuingLimits, seats: number, nowMs: number): void {
    this.#pass(nowMs);
    if (limits.queues !== this.#limits.queues || limits.handSize !== this.#limits.handSize) this.#hands.clear();
    while (this.#queues.length < limits.queues) this.#queues.push({ waiting: [], executing: new Set(), seatsInUse: 0, seatsWaiting: 0, workWaiting: 0, nextDispatchR: 0 });
    this.#limits = limits;
    this.#seats = seats;
    this.#dispatch(nowMs);
  }

  /** Takes a request in: it is served at once, waits (`dispatched` will be called), or is refused for the reason given. */
  arrive(visit: Visit, nowMs: number): 'executing' | 'queued' | 'queue-full' | 'concurrency-limit' {
    this.#pass(nowMs);
    const { work } = visit;
    const seats = Math.max(work.initialSeats, work.finalSeats);
    const total = work.initialSeats * GUESS_MS + work.finalSeats * work.additionalMs;
    const base = { visit, seats, total, arrivalR: this.#currentR, arrivedMs: nowMs, startedMs: 0 };
    if (this.#limits.queues < 1) {
      if (!this.#accommodates(seats)) {
        this.figures.rejected++;
        return 'concurrency-limit';
      }
      this.#serve({ ...base, queue: undefined }, nowMs);
      return 'executing';
    }
    const queue = this.#leastLoaded(visit.flow);
    if (this.figures.seatsInUse >= this.#seats && queue.waiting.length >= this.#limits.queueLengthLimit) {
      this.figures.rejected++;
      return 'queue-full';
    }
    const guest: Guest = { ...base, queue };
    if (queue.waiting.length === 0 && queue.executing.size === 0) {
      queue.nextDispatchR = this.#currentR;
      this.#busyQueues++;
    }
    if (this.figures.waiting === 0 && this.#accommodates(seats)) {
      this.#serve(guest, nowMs);
      return 'executing';
    }
    this.#guests.set(visit, guest);
    queue.waiting.push(guest);
    queue.seatsWaiting += seats;
    queue.workWaiting += total;
    this.figures.waiting++;
    this.figures.seatsWaiting += seats;
    this.#dispatch(nowMs);
    return guest.startedMs > 0 || queue.executing.has(guest) ? 'executing' : 'queued';
  }

  /** Takes a request that waits out of its queue; false where it waits no longer. */
  cancel(visit: Visit, why: 'timedOut' | 'cancelled', nowMs: number): boolean {
    const guest = this.#guests.get(visit);
    const index = guest?.queue?.waiting.indexOf(guest) ?? -1;
    if (!guest || index < 0) return false;
    this.#pass(nowMs);
    this.#leaveQueue(guest, index);
    this.#guests.delete(visit);
    this.#settle(guest.queue!);
    this.figures[why]++;
    this.figures.rejected++;
    this.#dispatch(nowMs);
    return true;
  }

  /**
   * The answer of a request that was served is out. Its seats are free unless its work goes on: then `release` is to be called after
   * `additionalMs`. Answers whether that is so.
   */
  finish(visit: Visit, nowMs: number): 'released' | 'lingering' {
    this.#pass(nowMs);
    const guest = this.#guests.get(visit);
    if (!guest) return 'released';
    this.figures.executing--;
    const { queue } = guest;
    if (queue) {
      queue.executing.delete(guest);
      // What was guessed is corrected by what it took.
      queue.nextDispatchR -= visit.work.initialSeats * (GUESS_MS - (nowMs - guest.startedMs));
      this.#settle(queue);
    }
    if (visit.work.additionalMs > 0) return 'lingering';
    this.release(visit, nowMs);
    return 'released';
  }

  release(visit: Visit, nowMs: number): void {
    const guest = this.#guests.get(visit);
    if (!guest) return;
    this.#pass(nowMs);
    this.#guests.delete(visit);
    this.figures.seatsInUse -= guest.seats;
    if (guest.queue) {
      guest.queue.seatsInUse -= guest.seats;
      this.#removeSurplus();
    }
    this.#dispatch(nowMs);
  }

  /** For dumps: every queue with what waits in it and what is served out of it; requests without a queue come last under -1. */
  *contents(): Generator<{ readonly index: number; readonly waiting: readonly Guest[]; readonly executing: readonly Guest[]; readonly seatsInUse: number; readonly nextDispatchR: number }> {
    for (const [index, { waiting, executing, seatsInUse, nextDispatchR }] of this.#queues.entries()) yield { index, waiting, executing: [...executing], seatsInUse, nextDispatchR };
    const queueless = [...this.#guests.values()].filter(({ queue }) => !queue);
    if (queueless.length > 0) yield { index: -1, waiting: [], executing: queueless, seatsInUse: queueless.reduce((sum, { seats }) => sum + seats, 0), nextDispatchR: 0 };
  }

  /** Moves the virtual clock on. All that was so since the last call was so all the time. */
  #pass(nowMs: number): void {
    const elapsed = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (this.#busyQueues > 0) this.#currentR += elapsed * (Math.min(this.demand, this.#seats) / this.#busyQueues);
    else this.#currentR = 0; // nothing refers to it
  }

  /** A request wider than the whole level is served when nothing else is. */
  #accommodates(seats: number): boolean {
    return seats > this.#seats ? this.figures.executing === 0 : this.figures.seatsInUse + seats <= this.#seats;
  }

  #leastLoaded({ key }: Flow): Queue {
    let hand = this.#hands.get(key);
    if (!hand) {
      if (this.#hands.size >= HANDS_KEPT) this.#hands.clear();
      this.#hands.set(key, (hand = dealHand(key, this.#limits.queues, this.#limits.handSize)));
    }
    let best = this.#queues[hand[0]!]!;
    let least = Infinity;
    for (const card of hand) {
      const queue = this.#queues[card]!;
      const load = queue.workWaiting + queue.seatsInUse * GUESS_MS;
      if (load < least) {
        least = load;
        best = queue;
      }
    }
    return best;
  }

  #serve(guest: Guest, nowMs: number): void {
    const { queue, seats, total, visit } = guest;
    guest.startedMs = nowMs;
    this.#guests.set(visit, guest);
    this.figures.executing++;
    this.figures.dispatched++;
    this.figures.seatsInUse += seats;
    if (!queue) return;
    queue.executing.add(guest);
    queue.seatsInUse += seats;
    queue.nextDispatchR += total;
  }

  #dispatch(nowMs: number): void {
    while (this.figures.waiting > 0) {
      let chosen: Queue | undefined;
      let earliest = Infinity;
      let at = this.#robin;
      for (let i = 1; i <= this.#queues.length; i++) {
        const index = (this.#robin + i) % this.#queues.length;
        const queue = this.#queues[index]!;
        const [first] = queue.waiting;
        if (first && queue.nextDispatchR + first.total < earliest) {
          earliest = queue.nextDispatchR + first.total;
          chosen = queue;
          at = index;
        }
      }
      const guest = chosen!.waiting[0]!;
      // The widest may have to wait; then all do, or it would wait for ever.
      if (!this.#accommodates(guest.seats)) return;
      this.#robin = at;
      this.#leaveQueue(guest, 0);
      this.#serve(guest, nowMs);
      this.#bound(chosen!);
      guest.visit.dispatched();
    }
  }

  #leaveQueue(guest: Guest, index: number): void {
    const queue = guest.queue!;
    queue.waiting.splice(index, 1);
    queue.seatsWaiting -= guest.seats;
    queue.workWaiting -= guest.total;
    this.figures.waiting--;
    this.figures.seatsWaiting -= guest.seats;
  }

  /** After something left the queue. */
  #settle(queue: Queue): void {
    this.#bound(queue);
    if (queue.waiting.length === 0 && queue.executing.size === 0) this.#busyQueues--;
    this.#removeSurplus();
  }

  /** A queue that cannot use all that it might gains no credit by that: nothing starts before it came. */
  #bound(queue: Queue): void {
    const [first] = queue.waiting;
    if (first && queue.nextDispatchR < first.arrivalR) queue.nextDispatchR = first.arrivalR;
  }

  #removeSurplus(): void {
    while (this.#queues.length > this.#limits.queues) {
      const last = this.#queues.at(-1)!;
      if (last.waiting.length > 0 || last.executing.size > 0 || last.seatsInUse > 0) return;
      this.#queues.pop();
      this.#robin = 0;
    }
  }
}
