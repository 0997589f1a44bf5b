import { goMap } from './go-value.ts';
import { GoTemplateError, type Operand, type Pipeline, type TemplateNode } from './go-template-parse.ts';
import { goSprintf } from './go-sprintf.ts';

export interface Scope {
  readonly root: unknown;
  /** The innermost last; `$` first. */
  readonly variables: [name: string, value: unknown][];
  readonly templates: ReadonlyMap<string, readonly TemplateNode[]>;
  readonly options: { readonly allowMissingKeys: boolean };
}

class LoopSignal extends Error {
  readonly kind: 'break' | 'continue';
  /** What was printed before the loop was left. */
  text = '';

  constructor(kind: 'break' | 'continue') {
    super(kind);
    this.kind = kind;
  }
}

/** Runs a part; where it leaves the loop, what stood before goes along. */
function passing(before: string, part: () => string): string {
  try {
    return part();
  } catch (error) {
    if (error instanceof LoopSignal) error.text = before + error.text;
    throw error;
  }
}

/** A key that is not there prints as `<no value>`. */
const MISSING = undefined;

/** Runs the nodes. Upstream: Go's text/template, exec.go. */
export function evaluate(nodes: readonly TemplateNode[], dot: unknown, scope: Scope): string {
  let out = '';
  for (const node of nodes) {
    switch (node.kind) {
      case 'text': out += node.text; break;
      case 'action': {
        const value = runPipeline(node.pipeline, dot, scope);
        if (node.pipeline.declare.length === 0) out += printed(value);
        break;
      }
      case 'if': case 'with': {
        const depth = scope.variables.length;
        const value = runPipeline(node.pipeline, dot, scope);
        out += passing(out, () => (truth(value) ? evaluate(node.body, node.kind === 'with' ? value : dot, scope) : evaluate(node.otherwise, dot, scope)));
        scope.variables.length = depth;
        break;
      }
      case 'range': out += runRange(node, dot, scope); break;
      case 'template': {
        const body = scope.templates.get(node.name);
        if (!body) throw new GoTemplateError(`template "${node.name}" not defined`);
        const data = node.pipeline ? runPipeline(node.pipeline, dot, scope) : null;
        out += evaluate(body, data, { ...scope, root: data, variables: [['$', data]] });
        break;
      }
      default: throw Object.assign(new LoopSignal(node.kind), { text: out });
    }
  }
  return out;
}

function runRange({ pipeline, body, otherwise }: Extract<TemplateNode, { kind: 'if' | 'with' | 'range' }>, dot: unknown, scope: Scope): string {
  const depth = scope.variables.length;
  const value = runPipeline({ ...pipeline, declare: [] }, dot, scope);
  const entries = entriesOf(value);
  let out = '';
  if (entries.length === 0) out = evaluate(otherwise, dot, scope);
  for (const [key, item] of entries) {
    const [first, second] = pipeline.declare;
    if (pipeline.declare.length === 1) declare(scope, first!, item, pipeline.assign);
    if (pipeline.declare.length === 2) {
      declare(scope, first!, key, pipeline.assign);
      declare(scope, second!, item, pipeline.assign);
    }
    const inner = scope.variables.length;
    try {
      out += evaluate(body, item, scope);
    } catch (error) {
      if (!(error instanceof LoopSignal)) throw error;
      out += error.text;
      if (error.kind === 'break') break;
    } finally {
      scope.variables.length = Math.min(scope.variables.length, inner);
      if (!pipeline.assign) scope.variables.length = Math.min(scope.variables.length, depth);
    }
  }
  scope.variables.length = depth;
  return out;
}

function entriesOf(value: unknown): [unknown, unknown][] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.map((item, i) => [i, item]);
  if (typeof value === 'object') return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (typeof value === 'number' && Number.isInteger(value)) return Array.from({ length: value }, (_, i) => [i, i]);
  throw new GoTemplateError(`range can't iterate over ${goMap(value)}`);
}

function declare(scope: Scope, name: string, value: unknown, assign: boolean): void {
  if (!assign) return void scope.variables.push([name, value]);
  const found = scope.variables.findLast(([known]) => known === name);
  if (!found) throw new GoTemplateError(`undefined variable "${name}"`);
  found[1] = value;
}

function runPipeline(pipeline: Pipeline, dot: unknown, scope: Scope): unknown {
  let value: unknown;
  pipeline.commands.forEach((command, i) => { value = runCommand(command, dot, scope, i > 0 ? [value] : []); });
  for (const name of pipeline.declare) declare(scope, name, value, pipeline.assign);
  return value;
}

