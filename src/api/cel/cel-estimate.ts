import { callCost, type Operand } from './cel-call-cost.ts';
import { callType } from './cel-call-type.ts';
import { add, costOf, fixedSize, times, TRAVERSAL, union, UNKNOWN_SIZE, type Size } from './cel-size.ts';
import { BOOL, BYTES, DOUBLE, DYN, INT, isScalar, listOf, mapOf, NULL, optionalOf, STRING, TYPE, UINT, type CelType } from './cel-type.ts';

/** A node of a parsed expression. */
export interface CelNode {
  readonly op: string;
  readonly args: unknown;
  /** Where the text of the node is in the source. */
  readonly start: number;
  readonly end: number;
  /** The source. */
  readonly input: string;
}

/** Something that the checker has to say against an expression. */
export interface TypeFault {
  readonly pos: number;
  readonly message: string;
}

export interface Estimate {
  /** The most that evaluating the expression may cost, in CEL's units. */
  readonly cost: number;
  readonly type: CelType;
  readonly faults: readonly TypeFault[];
}

/** How big the keys and values of a container may be that the expression makes itself. */
interface EntrySizes {
  readonly container: 'list' | 'map';
  readonly key: Size;
  readonly value: Size;
}

interface Seen {
  readonly cost: number;
  readonly type: CelType;
  /** How the value was reached from a variable, as upstream writes such a path: `self`, `spec`, `@items`. It need not be complete. */
  readonly path: readonly string[];
  readonly size: Size | undefined;
  readonly entries?: EntrySizes | undefined;
  readonly literal?: unknown;
}

interface Variable extends Pick<Seen, 'type' | 'path' | 'size' | 'entries'> {}
type Scope = ReadonlyMap<string, Variable>;

const LIST = 10;
const MAP = 30;

/**
 * Finds out the type of an expression over `self` and `oldSelf`, what names fields that there are none of, and the most that it can cost. What is
 * not known to be wrong is taken for right: a type that cannot be told is dyn. Upstream: cel-go checker/cost.go, step by step, for a rule
 * must be refused here where it is there; the coster's peculiar paths are kept with it.
 */
export function estimate(root: CelNode, variables: Readonly<Record<string, CelType>>, self: CelType): Estimate {
  const coster = new Coster(self);
  const scope = new Map(Object.entries(variables).map(([name, type]) => [name, { type, path: [name], size: undefined, entries: undefined }] as const));
  const { cost, type } = coster.visit(root, scope);
  return { cost, type, faults: coster.faults };
}

class Coster {
  readonly faults: TypeFault[] = [];
  readonly #self: CelType;

  constructor(self: CelType) {
    this.#self = self;
  }

  visit(node: CelNode, scope: Scope): Seen {
    const args = node.args as CelNode[];
    switch (node.op) {
      case 'value': return this.#literal(node.args);
      case 'id': return this.#identifier(node.args as string, scope);
      case '.': return this.#select(node, scope);
      case '.?': return this.#optionalSelect(node, scope);
      case '[]': case '[?]': return this.#index(node, scope);
      case '?:': return this.#conditional(args, scope);
      case '||': case '&&': return this.#plain(BOOL, 0, args.map((arg) => this.visit(arg, scope)));
      case '!_': return this.#plain(BOOL, 1, [this.visit(node.args as CelNode, scope)]);
      case '-_': return this.#negation(node.args as CelNode, scope);
      case 'list': return this.#list(args.map((arg) => this.visit(arg, scope)));
      case 'map': return this.#map((node.args as [CelNode, CelNode][]).map(([key, value]) => [this.visit(key, scope), this.visit(value, scope)]));
      case 'call': {
        const [name, operands] = node.args as [string, CelNode[]];
        return name === 'hasMember' || name === 'has' ? this.#presence(operands[0]!, scope, node.input.lastIndexOf('(', operands[0]!.start)) : this.#call(OWN_NAMES[name] ?? name, undefined, operands.map((arg) => this.visit(arg, scope)));
      }
      case 'rcall': return this.#memberCall(node, scope);
      default: return this.#binary(node, this.visit(args[0]!, scope), this.visit(args[1]!, scope));
    }
  }

