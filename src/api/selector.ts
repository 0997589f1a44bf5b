import type { LabelSelector } from './generated/meta-v1.ts';
import { isLabelValue, isQualifiedName } from './names.ts';

/** Upstream: apimachinery pkg/labels/selector.go, pkg/apis/meta/v1/helpers.go. */
export type SelectorOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';
export type Labels = Readonly<Record<string, string>>;

export interface Requirement {
  readonly key: string;
  readonly operator: SelectorOperator;
  readonly values: readonly string[];
}

export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

/** A label selector: requirements that must all hold, sorted by key. */
export class Selector {
  readonly requirements: readonly Requirement[];
  /** Matches no object at all, what a missing LabelSelector means. */
  readonly matchesNothing: boolean;

  constructor(requirements: readonly Requirement[], matchesNothing = false) {
    this.requirements = requirements.length > 1 ? [...requirements].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)) : requirements;
    this.matchesNothing = matchesNothing;
  }

  /** Selects everything. */
  get empty(): boolean {
    return !this.matchesNothing && this.requirements.length === 0;
  }

  matches(labels: Labels | undefined): boolean {
    if (this.matchesNothing) return false;
    for (const requirement of this.requirements) if (!holds(requirement, labels)) return false;
    return true;
  }

  /** The one value that `key` must have, where the selector says so; serves indexes. */
  exactValue(key: string): string | undefined {
    const found = this.requirements.find((r) => r.key === key);
    return found && (found.operator === '=' || found.operator === '==' || found.operator === 'in') && found.values.length === 1 ? found.values[0] : undefined;
  }

  /** `app=kubia,tier in (a,b),!canary`; reads back as the same selector. */
  toString(): string {
    return this.requirements.map(text).join(',');
  }
}

export const everything = new Selector([]);
export const nothing = new Selector([], true);

const integer = /^[+-]?\d+$/;

function holds({ key, operator, values }: Requirement, labels: Labels | undefined): boolean {
  const value = labels && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case '=': case '==': return value === values[0];
    case 'in': return value !== undefined && values.includes(value);
    case '!=': return value !== values[0];
    case 'notin': return value === undefined || !values.includes(value);
    case 'exists': return value !== undefined;
    case '!': return value === undefined;
    case 'gt': return value !== undefined && integer.test(value) && BigInt(value) > BigInt(values[0]!);
    case 'lt': return value !== undefined && integer.test(value) && BigInt(value) < BigInt(values[0]!);
  }
}

function text({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'exists': return key;
    case '!': return `!${key}`;
    case 'in': case 'notin': return `${key} ${operator} (${[...values].sort().join(',')})`;
    case 'gt': return `${key}>${values[0]}`;
    case 'lt': return `${key}<${values[0]}`;
    default: return `${key}${operator}${values[0]}`;
  }
}

const quote = (value: string): string => JSON.stringify(value);

