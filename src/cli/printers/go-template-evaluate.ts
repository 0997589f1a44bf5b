import { CallFault, templateFunctions, truth } from './go-template-functions.ts';
import { goQuote, GoTemplateError } from './go-template-lex.ts';
import type { Command, Operand, Pipeline, TemplateNode, TemplateSet } from './go-template-parse.ts';
import { goMap, GoNumber, goType, numberOf, sortedEntries } from './go-value.ts';

/**
 * A value on its way through a template. What is read out of a map or a list is `boxed`, as Go has it in an interface: faults name its type
 * `interface {}` until a pipeline has passed it on. A key that is not there is `undefined`, a null of the object `null`.
 */
interface Held { readonly value: unknown; readonly boxed: boolean }

const bare = (value: unknown): Held => ({ value, boxed: false });
const boxed = (value: unknown): Held => ({ value, boxed: true });
const typeOf = ({ value, boxed: inside }: Held): string => (inside ? 'interface {}' : goType(value));
/** What a pipeline passes on is out of its box; a null is nothing then. */
const unboxed = ({ value }: Held): Held => bare(value ?? undefined);

/** Deeper than any template of use; Go's limit is 100,000, which our stack does not bear. */
const DEPTH = 1000;

export interface Execution {
  readonly name: string;
  readonly source: string;
  readonly templates: TemplateSet;
  readonly allowMissingKeys: boolean;
}

/** Runs a template. Throws GoTemplateError, which holds what was printed before. Upstream: Go's text/template, exec.go. */
export function executeTemplate(execution: Execution, data: unknown): string {
  const run = new Run(execution);
  try {
    run.start(data);
  } catch (error) {
    if (error instanceof GoTemplateError) error.printed = run.out;
    throw error;
  }
  return run.out;
}

type Place = { readonly at: number; readonly text: string };

class Run {
  out = '';
  readonly #execution: Execution;
  /** The template that runs now, and the node it is at: faults name both. */
  #template: string;
  #at: Place = { at: 0, text: '' };
  #variables: [name: string, value: Held][] = [];
  #depth = 0;

  constructor(execution: Execution) {
    this.#execution = execution;
    this.#template = execution.name;
  }

  start(data: unknown): void {
    this.#variables = [['$', bare(data)]];
    this.#walk(this.#execution.templates.get(this.#template) ?? [], bare(data));
  }

