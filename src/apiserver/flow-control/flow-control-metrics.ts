import type { Cell, CellFamily, HistogramFamily, Histogram, MetricRegistry } from '../../base/metrics.ts';
import type { PriorityLevel, PriorityLevels } from './priority-levels.ts';

const PREFIX = 'apiserver_flowcontrol_';
const LEVEL = ['priority_level'] as const;
const LEVEL_AND_SCHEMA = ['priority_level', 'flow_schema'] as const;
const DURATIONS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

/** The series of one schema on one level. */
export class FlowSeries {
  readonly estimated: Histogram;
  readonly waited: Histogram;
  readonly waitedInVain: Histogram;
  readonly #dispatched: Cell;
  readonly #executing: Cell;
  readonly #executingSeats: Cell;
  readonly #inQueue: Cell;
  readonly #inQueueSeats: Cell;
  readonly #watches: Histogram;
  readonly #others: Histogram;

  constructor(families: Families, level: string, schema: string) {
    this.estimated = families.estimated.of(level, schema);
    this.waited = families.waited.of(level, schema, 'true');
    this.waitedInVain = families.waited.of(level, schema, 'false');
    this.#dispatched = families.dispatched.of(level, schema);
    this.#executing = families.executing.of(level, schema);
    this.#executingSeats = families.executingSeats.of(level, schema);
    this.#inQueue = families.inQueue.of(level, schema);
    this.#inQueueSeats = families.inQueueSeats.of(level, schema);
    this.#watches = families.execution.of(level, schema, 'watch');
    this.#others = families.execution.of(level, schema, 'regular');
  }

  queued(seats: number, requests: number): void {
    this.#inQueue.add(requests);
    this.#inQueueSeats.add(seats);
  }

  served(seats: number): void {
    this.#dispatched.add();
    this.#executing.add();
    this.#executingSeats.add(seats);
  }

  finished(seats: number): void {
    this.#executing.add(-1);
    this.#executingSeats.add(-seats);
  }

  took(verb: string, seconds: number): void {
    (verb === 'watch' ? this.#watches : this.#others).observe(seconds);
  }
}

type Families = Readonly<Record<'dispatched' | 'executing' | 'executingSeats' | 'inQueue' | 'inQueueSeats', CellFamily> & Record<'waited' | 'execution' | 'estimated', HistogramFamily>>;

/** Upstream: apiserver pkg/util/flowcontrol/metrics. */
export class FlowControlMetrics {
  readonly #rejected: CellFamily;
  readonly #families: Families;
  readonly #series = new Map<string, FlowSeries>();

  constructor(metrics: MetricRegistry, levels: PriorityLevels) {
    this.#rejected = metrics.counter(`${PREFIX}rejected_requests_total`, 'Number of requests refused by priority and fairness.', [...LEVEL_AND_SCHEMA, 'reason']);
    this.#families = {
      dispatched: metrics.counter(`${PREFIX}dispatched_requests_total`, 'Number of requests that were served.', LEVEL_AND_SCHEMA),
      inQueue: metrics.gauge(`${PREFIX}current_inqueue_requests`, 'Number of requests that wait in queues.', LEVEL_AND_SCHEMA),
      inQueueSeats: metrics.gauge(`${PREFIX}current_inqueue_seats`, 'Number of seats that requests in queues will take.', LEVEL_AND_SCHEMA),
      executing: metrics.gauge(`${PREFIX}current_executing_requests`, 'Number of requests being served; of watches, those that begin.', LEVEL_AND_SCHEMA),
      executingSeats: metrics.gauge(`${PREFIX}current_executing_seats`, 'Number of seats taken by requests being served.', LEVEL_AND_SCHEMA),
      waited: metrics.histogram(`${PREFIX}request_wait_duration_seconds`, 'How long requests waited in their queues.', DURATIONS, [...LEVEL_AND_SCHEMA, 'execute']),
      execution: metrics.histogram(`${PREFIX}request_execution_seconds`, 'How long requests were served; watches, until they were open.', DURATIONS, [...LEVEL_AND_SCHEMA, 'type']),
      estimated: metrics.histogram(`${PREFIX}work_estimated_seats`, 'Number of seats that requests were estimated to take.', [1, 2, 4, 8, 16, 32, 64, 100], LEVEL_AND_SCHEMA),
    };
    const gauge = (name: string, help: string, value: (level: PriorityLevel) => number): void => {
      metrics.derived(PREFIX + name, help, 'gauge', LEVEL, function* () {
        for (const level of levels.all()) yield [[level.name], value(level)];
      });
    };
    gauge('nominal_limit_seats', 'Number of seats as configured.', ({ nominal }) => nominal);
    gauge('lower_limit_seats', 'Number of seats that are never lent.', ({ lower }) => lower);
    gauge('upper_limit_seats', 'Number of seats with all that may be borrowed.', ({ upper }) => upper);
    gauge('current_limit_seats', 'Number of seats at present.', ({ current }) => current);
    gauge('demand_seats_high_watermark', 'Most seats that could be used at once in the last period.', ({ demand }) => demand.figures.highest);
    gauge('demand_seats_average', 'Average of the seats that could be used in the last period.', ({ demand }) => demand.figures.average);
    gauge('demand_seats_stdev', 'Standard deviation of the seats that could be used in the last period.', ({ demand }) => demand.figures.deviation);
    gauge('demand_seats_smoothed', 'Smoothed demand for seats.', ({ demand }) => demand.figures.smoothed);
    gauge('target_seats', 'Number of seats aimed at.', ({ demand, lower, nominal }) => Math.max(lower, Math.min(nominal, demand.figures.highest), demand.figures.smoothed));
    metrics.derived(`${PREFIX}seat_fair_frac`, 'The part of its target that each level gets.', 'gauge', [], () => [[[], levels.fairFraction]]);
  }

  /** `reason`: `queue-full`, `concurrency-limit`, `time-out`, `cancelled`. */
  rejected(level: string, schema: string, reason: string): void {
    this.#rejected.of(level, schema, reason).add();
  }

  /** The series of one schema on one level, to be kept at hand. */
  of(level: string, schema: string): FlowSeries {
    const key = `${level},${schema}`;
    let series = this.#series.get(key);
    if (!series) this.#series.set(key, (series = new FlowSeries(this.#families, level, schema)));
    return series;
  }
}