/** Checks a requirement as upstream's NewRequirement; throws a SelectorError. */
function requirement(key: string, operator: SelectorOperator, values: readonly string[]): Requirement {
  const faults: string[] = [];
  const keyFaults = isQualifiedName(key);
  if (keyFaults.length) faults.push(`key: Invalid value: ${quote(key)}: ${keyFaults.join('; ')}`);
  const shown = `[${values.map(quote).join(',')}]`;
  if ((operator === 'in' || operator === 'notin') && values.length === 0) {
    faults.push(`values: Invalid value: ${shown}: for 'in', 'notin' operators, values set can't be empty`);
  }
  if ((operator === 'exists' || operator === '!') && values.length > 0) faults.push(`values: Invalid value: ${shown}: values set must be empty for exists and does not exist`);
  if (operator === 'gt' || operator === 'lt') {
    values.forEach((value, i) => {
      if (!integer.test(value)) faults.push(`values[${i}]: Invalid value: ${quote(value)}: for 'Gt', 'Lt' operators, the value must be an integer`);
    });
  }
  values.forEach((value, i) => {
    const valueFaults = isLabelValue(value);
    if (valueFaults.length) faults.push(`values[${i}][${key}]: Invalid value: ${quote(value)}: ${valueFaults.join('; ')}`);
  });
  if (faults.length) throw new SelectorError(faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`);
  return { key, operator, values };
}

type Token = { readonly kind: 'end' | 'identifier' | ')' | ',' | '!' | '==' | '=' | '>' | 'in' | '<' | '!=' | 'notin' | '(' | 'error'; readonly text: string };
const symbols = new Set([')', ',', '!', '==', '=', '>', '<', '!=', '(']);
const special = '=!(),><';

function tokens(source: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  for (;;) {
    while (at < source.length && ' \t\r\n'.includes(source[at]!)) at++;
    if (at >= source.length) break;
    if (special.includes(source[at]!)) {
      const two = source.slice(at, at + 2);
      const symbol = two.length === 2 && symbols.has(two) ? two : source[at]!;
      found.push({ kind: symbol as Token['kind'], text: symbol });
      at += symbol.length;
      continue;
    }
    const start = at;
    while (at < source.length && !special.includes(source[at]!) && !' \t\r\n'.includes(source[at]!)) at++;
    const word = source.slice(start, at);
    found.push({ kind: word === 'in' || word === 'notin' ? word : 'identifier', text: word });
  }
  found.push({ kind: 'end', text: '' });
  return found;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(source: string) {
    this.#tokens = tokens(source);
  }

  /** `in` and `notin` are names but where an operator is expected. */
  #peek(): Token {
    const token = this.#tokens[this.#at] ?? this.#tokens.at(-1)!;
    return token.kind === 'in' || token.kind === 'notin' ? { kind: 'identifier', text: token.text } : token;
  }

  #take(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  selector(): Selector {
    const requirements: Requirement[] = [];
    for (;;) {
      const token = this.#peek();
      if (token.kind === 'end') return new Selector(requirements);
      if (token.kind !== 'identifier' && token.kind !== '!') throw new SelectorError(`found '${token.text}', expected: !, identifier, or 'end of string'`);
      try {
        requirements.push(this.#requirement());
      } catch (error) {
        if (!(error instanceof SelectorError)) throw error;
        throw new SelectorError(`unable to parse requirement: ${error.message}`);
      }
      const next = this.#take();
      if (next.kind === 'end') return new Selector(requirements);
      if (next.kind !== ',') throw new SelectorError(`found '${next.text}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (after.kind !== 'identifier' && after.kind !== '!') throw new SelectorError(`found '${after.text}', expected: identifier after ','`);
    }
  }

  #requirement(): Requirement {
    let token = this.#take();
    const negated = token.kind === '!';
    if (negated) token = this.#take();
    if (token.kind !== 'identifier') throw new SelectorError(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const faults = isQualifiedName(key);
    if (faults.length) throw new SelectorError(`<nil>: Invalid value: ${quote(key)}: ${faults.join('; ')}`);
    const next = this.#peek();
    if (negated) return requirement(key, '!', []);
    if (next.kind === 'end' || next.kind === ',') return requirement(key, 'exists', []);
    const operator = this.#tokens[this.#at++]!;
    switch (operator.kind) {
      case 'in': case 'notin': return requirement(key, operator.kind, this.#values());
      case '=': case '==': case '!=': return requirement(key, operator.kind, [this.#value()]);
      case '>': return requirement(key, 'gt', [this.#value()]);
      case '<': return requirement(key, 'lt', [this.#value()]);
      default: throw new SelectorError(`found '${operator.text}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  #value(): string {
    const next = this.#peek();
    if (next.kind === 'end' || next.kind === ',') return '';
    this.#at++;
    if (next.kind === 'identifier') return next.text;
    throw new SelectorError(`found '${next.text}', expected: identifier`);
  }

  #values(): readonly string[] {
    const open = this.#take();
    if (open.kind !== '(') throw new SelectorError(`found '${open.text}' expected: '('`);
    const found = new Set<string>();
    let wanted = true; // A comma or the closing parenthesis here stands for an empty value.
    for (;;) {
      const token = this.#take();
      if (token.kind === 'identifier' && wanted) {
        found.add(token.text);
        wanted = false;
      } else if (token.kind === ',') {
        if (wanted) found.add('');
        wanted = true;
      } else if (token.kind === ')') {
        if (wanted) found.add('');
        return [...found].sort();
      } else {
        throw new SelectorError(`found '${token.text}', expected: ${wanted ? "',', ')' or identifier" : "',' or ')'"}`);
      }
    }
  }
}

/** Reads `app=kubia,tier in (a,b),!canary`. Throws a SelectorError worded as upstream's. */
export function parseSelector(source: string): Selector {
  return source === '' ? everything : new Parser(source).selector();
}

const objectOperators: Readonly<Record<string, SelectorOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };
const ofObjects = new WeakMap<LabelSelector, Selector>();

/**
 * The selector of a LabelSelector object: an absent one matches nothing, an empty one everything. Remembered for each object, since objects
 * are immutable. Throws a SelectorError.
 */
export function selectorOf(object: LabelSelector | undefined | null): Selector {
  if (!object) return nothing;
  const known = ofObjects.get(object);
  if (known) return known;
  const requirements = Object.entries(object.matchLabels ?? {}).map(([key, value]) => requirement(key, '=', [value]));
  for (const { key, operator, values } of object.matchExpressions ?? []) {
    const known = objectOperators[operator];
    if (!known) throw new SelectorError(`${quote(operator)} is not a valid label selector operator`);
    requirements.push(requirement(key, known, values ?? []));
  }
  const selector = requirements.length ? new Selector(requirements) : everything;
  ofObjects.set(object, selector);
  return selector;
}

/** The selector of a plain map, `{ app: 'kubia' }` (Service, ReplicationController). An absent or empty one selects everything. */
export function selectorOfMap(labels: Labels | undefined): Selector {
  const entries = Object.entries(labels ?? {});
  return entries.length ? new Selector(entries.map(([key, value]) => ({ key, operator: '=', values: [value] }))) : everything;
}

/** As kubectl prints a LabelSelector: `<none>` for none, `<error>` for a wrong one. */
export function formatLabelSelector(object: LabelSelector | undefined | null): string {
  try {
    return selectorOf(object).toString() || '<none>';
  } catch (error) {
    if (error instanceof SelectorError) return '<error>';
    throw error;
  }
}

/** As kubectl prints a map of labels: `a=1,b=2`, or `<none>`. */
export function formatLabels(labels: Labels | undefined): string {
  return Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`).join(',') || '<none>';
}

/** Whether a LabelSelector object selects these labels; an absent selector selects nothing. Throws a SelectorError where the selector is wrong. */
export function labelSelectorMatches(selector: LabelSelector | undefined | null, labels: Labels | undefined): boolean {
  return selectorOf(selector).matches(labels);
}
