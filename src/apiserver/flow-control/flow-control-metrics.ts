import type { Cell, CellFamily, HistogramFamily, Histogram, MetricRegistry } from '../../base/metrics.ts';
import type { PriorityLevel, PriorityLevels } from './priority-levels.ts';
import type { WorkEstimate } from './queue-set.ts';

const PREFIX = 'apiserver_flowcontrol_';
const LEVEL = ['priority_level'] as const;
const LEVEL_AND_SCHEMA = ['priority_level', 'flow_schema'] as const;
const DURATIONS = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

/** The series of one schema on one level, found once. */
interface Series {
  readonly dispatched: Cell;
  readonly executing: Cell;
  readonly executingSeats: Cell;
  readonly inQueue: Cell;
  readonly inQueueSeats: Cell;
  readonly waited: Histogram;
  readonly waitedInVain: Histogram;
  readonly watches: Histogram;
  readonly others: Histogram;
  readonly estimated: Histogram;
}

/** Upstream: apiserver pkg/util/flowcontrol/metrics. */
export class FlowControlMetrics {
  readonly #rejected: CellFamily;
  readonly #dispatched: CellFamily;
  readonly #executing: CellFamily;
  readonly #executingSeats: CellFamily;
  readonly #inQueue: CellFamily;
  readonly #inQueueSeats: CellFamily;
  readonly #waited: HistogramFamily;
  readonly #execution: HistogramFamily;
  readonly #estimated: HistogramFamily;
  readonly #series = new Map<string, Map<string, Series>>();

  constructor(metrics: MetricRegistry, levels: PriorityLevels) {
    this.#rejected = metrics.counter(`${PREFIX}rejected_requests_total`, 'Number of requests refused by priority and fairness.', [...LEVEL_AND_SCHEMA, 'reason']);
    this.#dispatched = metrics.counter(`${PREFIX}dispatched_requests_total`, 'Number of requests that were served.', LEVEL_AND_SCHEMA);
    this.#inQueue = metrics.gauge(`${PREFIX}current_inqueue_requests`, 'Number of requests that wait in queues.', LEVEL_AND_SCHEMA);
    this.#inQueueSeats = metrics.gauge(`${PREFIX}current_inqueue_seats`, 'Number of seats that requests in queues will take.', LEVEL_AND_SCHEMA);
    this.#executing = metrics.gauge(`${PREFIX}current_executing_requests`, 'Number of requests being served; of watches, those that begin.', LEVEL_AND_SCHEMA);
    this.#executingSeats = metrics.gauge(`${PREFIX}current_executing_seats`, 'Number of seats taken by requests being served.', LEVEL_AND_SCHEMA);
    this.#waited = metrics.histogram(`${PREFIX}request_wait_duration_seconds`, 'How long requests waited in their queues.', DURATIONS, [...LEVEL_AND_SCHEMA, 'execute']);
    this.#execution = metrics.histogram(`${PREFIX}request_execution_seconds`, 'How long requests were served; watches, until they were open.', DURATIONS, [...LEVEL_AND_SCHEMA, 'type']);
    this.#estimated = metrics.histogram(`${PREFIX}work_estimated_seats`, 'Number of seats that requests were estimated to take.', [1, 2, 4, 8, 16, 32, 64, 100], LEVEL_AND_SCHEMA);
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

  estimated(level: string, schema: string, { initialSeats, finalSeats }: WorkEstimate): void {
    this.#of(level, schema).estimated.observe(Math.max(initialSeats, finalSeats));
  }

  queued(level: string, schema: string, seats: number, requests: number): void {
    const series = this.#of(level, schema);
    series.inQueue.add(requests);
    series.inQueueSeats.add(seats);
  }

  waited(level: string, schema: string, executed: boolean, seconds: number): void {
    const series = this.#of(level, schema);
    (executed ? series.waited : series.waitedInVain).observe(seconds);
  }

  dispatched(level: string, schema: string, seats: number): void {
    const series = this.#of(level, schema);
    series.dispatched.add();
    series.executing.add();
    series.executingSeats.add(seats);
  }

  finished(level: string, schema: string, seats: number, took: { readonly verb: string; readonly seconds: number } | undefined): void {
    const series = this.#of(level, schema);
    series.executing.add(-1);
    series.executingSeats.add(-seats);
    if (took) (took.verb === 'watch' ? series.watches : series.others).observe(took.seconds);
  }

  /** `reason`: `queue-full`, `concurrency-limit`, `time-out`, `cancelled`. */
  rejected(level: string, schema: string, reason: string): void {
    this.#rejected.of(level, schema, reason).add();
  }

  #of(level: string, schema: string): Series {
    let schemas = this.#series.get(level);
    if (!schemas) this.#series.set(level, (schemas = new Map()));
    let series = schemas.get(schema);
    if (!series) {
      schemas.set(schema, (series = {
        dispatched: this.#dispatched.of(level, schema), executing: this.#executing.of(level, schema), executingSeats: this.#executingSeats.of(level, schema),
        inQueue: this.#inQueue.of(level, schema), inQueueSeats: this.#inQueueSeats.of(level, schema), waited: this.#waited.of(level, schema, 'true'), waitedInVain: this.#waited.of(level, schema, 'false'),
        watches: this.#execution.of(level, schema, 'watch'), others: this.#execution.of(level, schema, 'regular'), estimated: this.#estimated.of(level, schema),
      }));
    }
    return series;
  }
}