  #literal(value: unknown): Seen {
    const [type, size] = typeof value === 'string' ? [STRING, [...value].length] : value instanceof Uint8Array ? [BYTES, value.length]
      : [typeof value === 'bigint' ? INT : typeof value === 'number' ? DOUBLE : typeof value === 'boolean' ? BOOL : value === null ? NULL : UINT, 1];
    return { cost: 0, type, path: [], size: fixedSize(size), literal: value };
  }

  #identifier(name: string, scope: Scope): Seen {
    const variable = scope.get(name);
    if (!variable) return { cost: 1, type: TYPES.has(name) ? TYPE : DYN, path: [name], size: this.#sizeOf(DYN, [name]) };
    const { type, path, size, entries } = variable;
    return { cost: 1, type, path, size: this.#sizeOf(type, path) ?? size, entries };
  }

  #select(node: CelNode, scope: Scope): Seen {
    const [left, name] = node.args as [CelNode, string];
    const operand = this.visit(left, scope);
    const path = [...operand.path, name];
    const type = this.#fieldType(operand.type, name, dotOf(node));
    const { kind } = operand.type;
    return { cost: operand.cost + (kind === 'map' || kind === 'object' ? 1 : 0), type, path, size: this.#sizeOf(type, path) };
  }

  /** The type of a member; a fault where there is none. */
  #fieldType(type: CelType, name: string, pos: number): CelType {
    switch (type.kind) {
      case 'object': {
        const found = type.fields!.get(name);
        if (!found) this.faults.push({ pos, message: `undefined field '${name}'` });
        return found ?? DYN;
      }
      case 'map': return type.of!;
      case 'optional': return optionalOf(this.#fieldType(type.of!, name, pos));
      case 'bool': case 'int': case 'uint': case 'double': case 'string': case 'bytes': case 'list':
        this.faults.push({ pos, message: `type '${typeName(type)}' does not support field selection` });
        return DYN;
      default: return DYN;
    }
  }

  #optionalSelect(node: CelNode, scope: Scope): Seen {
    const [left, name] = node.args as [CelNode, string];
    const operand = this.visit(left, scope);
    const held = operand.type.kind === 'optional' ? operand.type.of! : operand.type;
    return this.#plain(optionalOf(this.#fieldType(held, name, dotOf(node))), 1, [operand]);
  }

  #index(node: CelNode, scope: Scope): Seen {
    const [operand, index] = (node.args as [CelNode, CelNode]).map((arg) => this.visit(arg, scope)) as [Seen, Seen];
    const { kind, of } = operand.type;
    if (node.op === '[?]' || kind === 'optional') return this.#plain(optionalOf((kind === 'optional' ? operand.type.of!.of : of) ?? DYN), 1, [operand, index]);
    const type = of ?? DYN;
    const path = [...operand.path, kind === 'list' ? '@items' : '@values'];
    return { cost: 1 + operand.cost + index.cost, type, path, size: operand.entries?.value ?? this.#sizeOf(type, path) };
  }

  #conditional(args: readonly CelNode[], scope: Scope): Seen {
    const [condition, yes, no] = args.map((arg) => this.visit(arg, scope)) as [Seen, Seen, Seen];
    return {
      cost: condition.cost + Math.max(yes.cost, no.cost), type: yes.type.kind === no.type.kind ? yes.type : yes.type.kind === 'null' ? no.type : no.type.kind === 'null' ? yes.type : DYN,
      path: [], size: union(yes.size ?? UNKNOWN_SIZE, no.size ?? UNKNOWN_SIZE), entries: bothEntries(yes.entries, no.entries),
    };
  }

  #negation(operand: CelNode, scope: Scope): Seen {
    const seen = this.visit(operand, scope);
    return operand.op === 'value' ? seen : this.#plain(seen.type, 1, [seen]);
  }

  #list(items: readonly Seen[]): Seen {
    const value = items.length === 0 ? fixedSize(0) : items.map(({ size }) => size ?? UNKNOWN_SIZE).reduce(union);
    return { cost: sum(items) + LIST, type: listOf(commonType(items)), path: [], size: fixedSize(items.length), entries: { container: 'list', key: fixedSize(1), value } };
  }

  #map(pairs: readonly (readonly [Seen, Seen])[]): Seen {
    const all = (sizes: readonly Seen[]): Size => (sizes.length === 0 ? fixedSize(0) : sizes.map(({ size }) => size ?? UNKNOWN_SIZE).reduce(union));
    const [keys, values] = [pairs.map(([key]) => key), pairs.map(([, value]) => value)];
    return { cost: sum(keys) + sum(values) + MAP, type: mapOf(commonType(values)), path: [], size: fixedSize(pairs.length), entries: { container: 'map', key: all(keys), value: all(values) } };
  }

  /** `has(a.b)` costs what `a` does. */
  #presence(argument: CelNode, scope: Scope, pos: number): Seen {
    if (argument.op !== '.' && argument.op !== '.?') return this.#plain(BOOL, 0, [this.visit(argument, scope)]);
    const [left, name] = argument.args as [CelNode, string];
    const operand = this.visit(left, scope);
    this.#fieldType(operand.type, name, pos);
    return this.#plain(BOOL, 0, [operand]);
  }

  #binary({ op, args, input }: CelNode, left: Seen, right: Seen): Seen {
    if (op !== 'in' && mismatched(op, left.type, right.type)) {
      const pos = input.indexOf(op, (args as CelNode[])[0]!.end);
      this.faults.push({ pos, message: `found no matching overload for '_${op}_' applied to '(${typeName(left.type)}, ${typeName(right.type)})'` });
    }
    const [a, b] = [left.size ?? UNKNOWN_SIZE, right.size ?? UNKNOWN_SIZE];
    const compared = costOf(Math.min(a.max, b.max), TRAVERSAL);
    // What one side is known to be, the other has to be too.
    const kind = left.type.kind === 'dyn' ? right.type.kind : left.type.kind;
    switch (op) {
      case '==': case '!=': return this.#plain(BOOL, left.type.kind === 'opaque' && right.type.kind === 'opaque' ? 1 : compared, [left, right]);
      case 'in': return this.#plain(BOOL, right.type.kind === 'map' ? 1 : right.type.kind === 'dyn' ? Math.max(1, b.max) : b.max, [left, right]);
      case '<': case '<=': case '>': case '>=': return this.#plain(BOOL, kind === 'string' || kind === 'bytes' ? compared : kind === 'dyn' ? Math.max(1, compared) : 1, [left, right]);
      case '+': return this.#addition(kind, left, right);
      default: return this.#plain(kind === 'dyn' ? DYN : left.type.kind === 'dyn' ? right.type : left.type, 1, [left, right]);
    }
  }

  #addition(kind: CelType['kind'], left: Seen, right: Seen): Seen {
    const type = left.type.kind === 'dyn' ? right.type : left.type;
    const size = add(left.size ?? UNKNOWN_SIZE, right.size ?? UNKNOWN_SIZE);
    const cost = sum([left, right]) + (kind === 'string' || kind === 'bytes' ? costOf(size.max, TRAVERSAL) : kind === 'dyn' ? Math.max(1, costOf(size.max, TRAVERSAL)) : 1);
    if (kind !== 'string' && kind !== 'bytes' && kind !== 'list' && kind !== 'dyn') return { cost, type, path: [], size: this.#sizeOf(type, []) };
    return { cost, type, path: [], size, entries: bothEntries(left.entries, right.entries) };
  }

  #memberCall(node: CelNode, scope: Scope): Seen {
    const [name, receiver, args] = node.args as [string, CelNode, CelNode[]];
    const own = OWN_NAMES[name] ?? name;
    if (receiver.op === 'id' && NAMESPACES.has(receiver.args as string) && !scope.has(receiver.args as string)) {
      if (receiver.args === 'cel' && name === 'bind') return this.#bind(args, scope);
      return this.#call(`${receiver.args as string}.${own}`, undefined, args.map((arg) => this.visit(arg, scope)));
    }
    const target = this.visit(receiver, scope);
    return this.#macro(own, target, args, scope) ?? this.#call(own, target, args.map((arg) => this.visit(arg, scope)));
  }

  #call(name: string, target: Seen | undefined, args: readonly Seen[]): Seen {
    const given = args.map((arg) => this.#operand(arg));
    const { cost, size } = callCost(name, target && this.#operand(target), given);
    const type = callType(name, target?.type, args.map((arg) => arg.type));
    if (name === 'dyn' && args[0]) return { ...args[0], type: DYN, cost: args[0].cost + 1, path: [] };
    return { cost: cost + sum(args) + (target?.cost ?? 0), type, path: [], size: size ?? this.#sizeOf(type, []) };
  }

  #operand({ type, size, path, literal }: Seen): Operand {
    return { type, size: size ?? UNKNOWN_SIZE, itemSize: (path.length > 0 ? this.#declaredSize([...path, '@items']) : undefined) ?? UNKNOWN_SIZE, ...(literal !== undefined && { literal }) };
  }

  /** The macros, as what they expand to: a loop over the target, with an accumulator, a condition and a step. */
  #macro(name: string, target: Seen, args: readonly CelNode[], scope: Scope): Seen | undefined {
    const pair = args.length > 2 && TWO_VARIABLES.has(name) && args[0]!.op === 'id' && args[1]!.op === 'id';
    const names = (pair ? args.slice(0, 2) : args.slice(0, 1)).map((arg) => arg.args as string);
    const inner = new Map(scope);
    const bind = (): void => {
      if (pair) {
        inner.set(names[0]!, this.#iteration(target, 'key'));
        inner.set(names[1]!, this.#iteration(target, 'value'));
      } else {
        inner.set(names[0]!, this.#iteration(target, 'single'));
      }
    };
    const bodies = (): Seen[] => {
      bind();
      return args.slice(names.length).map((arg) => this.visit(arg, inner));
    };
    const count = (target.size ?? UNKNOWN_SIZE).max;
    /** Accumulator, times the loop's condition and step, and the result. */
    const loop = (type: CelType, start: number, turn: number, result: number, more: Partial<Seen> = {}): Seen => ({
      cost: target.cost + start + times(count, turn) + result, type, path: [], size: this.#sizeOf(type, []), ...more,
    });
    const gathered = (item: Size | undefined, container: 'list' | 'map' = 'list'): Partial<Seen> => ({
      size: target.size ?? UNKNOWN_SIZE, entries: { container, key: fixedSize(1), value: union(fixedSize(0), item ?? UNKNOWN_SIZE) },
    });
    switch (name) {
      case 'all': return loop(BOOL, 0, 2 + 1 + sum(bodies()), 1, { size: fixedSize(1) });
      case 'exists': return loop(BOOL, 0, 3 + 1 + sum(bodies()), 1, { size: fixedSize(1) });
      case 'exists_one': case 'existsOne': return loop(BOOL, 0, sum(bodies()) + 2, 2, { size: fixedSize(1) });
      case 'map': case 'transformList': {
        const seen = bodies();
        const made = seen.at(-1)!;
        return loop(listOf(made.type), LIST, sum(seen) + 2 + LIST, 1, gathered(made.size));
      }
      case 'filter': {
        const seen = bodies();
        const item = this.#identifier(names[0]!, inner);
        return loop(listOf(item.type), LIST, sum(seen) + 3 + LIST, 1, gathered(item.size));
      }
      case 'transformMap': {
        const seen = bodies();
        return loop(mapOf(seen.at(-1)!.type), MAP, sum(seen) + 3, 1, gathered(seen.at(-1)!.size, 'map'));
      }
      case 'transformMapEntry': {
        const seen = bodies();
        return loop(seen.at(-1)!.type.kind === 'map' ? seen.at(-1)!.type : mapOf(DYN), MAP, sum(seen) + 2, 1, gathered(undefined, 'map'));
      }
      case 'optMap': case 'optFlatMap': {
        const value = { type: target.type.kind === 'optional' ? target.type.of! : DYN, path: [], size: undefined, entries: undefined };
        const body = this.visit(args[1]!, new Map(scope).set(args[0]!.args as string, value));
        const made = LIST + target.cost + 1 + body.cost + (name === 'optMap' ? 1 : 0);
        return { cost: target.cost + 1 + Math.max(made, 1), type: name === 'optMap' ? optionalOf(body.type) : body.type, path: [], size: undefined };
      }
      case 'sortBy': {
        // Bound to a name that the list of keys is made from, and sorted by it.
        const seen = bodies();
        const { kind } = seen[0]!.type;
        const sorting = costOf(times(count, count), kind === 'string' || kind === 'bytes' ? 2 + TRAVERSAL : 2) + 1 + LIST;
        return { cost: LIST + loop(DYN, LIST, sum(seen) + 2 + LIST, 1).cost + 2 + sorting, type: target.type, path: [], size: target.size };
      }
      default: return undefined;
    }
  }

  /** A variable of a macro: what it runs over. */
  #iteration(range: Seen, role: 'key' | 'value' | 'single'): Variable {
    const { type, entries } = range;
    const container = entries?.container ?? type.kind;
    const values = role === 'value' || (role === 'single' && container === 'list');
    const part = container === 'list' ? (values ? '@items' : '@indices') : values ? '@values' : '@keys';
    return {
      type: values ? (type.of ?? DYN) : container === 'list' ? INT : type.kind === 'map' ? STRING : DYN,
      path: [...range.path, part], size: values ? entries?.value : entries?.key, entries: undefined,
    };
  }

  /** `cel.bind(name, value, body)`: a loop over an empty list, whose accumulator is the name. */
  #bind([name, value, body]: readonly CelNode[], scope: Scope): Seen {
    const bound = this.visit(value!, scope);
    const result = this.visit(body!, new Map(scope).set(name!.args as string, { type: bound.type, path: bound.path, size: bound.size, entries: bound.entries }));
    return { ...result, cost: LIST + bound.cost + result.cost, path: [] };
  }

  #plain(type: CelType, cost: number, parts: readonly Seen[]): Seen {
    return { cost: cost + sum(parts), type, path: [], size: this.#sizeOf(type, []) };
  }

  #sizeOf(type: CelType, path: readonly string[]): Size | undefined {
    return (path.length > 0 ? this.#declaredSize(path) : undefined) ?? (isScalar(type) ? fixedSize(1) : undefined);
  }

  /** What the schema says at a path. The first element is taken for the variable, whatever it is. */
  #declaredSize(path: readonly string[]): Size | undefined {
    let type: CelType | undefined = this.#self;
    for (const name of path.slice(1)) {
      if (name === '@items' || name === '@values') type = type.kind === 'list' || type.kind === 'map' ? type.of : undefined;
      else if (name === '@keys') type = type.kind === 'map' ? STRING : undefined;
      else type = type.fields?.get(name);
      if (!type) return undefined;
    }
    return { min: 0, max: type.max };
  }
}

/** Where the dot of a selection stands: what is said of it is said there. */
const dotOf = ({ args, input }: CelNode): number => input.indexOf('.', (args as [CelNode])[0].end);

const sum = (parts: readonly Seen[]): number => parts.reduce((total, { cost }) => total + cost, 0);

const commonType = (items: readonly Seen[]): CelType => (items.length > 0 && items.every(({ type }) => type.kind === items[0]!.type.kind) ? items[0]!.type : DYN);

/** Whether there is no such operation on these types, as far as both are known. Times and durations may be mixed, and so may numbers. */
function mismatched(op: string, { kind: left }: CelType, { kind: right }: CelType): boolean {
  if (left === right || !PLAIN.has(left) || !PLAIN.has(right)) return false;
  return !(op !== '==' && op !== '!=' && op !== '+' && NUMBERS.has(left) && NUMBERS.has(right));
}

const PLAIN: ReadonlySet<CelType['kind']> = new Set(['bool', 'int', 'uint', 'double', 'string', 'bytes', 'list', 'map']);
const NUMBERS: ReadonlySet<CelType['kind']> = new Set(['int', 'uint', 'double']);

function bothEntries(a: EntrySizes | undefined, b: EntrySizes | undefined): EntrySizes | undefined {
  return a && b && { container: a.container, key: union(a.key, b.key), value: union(a.value, b.value) };
}

function typeName({ kind, of }: CelType): string {
  return kind === 'list' ? `list(${of ? typeName(of) : 'dyn'})` : kind === 'object' ? 'object' : kind;
}

/** Calls that stand in the parsed expression under names of our own. */
const OWN_NAMES: Readonly<Record<string, string>> = { re2Matches: 'matches' };
const TWO_VARIABLES: ReadonlySet<string> = new Set(['all', 'exists', 'existsOne', 'exists_one', 'transformList', 'transformMap', 'transformMapEntry']);
const NAMESPACES: ReadonlySet<string> = new Set(['cel', 'sets', 'ip', 'format', 'lists', 'jsonpatch', 'optional', 'strings', 'math']);
const TYPES: ReadonlySet<string> = new Set(['bool', 'int', 'uint', 'double', 'string', 'bytes', 'list', 'map', 'null_type', 'type', 'dyn']);
