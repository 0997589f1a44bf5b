/**
 * kubectl's JSONPath templates: `{.items[*].metadata.name}`, `{range .items[*]}…{end}`, filters, slices, unions, `..`, quoted text.
 * Upstream: client-go util/jsonpath.
 */
import { goJson } from './sort-keys.ts';
import { JsonPathError, parseJsonPath, type Part, type Step } from './jsonpath-parse.ts';
import { goMap, GoNumber, goType, numberOf } from './go-value.ts';

export { JsonPathError } from './jsonpath-parse.ts';

export interface JsonPathOptions {
  /** A field that is not there yields nothing (kubectl's default) or a fault. */
  readonly allowMissingKeys: boolean;
}

export type JsonPathTemplate = (data: unknown, options: JsonPathOptions) => string;

/** Compiles a template. Throws JsonPathError where it is malformed; running it throws where it fails. */
export function compileJsonPath(template: string): JsonPathTemplate {
  const parts = parseJsonPath(template);
  return (data, options) => run(parts, data, options).map((found) => found.map(shown).join(' ')).join('');
}

/** `.metadata.name` and `metadata.name` as kubectl takes them in sort-by and custom columns → `{.metadata.name}`. */
export function relaxedJsonPath(expression: string): string {
  const match = /^\{?\.?([^{}]+)\}?$/.exec(expression.trim());
  if (!match) throw new JsonPathError(`unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'`);
  return `{.${match[1]!.replace(/^\./, '')}}`;
}

/** What each part of the template finds, in its order: a text finds itself, a range what its parts find for each item. */
export function findEach(template: string, data: unknown, options: JsonPathOptions): unknown[][] {
  return run(parseJsonPath(template), data, options).map((found) => found.map((value) => numberOf(value)?.value ?? value));
}

/** All values that the first path of `template` finds. */
export function findAll(template: string, data: unknown, options: JsonPathOptions): unknown[] {
  const [part] = parseJsonPath(template);
  return part ? new Evaluation(options).steps(part, [data]) : [];
}

function run(parts: readonly Part[], data: unknown, options: JsonPathOptions): unknown[][] {
  return new Evaluation(options).parts(parts, 0, data, false).found;
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  return typeof value === 'object' && !(value instanceof GoNumber) ? goJson(value) : goMap(value);
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof GoNumber);
/** What stands below; texts are lists of bytes, as Go has them. */
const children = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : isMap(value) ? Object.values(value) : typeof value === 'string' ? [...Buffer.from(value)] : []);

class Evaluation {
  readonly #options: JsonPathOptions;
  /** Whether a step was `range` or `end`. */
  #signal: 'range' | 'end' | undefined;
  #ranges = 0;

  constructor(options: JsonPathOptions) {
    this.#options = options;
  }

  /** Runs the parts from `first` on, within a range up to its end; answers where it stopped. */
  parts(parts: readonly Part[], first: number, data: unknown, inRange: boolean): { readonly found: unknown[][]; readonly at: number } {
    const found: unknown[][] = [];
    for (let at = first; at < parts.length; at++) {
      this.#signal = undefined;
      const values = this.steps(parts[at]!, [data]);
      const signal = this.#signal as 'range' | 'end' | undefined;
      if (signal === 'end' && inRange) return { found, at };
      if (signal !== 'range') {
        found.push(values);
        continue;
      }
      this.#ranges++;
      let end = parts.length;
      // What a range has no items for is run once all the same, for nothing: that tells where it ends.
      for (const value of values.length > 0 ? values : [undefined]) {
        const one = this.parts(parts, at + 1, value, true);
        if (values.length > 0) found.push(...one.found);
        end = one.at;
      }
      this.#ranges--;
      at = end;
    }
    return { found, at: parts.length };
  }

  steps(steps: readonly Step[], input: readonly unknown[]): unknown[] {
    let values: unknown[] = [...input];
    for (const step of steps) values = this.#step(step, values);
    return values;
  }