function runCommand([head, ...rest]: readonly Operand[], dot: unknown, scope: Scope, piped: readonly unknown[]): unknown {
  if (head!.kind !== 'function') {
    if (rest.length > 0 || piped.length > 0) throw new GoTemplateError(`can't give argument to non-function ${shownOperand(head!)}`);
    return operandValue(head!, dot, scope);
  }
  const { name } = head as { readonly name: string };
  // These two stop at the first argument that decides.
  if (name === 'and' || name === 'or') {
    let value: unknown;
    for (const operand of rest) {
      value = operandValue(operand, dot, scope);
      if (truth(value) === (name === 'or')) return value;
    }
    return piped.length > 0 ? piped[0] : value;
  }
  const call = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (!call) throw new GoTemplateError(`function "${name}" not defined`);
  return call(...rest.map((operand) => operandValue(operand, dot, scope)), ...piped);
}

function operandValue(operand: Operand, dot: unknown, scope: Scope): unknown {
  switch (operand.kind) {
    case 'literal': return operand.value;
    case 'nil': return null;
    case 'dot': return fieldsOf(dot, operand.fields, scope);
    case 'variable': {
      const found = scope.variables.findLast(([name]) => name === operand.name);
      if (!found) throw new GoTemplateError(`undefined variable "${operand.name}"`);
      return fieldsOf(found[1], operand.fields, scope);
    }
    case 'pipeline': return fieldsOf(runPipeline(operand.pipeline, dot, scope), operand.fields, scope);
    case 'function': return runCommand([operand], dot, scope, []);
  }
}

function fieldsOf(start: unknown, fields: readonly string[], { options }: Scope): unknown {
  let value = start;
  for (const field of fields) {
    if (value === MISSING) return MISSING;
    if (value === null) throw new GoTemplateError(`nil pointer evaluating interface {}.${field}`);
    if (typeof value !== 'object' || Array.isArray(value)) throw new GoTemplateError(`can't evaluate field ${field} in type interface {}`);
    if (Object.hasOwn(value, field)) value = (value as Record<string, unknown>)[field];
    else if (options.allowMissingKeys) value = MISSING;
    else throw new GoTemplateError(`map has no entry for key "${field}"`);
  }
  return value;
}

function shownOperand(operand: Operand): string {
  return operand.kind === 'literal' ? JSON.stringify(operand.value) : operand.kind === 'dot' ? `.${operand.fields.join('.')}` : operand.kind;
}

function truth(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0 || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === 'object' ? Object.keys(value).length > 0 : true;
}

function printed(value: unknown): string {
  return value === MISSING || value === null ? '<no value>' : goMap(value);
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length;
  throw new GoTemplateError('error calling len: len of nil pointer');
}

function compare(a: unknown, b: unknown): number {
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) throw new GoTemplateError('incompatible types for comparison');
  return a === b ? 0 : (a as number) < (b as number) ? -1 : 1;
}

function equal(a: unknown, b: unknown): boolean {
  if (a === undefined || a === null || b === undefined || b === null) return (a ?? null) === (b ?? null);
  if (typeof a !== typeof b) throw new GoTemplateError('error calling eq: incompatible types for comparison');
  return a === b;
}

function indexInto(value: unknown, keys: readonly unknown[]): unknown {
  let at = value;
  for (const key of keys) {
    if (at === null || at === undefined) throw new GoTemplateError('error calling index: index of untyped nil');
    if (Array.isArray(at)) {
      if (typeof key !== 'number') throw new GoTemplateError(`error calling index: cannot index slice/array with type ${typeof key}`);
      if (key < 0 || key >= at.length) throw new GoTemplateError(`error calling index: index out of range: ${key}`);
      at = at[key];
    } else if (typeof at === 'object') {
      at = (at as Record<string, unknown>)[String(key)];
    } else {
      throw new GoTemplateError(`error calling index: can't index item of type ${typeof at}`);
    }
  }
  return at;
}

const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' })[c]!);
/** As Go's Print: a blank between neighbours that are both no strings. */
const print = (...args: unknown[]): string => args.map((arg, i) => (i > 0 && typeof arg !== 'string' && typeof args[i - 1] !== 'string' ? ' ' : '') + goMap(arg)).join('');

const functions: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  not: (value) => !truth(value),
  len: lengthOf,
  index: (value, ...keys) => indexInto(value, keys),
  slice: (value, from = 0, to = lengthOf(value)) => (value as string | unknown[]).slice(from as number, to as number),
  eq: (a, ...others) => others.some((b) => equal(a, b)),
  ne: (a, b) => !equal(a, b),
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  print,
  printf: (format, ...args) => goSprintf(String(format), args),
  println: (...args) => `${args.map(goMap).join(' ')}\n`,
  html: (...args) => escapeHtml(print(...args)),
  js: (...args) => JSON.stringify(print(...args)).slice(1, -1),
  urlquery: (...args) => encodeURIComponent(print(...args)).replaceAll('%20', '+'),
  /** kubectl's own. */
  exists: (value, ...keys) => keys.length === 0 ? value !== undefined : truth(keys.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[String(key)] : undefined), value)),
  base64decode: (text) => Buffer.from(String(text), 'base64').toString(),
};

export function isFunction(name: string): boolean {
  return Object.hasOwn(functions, name) || name === 'and' || name === 'or';
}
