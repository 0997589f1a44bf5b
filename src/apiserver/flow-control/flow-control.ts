import type { FlowSchema, PriorityLevelConfiguration } from '../../api/generated/flowcontrol-v1.ts';
import { flowSchemas, priorityLevelConfigurations } from '../../api/generated/resources.ts';
import type { User } from '../../api/kind.ts';
import type { Clock } from '../../base/clock.ts';
import type { MetricRegistry } from '../../base/metrics.ts';
import { SharedTurns } from '../../base/shared-turns.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import type { RequestInfo } from '../request.ts';
import { mandatoryLevels, mandatorySchemas } from './bootstrap-configuration.ts';
import { FlowControlMetrics, type FlowSeries } from './flow-control-metrics.ts';
import { FlowMatcher } from './flow-matcher.ts';
import { ADJUSTMENT_MS, PriorityLevels, type PriorityLevel } from './priority-levels.ts';
import type { Flow, Visit, WorkEstimate } from './queue-set.ts';
import { WatchCounts } from './watch-counts.ts';
import { estimateWork, type ResourceFigures } from './work-estimate.ts';

export interface FlowControlOptions {
  readonly objects: StoredObjects;
  readonly figures: Pick<ResourceFigures, 'objects'>;
  readonly clock: Clock;
  readonly metrics: MetricRegistry;
  /** Seats of the whole server. Default 600, as upstream's --max-requests-inflight and --max-mutating-requests-inflight make together. */
  readonly seats?: number;
}

/** Requests that last are not counted, but the beginning of a watch is. Upstream: the server's LongRunningFunc. */
const LONG_RUNNING: readonly string[] = ['attach', 'exec', 'proxy', 'log', 'portforward'];

const DEFAULT_SEATS = 600;
/** A request waits at most a fourth of the time it may take as a whole, which is a minute where the client says nothing. */
const DEFAULT_WAIT_MS = 15_000;
const LONGEST_WAIT_MS = 60_000;

/** One request's way: asks to be served when it likes to begin, and says when its answer is out. */
export interface Ticket {
  readonly flowSchemaUid: string;
  readonly priorityLevelUid: string;
  /** Undefined: begin at once. Otherwise resolves when it is served or refused. */
  readonly waiting: Promise<void> | undefined;
  /** Seconds that the client is to wait before it comes again; undefined where it is not refused. Known after `waiting`. */
  readonly refused: number | undefined;
  /** To be called once, when the answer is out or given up. For a watch: when it is open. */
  finish(): void;
  /** The client has gone: where it waits, it need not be served. */
  abandon(): void;
}

/**
 * Priority and fairness: each request falls under a flow schema, whose priority level has so many seats; what finds none waits in queues that are served
 * fairly between flows, or is refused. Limits move between levels by lending. On one thread that is not all: see SharedTurns.
 * Upstream: apiserver pkg/util/flowcontrol, pkg/server/filters.WithPriorityAndFairness.
 */
export class FlowControl implements Disposable {
  readonly #options: FlowControlOptions;
  readonly #stack = new DisposableStack();
  readonly #schemas = new Map<string, FlowSchema>();
  readonly #configurations = new Map<string, PriorityLevelConfiguration>();
  readonly levels: PriorityLevels;
  readonly watches = new WatchCounts();
  readonly #metrics: FlowControlMetrics;
  readonly #turns: SharedTurns;
  readonly #figures: ResourceFigures;
  #matcher = new FlowMatcher([]);
  /** What is found once for all requests under a schema. */
  readonly #lanes = new Map<FlowSchema, Lane>();
  #stale = true;
  #adjustment: Disposable | undefined;