  #fail(message: string): never {
    const { name, source } = this.#execution;
    const before = source.slice(0, this.#at.at);
    const line = before.split('\n').length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1));
    throw new GoTemplateError(`template: ${name}:${line}:${column}: executing ${goQuote(this.#template)} at <${this.#at.text}>: ${message}`);
  }

  #walk(nodes: readonly TemplateNode[], dot: Held): 'break' | 'continue' | undefined {
    for (const node of nodes) {
      this.#at = node;
      switch (node.kind) {
        case 'text': this.out += node.shown; break;
        case 'action': {
          const { value } = this.#pipeline(node.pipeline, dot);
          this.#at = node;
          if (node.pipeline.declare.length === 0) this.out += value === undefined || value === null ? '<no value>' : goMap(value);
          break;
        }
        case 'if': case 'with': {
          const depth = this.#variables.length;
          const found = this.#pipeline(node.pipeline, dot);
          const leaves = truth(found.value) ? this.#walk(node.body, node.kind === 'with' ? found : dot) : this.#walk(node.otherwise, dot);
          this.#variables.length = depth;
          if (leaves) return leaves;
          break;
        }
        case 'range': {
          const depth = this.#variables.length;
          const leaves = this.#range(node, dot);
          this.#variables.length = depth;
          if (leaves) return leaves;
          break;
        }
        case 'template': this.#call(node, dot); break;
        default: return node.kind;
      }
    }
    return undefined;
  }

  #call(node: Extract<TemplateNode, { kind: 'template' }>, dot: Held): void {
    const body = this.#execution.templates.get(node.name);
    if (!body) this.#fail(`template ${goQuote(node.name)} not defined`);
    if (this.#depth === DEPTH) this.#fail('exceeded maximum template depth (100000)');
    const data = node.pipeline ? this.#pipeline(node.pipeline, dot) : bare(undefined);
    const [template, variables] = [this.#template, this.#variables];
    [this.#template, this.#variables] = [node.name, [['$', data]]];
    this.#depth++;
    this.#walk(body!, data);
    this.#depth--;
    [this.#template, this.#variables] = [template, variables];
  }

  #range({ pipeline, body, otherwise }: Extract<TemplateNode, { kind: 'if' | 'with' | 'range' }>, dot: Held): 'break' | 'continue' | undefined {
    const { value } = this.#pipeline(pipeline, dot);
    const { declare, assign } = pipeline;
    const depth = this.#variables.length;
    const entries = this.#entries(value, declare.length);
    for (const [key, item] of entries) {
      const values = declare.length > 1 ? [key, item] : [item];
      declare.forEach((name, i) => {
        if (assign) this.#assign(name, values[i]!);
        // The pipeline has declared them.
        else this.#variables[depth - declare.length + i]![1] = values[i]!;
      });
      const leaves = this.#walk(body, item);
      this.#variables.length = depth;
      if (leaves === 'break') return undefined;
    }
    return entries.length === 0 ? this.#walk(otherwise, dot) : undefined;
  }

  #entries(value: unknown, variables: number): [key: Held, item: Held][] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value.map((item, i) => [bare(new GoNumber('int', i)), boxed(item)]);
    const number = numberOf(value);
    if (number && number.type !== 'float64') {
      if (variables > 1) this.#fail(`can't use ${goMap(value)} to iterate over more than one variable`);
      return Array.from({ length: Math.max(0, number.value) }, (_, i) => [bare(undefined), bare(number.type === 'int' ? new GoNumber('int', i) : i)]);
    }
    if (number || typeof value !== 'object') this.#fail(`range can't iterate over ${goMap(value)}`);
    return sortedEntries(value as object).map(([key, item]) => [bare(key), boxed(item)]);
  }

  #assign(name: string, value: Held): void {
    const found = this.#variables.findLast(([known]) => known === name);
    if (!found) this.#fail(`undefined variable: ${name}`);
    found![1] = value;
  }

  #variable(name: string): Held {
    return this.#variables.findLast(([known]) => known === name)?.[1] ?? this.#fail(`undefined variable: ${name}`);
  }

  #pipeline(pipeline: Pipeline, dot: Held): Held {
    this.#at = pipeline;
    let value: Held | undefined;
    for (const command of pipeline.commands) value = unboxedIfBoxed(this.#command(command, dot, value));
    for (const name of pipeline.declare) {
      if (pipeline.assign) this.#assign(name, value!);
      else this.#variables.push([name, value!]);
    }
    return value!;
  }

  #command({ operands, ...place }: Command, dot: Held, piped: Held | undefined): Held {
    const [head] = operands as readonly [Operand];
    const alone = operands.length === 1 && piped === undefined;
    switch (head.kind) {
      case 'field': case 'chain': case 'variable': return this.#fieldsOf(head, dot, alone);
      case 'function': return this.#function(head.name, place, head, operands.slice(1), dot, piped);
      case 'pipeline':
        if (!alone) this.#fail(`can't give argument to non-function ${head.text}`);
        return this.#pipeline(head.pipeline, dot);
      default:
        this.#at = head;
        if (!alone) this.#fail(`can't give argument to non-function ${head.text}`);
        if (head.kind === 'nil') this.#fail('nil is not a command');
        return head.kind === 'dot' ? dot : this.#literal(head as Extract<Operand, { kind: 'literal' }>);
    }
  }

  #fieldsOf(operand: Extract<Operand, { kind: 'field' | 'chain' | 'variable' }>, dot: Held, alone = true): Held {
    this.#at = operand;
    let at = dot;
    if (operand.kind === 'variable') {
      at = this.#variable(operand.name);
      if (operand.path.length === 0 && !alone) this.#fail(`can't give argument to non-function ${operand.text}`);
    } else if (operand.kind === 'chain') {
      if (operand.of.kind === 'nil') this.#fail(`indirection through explicit nil in ${operand.text}`);
      at = this.#argument(operand.of, dot);
    }
    operand.path.forEach((field, i) => { at = this.#field(at, field, alone || i < operand.path.length - 1); });
    return at;
  }

  #field(at: Held, field: string, alone: boolean): Held {
    const { value } = at;
    if (value === undefined) {
      if (!this.#execution.allowMissingKeys) this.#fail(`nil data; no entry for key ${goQuote(field)}`);
      return bare(undefined);
    }
    if (value === null) this.#fail(`nil pointer evaluating ${typeOf(at)}.${field}`);
    if (goType(value) !== 'map[string]interface {}') this.#fail(`can't evaluate field ${field} in type ${typeOf(at)}`);
    if (!alone) this.#fail(`${field} is not a method but has arguments`);
    if (Object.hasOwn(value as object, field)) return boxed((value as Readonly<Record<string, unknown>>)[field]);
    if (!this.#execution.allowMissingKeys) this.#fail(`map has no entry for key ${goQuote(field)}`);
    return bare(undefined);
  }

  #function(name: string, command: Place, node: Place, operands: readonly Operand[], dot: Held, piped: Held | undefined): Held {
    this.#at = node;
    const callee = templateFunctions[name]!;
    const given = operands.length + (piped ? 1 : 0);
    if (given < callee.takes && callee.more) this.#fail(`wrong number of args for ${name}: want at least ${callee.takes} got ${operands.length}`);
    if (given !== callee.takes && !callee.more) this.#fail(`wrong number of args for ${name}: want ${callee.takes} got ${given}`);
    // These two stop at the first argument that decides.
    if (name === 'and' || name === 'or') {
      let last = bare(undefined);
      for (const operand of operands) {
        last = this.#argument(operand, dot);
        if (truth(last.value) === (name === 'or')) return unboxed(last);
      }
      return unboxed(piped ?? last);
    }
    const args = operands.map((operand, i) => (callee.text && i === 0 ? this.#text(operand, dot) : this.#argument(operand, dot).value));
    if (piped) args.push(callee.text && args.length === 0 ? this.#asText(piped) : piped.value);
    try {
      const result = callee.call(...args);
      return name === 'index' ? boxed(result) : bare(result);
    } catch (error) {
      if (!(error instanceof CallFault)) throw error;
      this.#at = command;
      return this.#fail(`error calling ${name}: ${name === 'call' ? error.message.replace(/^non-function/, `non-function ${operands[0]?.text ?? goMap(piped!.value)}`) : error.message}`);
    }
  }

  #literal({ value, text }: Extract<Operand, { kind: 'literal' }>): Held {
    if (value instanceof GoNumber && value.type === 'int' && value.value >= 2 ** 63) this.#fail(`${text} overflows int`);
    return bare(value);
  }

  #text(operand: Operand, dot: Held): string {
    this.#at = operand;
    if (operand.kind === 'nil') this.#fail('cannot assign nil to string');
    if (operand.kind === 'literal') return typeof operand.value === 'string' ? operand.value : this.#fail(`expected string; found ${operand.text}`);
    return this.#asText(this.#argument(operand, dot));
  }

  #asText(held: Held): string {
    if (held.value === undefined) this.#fail('invalid value; expected string');
    if (typeof held.value !== 'string') this.#fail(`wrong type for value; expected string; got ${held.value === null ? 'interface {}' : goType(held.value)}`);
    return held.value as string;
  }

  #argument(operand: Operand, dot: Held): Held {
    this.#at = operand;
    switch (operand.kind) {
      case 'dot': return dot;
      case 'nil': return bare(undefined);
      case 'literal': return this.#literal(operand);
      case 'field': case 'variable': case 'chain': return this.#fieldsOf(operand, dot);
      case 'pipeline': return this.#pipeline(operand.pipeline, dot);
      case 'function': return this.#function(operand.name, operand, operand, [], dot, undefined);
    }
  }
}

const unboxedIfBoxed = (held: Held): Held => (held.boxed ? unboxed(held) : held);
