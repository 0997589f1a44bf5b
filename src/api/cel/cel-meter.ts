import { Optional } from '@marcbachmann/cel-js';
import { callCost, type Operand } from './cel-call-cost.ts';
import { CelError } from './cel-error.ts';
import type { CelNode } from './cel-estimate.ts';
import { costOf, fixedSize, TRAVERSAL } from './cel-size.ts';
import { BYTES, DYN, listOf, mapOf, OPAQUE, STRING, type CelType } from './cel-type.ts';

/** What the engine evaluates: a node that finds its evaluation when it is first wanted, and then keeps it. */
interface RunningNode extends CelNode {
  evaluate: (evaluator: unknown, node: unknown, scope: unknown) => unknown;
  readonly meta?: { readonly alternate?: RunningNode };
}

const EXCEEDED = 'operation cancelled: actual cost limit exceeded';

/**
 * Counts what evaluating an expression costs, and ends it where it costs too much: the server does nothing else meanwhile.
 * Upstream: cel-go interpreter/runtimecost.go.
 */
export class CelMeter {
  static #current: CelMeter | undefined;
  readonly #limit: number;
  #spent = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get spent(): number {
    return this.#spent;
  }

  static get current(): CelMeter | undefined {
    return CelMeter.#current;
  }

  /** Throws a CelError where the limit is reached, whatever the expression makes of errors. */
  run<T>(evaluate: () => T): T {
    const outer = CelMeter.#current;
    CelMeter.#current = this;
    try {
      const result = evaluate();
      if (this.#spent > this.#limit) throw new CelError(EXCEEDED);
      return result;
    } catch (error) {
      throw this.#spent > this.#limit ? new CelError(EXCEEDED, { cause: error }) : error;
    } finally {
      CelMeter.#current = outer;
    }
  }

  spend(cost: number): void {
    this.#spent += cost;
    if (this.#spent > this.#limit) throw new Error(EXCEEDED);
  }
}

/** Makes the nodes of an expression report to the meter at work, if one is. */
export function meterNodes(root: CelNode): void {
  watch(root as RunningNode);
}

/** What a node came to last: the values of a call's arguments when the call is done. */
const values = new WeakMap<object, unknown>();

function watch(node: RunningNode): void {
  for (const child of childrenOf(node)) watch(child as RunningNode);
  if (node.op === 'value') return void values.set(node, node.args);
  const turn = turnCost(node);
  const step = turn > 0 ? ((node.meta?.alternate?.args as { readonly step?: RunningNode } | undefined)?.step) : undefined;
  if (step) intercept(step, () => turn);
  intercept(node, step ? () => LOOP : () => costOfNode(node));
}

function intercept(node: RunningNode, cost: () => number): void {
  let evaluate = node.evaluate;
  const metered: RunningNode['evaluate'] = (evaluator, _node, scope) => {
    const value = evaluate.call(node, evaluator, node, scope);
    const meter = CelMeter.current;
    if (meter) {
      values.set(node, value);
      meter.spend(cost());
    }
    return value;
  };
  // The engine puts what a node's evaluation turns out to be in its place.
  Object.defineProperty(node, 'evaluate', {
    get: () => metered,
    set(found: RunningNode['evaluate']) {
      evaluate = found;
    },
  });
}

function childrenOf({ op, args }: CelNode): readonly CelNode[] {
  switch (op) {
    case 'value': case 'id': return [];
    case '.': case '.?': return [(args as [CelNode])[0]];
    case '!_': case '-_': return [args as CelNode];
    case 'map': return (args as CelNode[][]).flat();
    case 'call': return (args as [string, CelNode[]])[1];
    case 'rcall': return [(args as [string, CelNode, CelNode[]])[1], ...(args as [string, CelNode, CelNode[]])[2]];
    default: return args as CelNode[];
  }
}

/** What each turn of a macro's loop costs besides its own expressions; 0 for what is no such macro. */
function turnCost({ op, args }: CelNode): number {
  if (op !== 'rcall') return 0;
  const [name] = args as [string];
  return Object.hasOwn(TURNS, name) ? TURNS[name]! : 0;
}

/** The accumulator and the result of a loop. */
const LOOP = 11;
const TURNS: Readonly<Record<string, number>> = { all: 3, exists: 4, exists_one: 2, map: 12, filter: 12 };

function costOfNode(node: CelNode): number {
  const { op } = node;
  switch (op) {
    case '?:': case '||': case '&&': return 0;
    case 'list': return 10;
    case 'map': return 30;
    case 'call': {
      const [name, args] = node.args as [string, CelNode[]];
      return name === 'hasMember' ? 0 : callCost(name, undefined, args.map(operand)).cost;
    }
    case 'rcall': {
      const [name, receiver, args] = node.args as [string, CelNode, CelNode[]];
      return callCost(name === 're2Matches' ? 'matches' : name, operand(receiver), args.map(operand)).cost;
    }
    case '==': case '!=': case '<': case '<=': case '>': case '>=': return costOf(Math.min(...sizes(node)), TRAVERSAL);
    case 'in': return Array.isArray(values.get((node.args as CelNode[])[1]!)) ? sizes(node)[1]! : 1;
    case '+': return typeof values.get((node.args as CelNode[])[0]!) === 'string' ? costOf(sizes(node).reduce((a, b) => a + b), TRAVERSAL) : 1;
    default: return 1;
  }
}

const sizes = ({ args }: CelNode): readonly number[] => (args as CelNode[]).map((arg) => sizeOf(values.get(arg)));

function operand(node: CelNode): Operand {
  const value = values.get(node);
  const items = Array.isArray(value) ? value : [];
  return { type: typeOf(value), size: fixedSize(sizeOf(value)), itemSize: fixedSize(items.reduce<number>((most, item) => Math.max(most, sizeOf(item)), 0)), literal: value };
}

function typeOf(value: unknown): CelType {
  if (typeof value === 'string') return STRING;
  if (Array.isArray(value)) return listOf(value.length > 0 ? typeOf(value[0]) : DYN);
  if (value instanceof Uint8Array) return BYTES;
  if (typeof value !== 'object' || value === null) return DYN;
  return value instanceof Map || Object.getPrototypeOf(value) === Object.prototype ? mapOf(DYN) : OPAQUE;
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value) || value instanceof Uint8Array) return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  if (value instanceof Map || value instanceof Set) return value.size;
  if (Object.getPrototypeOf(value) === Object.prototype) return Object.keys(value).length;
  return value instanceof Optional && value.hasValue() ? sizeOf(value.value()) : 1;
}
