import { guaranteedMetrics } from './guaranteed-metrics.ts';

/** Measurements in Prometheus' text form. A family has a name and the names of its labels; a cell is one series, which hot code keeps at hand. */

interface Family {
  readonly name: string;
  text(lines: string[]): void;
}

/** Families of a process, shown together. */
export class MetricRegistry {
  readonly #families: Family[] = [];

  /** How many families there are of which stability. Upstream: component-base metrics/prometheus/meta. */
  countFamilies(): void {
    this.derived('registered_metrics_total', 'Number of families of metrics, by how stable they are.', 'counter', ['stability_level', 'deprecated_version'], () =>
      [...Map.groupBy(this.#families, ({ name }) => stabilityOf(name))].map(([level, { length }]) => [[level, ''], length]));
    this.counter('disabled_metrics_total', 'Number of families that are switched off.').of();
    this.counter('hidden_metrics_total', 'Number of families that are hidden because they are deprecated.').of();
  }

  counter(name: string, help: string, labels: readonly string[] = []): CellFamily {
    return this.#add(new CellFamily(name, help, labels, 'counter'));
  }

  gauge(name: string, help: string, labels: readonly string[] = []): CellFamily {
    return this.#add(new CellFamily(name, help, labels, 'gauge'));
  }

  /** `buckets`: upper bounds, ascending, without +Inf. */
  histogram(name: string, help: string, buckets: readonly number[], labels: readonly string[] = []): HistogramFamily {
    return this.#add(new HistogramFamily(name, help, buckets, labels));
  }

  /** A family whose series are found out when somebody asks: label values and value each. */
  derived(name: string, help: string, type: 'counter' | 'gauge', labels: readonly string[], read: () => Iterable<readonly [readonly string[], number]>): void {
    this.#add({
      name,
      text(lines) {
        head(lines, name, help, type);
        for (const [values, value] of read()) lines.push(`${name}${braced(labelText(labels, values))} ${number(value)}`);
      },
    });
  }

  text(): string {
    const lines: string[] = [];
    for (const family of this.#families) family.text(lines);
    return `${lines.join('\n')}\n`;
  }

  #add<F extends Family>(family: F): F {
    this.#families.push(family);
    return family;
  }
}

/** One series of a counter or gauge. */
export class Cell {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }
}

/** A family above this many series takes no further label values: they are counted under one series of their own. */
const MOST_SERIES = 20_000;
const OTHER = 'other';

abstract class SeriesFamily<S> implements Family {
  readonly name: string;
  readonly #help: string;
  readonly #type: string;
  readonly #labels: readonly string[];
  readonly #series = new Map<string, S>();

  constructor(name: string, help: string, labels: readonly string[], type: string) {
    this.name = name;
    this.#help = help;
    this.#labels = labels;
    this.#type = type;
  }

  protected abstract make(): S;
  protected abstract write(series: S, labels: string, lines: string[]): void;

  /** The series of these label values, in the order of the labels' names. */
  of(...values: readonly string[]): S {
    const labels = labelText(this.#labels, values);
    const known = this.#series.get(labels);
    if (known) return known;
    if (this.#series.size >= MOST_SERIES && values.some((value) => value !== OTHER)) return this.of(...values.map(() => OTHER));
    const made = this.make();
    this.#series.set(labels, made);
    return made;
  }

  text(lines: string[]): void {
    head(lines, this.name, this.#help, this.#type);
    for (const [labels, series] of this.#series) this.write(series, labels, lines);
  }
}

export class CellFamily extends SeriesFamily<Cell> {
  protected make(): Cell {
    return new Cell();
  }

  protected write({ value }: Cell, labels: string, lines: string[]): void {
    lines.push(`${this.name}${braced(labels)} ${number(value)}`);
  }
}

export class Histogram {
  readonly #bounds: readonly number[];
  /** How many fell under each bound and above the one before. */
  readonly counts: number[];
  count = 0;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.count++;
    this.sum += value;
    const bounds = this.#bounds;
    for (let i = 0; i < bounds.length; i++) {
      if (value <= bounds[i]!) {
        this.counts[i]!++;
        return;
      }
    }
  }
}

export class HistogramFamily extends SeriesFamily<Histogram> {
  readonly #bounds: readonly number[];

  constructor(name: string, help: string, bounds: readonly number[], labels: readonly string[]) {
    super(name, help, labels, 'histogram');
    this.#bounds = bounds;
  }

  protected make(): Histogram {
    return new Histogram(this.#bounds);
  }

  protected write({ counts, count, sum }: Histogram, labels: string, lines: string[]): void {
    const { name } = this;
    const open = labels ? `${labels},` : '';
    let below = 0;
    this.#bounds.forEach((bound, i) => lines.push(`${name}_bucket{${open}le="${bound}"} ${(below += counts[i]!)}`));
    lines.push(`${name}_bucket{${open}le="+Inf"} ${count}`, `${name}_sum${braced(labels)} ${number(sum)}`, `${name}_count${braced(labels)} ${count}`);
  }
}

function head(lines: string[], name: string, help: string, type: string): void {
  lines.push(`# HELP ${name} [${stabilityOf(name)}] ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${type}`);
}

const stabilityOf = (name: string): 'STABLE' | 'BETA' | 'ALPHA' => guaranteedMetrics[name]?.stability ?? 'ALPHA';

const braced = (labels: string): string => (labels ? `{${labels}}` : '');

const number = (value: number): string => (value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value));

/** What is special within a label's value. */
const SPECIAL = /["\\\n]/g;

function labelText(names: readonly string[], values: readonly string[]): string {
  let text = '';
  for (let i = 0; i < names.length; i++) {
    const value = values[i]!;
    text += `${i > 0 ? ',' : ''}${names[i]}="${SPECIAL.test(value) ? value.replace(SPECIAL, (c) => (c === '\n' ? '\\n' : `\\${c}`)) : value}"`;
    SPECIAL.lastIndex = 0;
  }
  return text;
}
