import type { PriorityLevelConfiguration } from '../../api/generated/flowcontrol-v1.ts';
import { allocateConcurrency } from './concurrency-allocation.ts';
import { QueueSet } from './queue-set.ts';
import { RetryAfter } from './retry-after.ts';
import { SeatDemand } from './seat-demand.ts';

/** How often limits are adjusted, at most: by what levels lend and borrow. Upstream: borrowingAdjustmentPeriod. */
export const ADJUSTMENT_MS = 10_000;

/** A request takes at most this part of its level. */
const MOST_SEATS_PART = 0.15;

/** One priority level at work. */
export interface PriorityLevel {
  readonly name: string;
  config: PriorityLevelConfiguration;
  readonly exempt: boolean;
  readonly queues: QueueSet;
  readonly demand: SeatDemand;
  readonly retryAfter: RetryAfter;
  /** Seats: as configured, after all lending, after all borrowing, and now. */
  nominal: number;
  lower: number;
  upper: number;
  current: number;
  /** Most seats of one request; 0: no limit of its own. */
  mostSeats: number;
  /** Its object is gone; it goes when its last request has. */
  leaving: boolean;
}

interface Shares {
  readonly shares: number;
  readonly lendable: number;
  readonly borrowable: number | undefined;
}

function sharesOf({ spec }: PriorityLevelConfiguration): Shares {
  const { nominalConcurrencyShares, lendablePercent } = spec.limited ?? spec.exempt ?? {};
  return { shares: nominalConcurrencyShares ?? (spec.limited ? 30 : 0), lendable: lendablePercent ?? 0, borrowable: spec.limited?.borrowingLimitPercent };
}

/**
 * The priority levels and how the server's seats are divided among them: by shares, then by who lends and who needs.
 * Upstream: apiserver pkg/util/flowcontrol.configController.
 */
export class PriorityLevels {
  readonly #total: number;
  readonly #levels = new Map<string, PriorityLevel>();
  #adjustedMs: number;
  #nominalSum = 0;
  #fairFraction = 0;

  /** `total`: seats of the whole server. */
  constructor(total: number, nowMs: number) {
    this.#total = total;
    this.#adjustedMs = nowMs;
  }

  get fairFraction(): number {
    return this.#fairFraction;
  }

  /** When limits were adjusted last. */
  get adjustedMs(): number {
    return this.#adjustedMs;
  }

  get(name: string): PriorityLevel | undefined {
    return this.#levels.get(name);
  }

  all(): Iterable<PriorityLevel> {
    return this.#levels.values();
  }

  /** Takes the configuration as it is now. Levels that are gone stay until their requests have left. */
  configure(configurations: readonly PriorityLevelConfiguration[], nowMs: number): void {
    const wanted = new Map(configurations.map((config) => [config.metadata.name, config]));
    for (const level of this.#levels.values()) {
      level.leaving = !wanted.has(level.name);
      if (level.leaving && level.queues.idle) this.#levels.delete(level.name);
    }
    for (const [name, config] of wanted) {
      const known = this.#levels.get(name);
      const exempt = config.spec.type === 'Exempt';
      if (known?.exempt === exempt) known.config = config;
      else {
        this.#levels.set(name, {
          name, config, exempt, queues: new QueueSet(), demand: new SeatDemand(nowMs, ADJUSTMENT_MS), retryAfter: new RetryAfter(), nominal: 0, lower: 0, upper: 0, current: 0, mostSeats: 0, leaving: false,
        });
      }
    }
    this.#divide(nowMs);
  }

  /** Lets levels lend what they do not use to those that could. */
  adjust(nowMs: number): void {
    this.#adjustedMs = nowMs;
    const limited: PriorityLevel[] = [];
    let left = this.#nominalSum;
    for (const level of this.#levels.values()) {
      const { highest } = level.demand.take(nowMs);
      if (level.exempt) {
        level.current = Math.max(level.lower, highest);
        left -= level.current;
      } else limited.push(level);
    }
    const floorOf = (level: PriorityLevel): number => Math.max(level.lower, Math.min(level.nominal, level.demand.figures.highest));
    const lowerSum = limited.reduce((sum, { lower }) => sum + lower, 0);
    const floorSum = limited.reduce((sum, level) => sum + floorOf(level), 0);
    this.#fairFraction = 0;
    if (left <= lowerSum) for (const level of limited) level.current = level.lower;
    else if (left <= floorSum) for (const level of limited) level.current = level.lower + Math.round((floorOf(level) - level.lower) * ((left - lowerSum) / (floorSum - lowerSum)));
    else {
      const { seats, fairFraction } = allocateConcurrency(this.#nominalSum, limited.map((level) => {
        const floor = floorOf(level);
        return { lower: floor, upper: level.upper, target: Math.max(floor, level.demand.figures.smoothed) };
      }));
      this.#fairFraction = fairFraction;
      limited.forEach((level, i) => (level.current = Math.round(seats[i]!)));
    }
    for (const level of limited) level.queues.configure(limitsOf(level), level.current, nowMs);
  }

  #divide(nowMs: number): void {
    const shareSum = [...this.#levels.values()].reduce((sum, { config }) => sum + sharesOf(config).shares, 0);
    this.#nominalSum = 0;
    for (const level of this.#levels.values()) {
      const { shares, lendable, borrowable } = sharesOf(level.config);
      const nominal = shareSum > 0 ? Math.ceil((this.#total * shares) / shareSum) : 0;
      const changed = level.nominal !== nominal || level.current === 0;
      level.nominal = nominal;
      level.lower = nominal - Math.round((nominal * lendable) / 100);
      level.upper = nominal + (borrowable === undefined ? this.#total : Math.round((nominal * borrowable) / 100));
      this.#nominalSum += nominal;
      if (changed) level.current = nominal;
      else level.current = Math.max(level.lower, Math.min(level.upper, level.current));
      const queuing = level.config.spec.limited?.limitResponse?.queuing;
      level.mostSeats = queuing ? Math.max(1, Math.min(Math.ceil(nominal * MOST_SEATS_PART), Math.floor(nominal / Math.max(1, queuing.handSize ?? 1)))) : 0;
      if (!level.exempt) level.queues.configure(limitsOf(level), level.current, nowMs);
    }
  }
}

function limitsOf({ config }: PriorityLevel): { queues: number; handSize: number; queueLengthLimit: number } {
  const queuing = config.spec.limited?.limitResponse?.type === 'Queue' ? config.spec.limited.limitResponse.queuing : undefined;
  return { queues: queuing?.queues ?? 0, handSize: queuing?.handSize ?? 0, queueLengthLimit: queuing?.queueLengthLimit ?? 0 };
}