  constructor(options: FlowControlOptions) {
    this.#options = options;
    const { objects, clock, metrics, seats = DEFAULT_SEATS } = options;
    this.levels = new PriorityLevels(seats, clock.monotonic());
    this.#turns = new SharedTurns(clock);
    this.#metrics = new FlowControlMetrics(metrics, this.levels);
    this.#figures = { objects: (info) => options.figures.objects(info), watchers: (info) => this.watches.of(info) };
    this.#stack.use(objects.follow(flowSchemas, {
      put: (schema, previous) => this.#note(this.#schemas, schema, previous?.spec === schema.spec),
      delete: ({ metadata }) => this.#forget(this.#schemas, metadata.name),
    }));
    this.#stack.use(objects.follow(priorityLevelConfigurations, {
      put: (configuration, previous) => this.#note(this.#configurations, configuration, previous?.spec === configuration.spec),
      delete: ({ metadata }) => this.#forget(this.#configurations, metadata.name),
    }));
  }

  /** Undefined for requests that are not counted. */
  start(user: User, info: RequestInfo, query: URLSearchParams): Ticket | undefined {
    if (info.isResourceRequest && info.verb !== 'watch' && (LONG_RUNNING.includes(info.subresource) || info.verb === 'proxy')) return undefined;
    this.#digest();
    const schema = this.#matcher.match(user, info);
    let lane = this.#lanes.get(schema);
    if (!lane) {
      const found = this.levels.get(schema.spec.priorityLevelConfiguration.name)!;
      this.#lanes.set(schema, (lane = { schema, level: found, series: this.#metrics.of(found.name, schema.metadata.name) }));
    }
    const { level } = lane;
    if (level.exempt) return new ExemptVisit(lane, this.#options.clock);
    const method = schema.spec.distinguisherMethod?.type;
    const distinguisher = method === 'ByUser' ? user.name : method === 'ByNamespace' ? info.namespace : '';
    const visit = new LimitedVisit(this, lane, distinguisher, estimateWork(info, query, this.#figures, level.mostSeats), info, user);
    visit.begin(waitLimitMs(query));
    return visit;
  }

  /** For those that wait, and for dumps: brings the configuration up to date. */
  refresh(): void {
    this.#digest();
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get metrics(): FlowControlMetrics {
    return this.#metrics;
  }

  get turns(): SharedTurns {
    return this.#turns;
  }

  /** Somebody waits: levels that need no seats shall lend theirs, now or when the last adjustment is old enough. */
  contended(): void {
    if (this.#adjustment) return;
    const { clock } = this.#options;
    const due = this.levels.adjustedMs + ADJUSTMENT_MS - clock.monotonic();
    this.#adjustment = clock.timer(Math.max(0, due), () => {
      this.#adjustment = undefined;
      this.levels.adjust(clock.monotonic());
      if ([...this.levels.all()].some(({ queues }) => queues.figures.waiting > 0)) this.contended();
    });
  }

  /** A level whose object is gone may have become idle. */
  reap(level: PriorityLevel): void {
    if (level.leaving && level.queues.idle) this.#stale = true;
  }

  #note<T extends { readonly metadata: { readonly name: string } }>(known: Map<string, T>, object: T, unchanged: boolean): void {
    known.set(object.metadata.name, object);
    if (!unchanged) this.#stale = true;
  }

  #forget(known: Map<string, unknown>, name: string): void {
    known.delete(name);
    this.#stale = true;
  }

  /** Many objects may have changed at once: they are taken together, by the next who asks. */
  #digest(): void {
    if (!this.#stale) return;
    this.#stale = false;
    this.#lanes.clear();
    const configurations = new Map([...mandatoryLevels().map((level) => [level.metadata.name, level] as const), ...this.#configurations]);
    this.levels.configure([...configurations.values()], this.#options.clock.monotonic());
    const usable = [...this.#schemas.values()].filter(({ spec }) => configurations.has(spec.priorityLevelConfiguration.name));
    this.#matcher = new FlowMatcher([...mandatorySchemas().filter(({ metadata }) => !this.#schemas.has(metadata.name)), ...usable]);
  }

  [Symbol.dispose](): void {
    this.#adjustment?.[Symbol.dispose]();
    this.#stack.dispose();
  }
}

/** A schema with its level. */
interface Lane {
  readonly schema: FlowSchema;
  readonly level: PriorityLevel;
  readonly series: FlowSeries;
}

/** Requests of an exempt level are counted and never wait. */
class ExemptVisit implements Ticket {
  readonly waiting = undefined;
  readonly refused = undefined;
  readonly #lane: Lane;
  readonly #clock: Clock;

  constructor(lane: Lane, clock: Clock) {
    this.#lane = lane;
    this.#clock = clock;
    const { level, series } = lane;
    const { figures } = level.queues;
    figures.executing++;
    figures.dispatched++;
    figures.seatsInUse++;
    level.demand.set(figures.seatsInUse, clock.monotonic());
    series.served(1);
  }

  get flowSchemaUid(): string {
    return this.#lane.schema.metadata.uid;
  }

  get priorityLevelUid(): string {
    return this.#lane.level.config.metadata.uid;
  }

  abandon(): void {}

  finish(): void {
    const { level, series } = this.#lane;
    const { figures } = level.queues;
    figures.executing--;
    figures.seatsInUse--;
    level.demand.set(figures.seatsInUse, this.#clock.monotonic());
    series.finished(1);
  }
}

/** Requests of a level with so many seats. */
export class LimitedVisit implements Ticket, Visit {
  readonly flow: Flow;
  readonly work: WorkEstimate;
  readonly info: RequestInfo;
  readonly user: User;
  /** Milliseconds since 1970. */
  readonly arrivedAt: number;
  readonly #control: FlowControl;
  readonly #schema: FlowSchema;
  readonly #level: PriorityLevel;
  readonly #series: FlowSeries;
  readonly #seats: number;
  #waiting: Promise<void> | undefined;
  #refused: number | undefined;
  /** On the monotonic clock, in milliseconds: when it came, and when it was served. */
  #begun = 0;
  #startedMs = 0;
  #go: (() => void) | undefined;
  #limit: Disposable | undefined;
  #state: 'new' | 'queued' | 'serving' | 'refused' | 'done' = 'new';

  constructor(control: FlowControl, { schema, level, series }: Lane, distinguisher: string, work: WorkEstimate, info: RequestInfo, user: User) {
    this.#control = control;
    this.#schema = schema;
    this.#level = level;
    this.#series = series;
    this.flow = { schema: schema.metadata.name, distinguisher, key: `${schema.metadata.name},${distinguisher}` };
    this.work = work;
    this.#seats = Math.max(work.initialSeats, work.finalSeats);
    this.info = info;
    this.user = user;
    this.arrivedAt = control.clock.now();
  }

  /** Milliseconds since 1970; 0 while it waits. */
  get startedAt(): number {
    return this.#startedMs === 0 ? 0 : this.arrivedAt + this.#startedMs - this.#begun;
  }

  get flowSchemaUid(): string {
    return this.#schema.metadata.uid;
  }

  get priorityLevelUid(): string {
    return this.#level.config.metadata.uid;
  }

  get waiting(): Promise<void> | undefined {
    return this.#waiting;
  }

  get refused(): number | undefined {
    return this.#refused;
  }

  begin(limitMs: number): void {
    const { clock } = this.#control;
    const level = this.#level;
    this.#begun = clock.monotonic();
    this.#series.estimated.observe(this.#seats);
    const outcome = level.queues.arrive(this, this.#begun);
    if (outcome === 'queue-full' || outcome === 'concurrency-limit') return this.#refuse(outcome);
    if (outcome === 'executing') {
      this.#serve(this.#begun);
      this.#waiting = this.#turn();
      return;
    }
    level.demand.set(level.queues.demand, this.#begun);
    this.#state = 'queued';
    this.#series.queued(this.#seats, 1);
    this.#waiting = new Promise<void>((resolve) => (this.#go = resolve)).then(() => (this.#state === 'serving' ? this.#turn() : undefined));
    this.#limit = clock.timer(limitMs, () => this.#give('timedOut'));
    this.#control.contended();
  }

  dispatched(): void {
    if (this.#state !== 'queued') return;
    this.#limit?.[Symbol.dispose]();
    this.#series.queued(-this.#seats, -1);
    this.#serve(this.#control.clock.monotonic());
    this.#go!();
  }

  abandon(): void {
    if (this.#state === 'queued') this.#give('cancelled');
  }

  finish(): void {
    if (this.#state !== 'serving') return;
    this.#state = 'done';
    const { clock } = this.#control;
    const level = this.#level;
    const now = clock.monotonic();
    this.#series.finished(this.#seats);
    this.#series.took(this.info.verb, (now - this.#startedMs) / 1000);
    if (level.queues.finish(this, now) === 'lingering') {
      clock.timer(this.work.additionalMs, () => {
        level.queues.release(this, clock.monotonic());
        level.demand.set(level.queues.demand, clock.monotonic());
        this.#control.reap(level);
      });
    }
    level.demand.set(level.queues.demand, now);
    this.#control.reap(level);
  }

  #serve(nowMs: number): void {
    this.#state = 'serving';
    this.#startedMs = nowMs;
    this.#level.demand.set(this.#level.queues.demand, nowMs);
    this.#series.served(this.#seats);
    this.#series.waited.observe((nowMs - this.#begun) / 1000);
  }

  /** The thread is shared fairly among those that have seats. */
  #turn(): Promise<void> | undefined {
    return this.#control.turns.enter(this.#level.name, Math.max(1, this.#level.nominal), this.flow.key);
  }

  #give(why: 'timedOut' | 'cancelled'): void {
    const { clock } = this.#control;
    if (!this.#level.queues.cancel(this, why, clock.monotonic())) return;
    this.#limit?.[Symbol.dispose]();
    this.#series.queued(-this.#seats, -1);
    this.#series.waitedInVain.observe((clock.monotonic() - this.#begun) / 1000);
    this.#refuse(why === 'timedOut' ? 'time-out' : 'cancelled');
    this.#go!();
    this.#control.reap(this.#level);
  }

  #refuse(reason: string): void {
    const { clock, metrics } = this.#control;
    this.#state = 'refused';
    this.#level.retryAfter.refused(clock.now());
    this.#refused = this.#level.retryAfter.seconds;
    metrics.rejected(this.#level.name, this.flow.schema, reason);
  }
}

/** From the `timeout` that the client names, where it names one. */
function waitLimitMs(query: URLSearchParams): number {
  const timeout = query.get('timeout');
  const seconds = timeout && /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(timeout);
  if (!seconds) return DEFAULT_WAIT_MS;
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[seconds[2] ?? 's']!;
  return Math.min((Number(seconds[1]) * unit) / 4 || DEFAULT_WAIT_MS, LONGEST_WAIT_MS);
}