  #step(step: Step, input: readonly unknown[]): unknown[] {
    const present = input.filter((value) => value !== null && value !== undefined);
    switch (step.kind) {
      case 'text': return [step.text];
      case 'constant': return input.map(() => step.value);
      case 'wildcard': return present.flatMap(children);
      case 'recursive': return present.flatMap(descendants);
      case 'union': return step.paths.flatMap((path) => this.steps(path, input));
      case 'slice': return sliced(step, present);
      case 'filter': return input.flatMap((value) => this.#filter(step, value));
      case 'field': {
        const found = present.flatMap((value) => (isMap(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : []));
        if (found.length === 0 && input.length > 0 && !this.#options.allowMissingKeys) throw new JsonPathError(`${step.name} is not found`);
        return found;
      }
      case 'identifier':
        if (step.name === 'range') {
          this.#signal = 'range';
          return [...input];
        }
        if (step.name !== 'end') throw new JsonPathError(`unrecognized identifier ${step.name}`);
        if (this.#ranges === 0) throw new JsonPathError('not in range, nothing to end');
        this.#signal = 'end';
        return [];
    }
  }

  #filter(step: Extract<Step, { kind: 'filter' }>, value: unknown): unknown[] {
    if (!Array.isArray(value)) throw new JsonPathError(`${value === undefined ? '<invalid reflect.Value>' : goMap(value)} is not array or slice and cannot be filtered`);
    return value.filter((item) => {
      if (step.operator === 'exists') return this.#existing(step.left, item).length > 0;
      const left = this.steps(step.left, [item]);
      if (left.length === 0) return false;
      if (left.length > 1) throw new JsonPathError('can only compare one element at a time');
      const right = this.steps(step.right, [item]);
      if (right.length === 0) return false;
      if (right.length > 1) throw new JsonPathError('can only compare one element at a time');
      return compare(step.operator, left[0], right[0]);
    });
  }

  /** A fault on the way means that it is not there. */
  #existing(path: readonly Step[], item: unknown): unknown[] {
    try {
      return this.steps(path, [item]);
    } catch (error) {
      if (!(error instanceof JsonPathError)) throw error;
      return [];
    }
  }
}

/** The value and all under it that have something below. */
function descendants(value: unknown): unknown[] {
  const below = children(value);
  return below.length === 0 ? [] : [value, ...below.flatMap(descendants)];
}

function sliced({ bounds: [first, second, step] }: Extract<Step, { kind: 'slice' }>, input: readonly unknown[]): unknown[] {
  const picked: unknown[] = [];
  for (const value of input) {
    if (!Array.isArray(value)) throw new JsonPathError(`${goType(value)} is not array or slice`);
    const { length } = value;
    const from = first.value + (first.value < 0 ? length : 0);
    let to = second.known ? second.value : length;
    if (to < 0 || (to === 0 && second.derived)) to += length;
    // Nothing that is asked for is nothing at all, whatever there was before.
    if (from === to) return picked;
    if (from >= length || from < 0) throw new JsonPathError(`array index out of bounds: index ${from}, length ${length}`);
    if (to > length || to < 0) throw new JsonPathError(`array index out of bounds: index ${to - 1}, length ${length}`);
    if (from > to) throw new JsonPathError(`starting index ${from} is greater than ending index ${to}`);
    if (step.known && step.value <= 0) throw new JsonPathError('step must be > 0');
    for (let i = from; i < to; i += step.known ? step.value : 1) picked.push(value[i]);
  }
  return picked;
}

type Basic = 'bool' | 'int' | 'float' | 'string';

function basicKind(value: unknown): Basic {
  const number = numberOf(value);
  if (number) return number.type === 'float64' ? 'float' : 'int';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  throw new JsonPathError('invalid type for comparison');
}

function compare(operator: string, left: unknown, right: unknown): boolean {
  if (!['<', '>', '==', '!=', '<=', '>='].includes(operator)) throw new JsonPathError(`unrecognized filter operator ${operator}`);
  const [kind, other] = [basicKind(left), basicKind(right)];
  if (kind !== other) throw new JsonPathError('incompatible types for comparison');
  const [a, b] = [left, right].map((value) => numberOf(value)?.value ?? value) as [number, number];
  if (operator === '==') return a === b;
  if (operator === '!=') return a !== b;
  if (kind === 'bool') throw new JsonPathError('invalid type for comparison');
  return operator === '<' ? a < b : operator === '<=' ? a <= b : operator === '>' ? a > b : a >= b;
}
