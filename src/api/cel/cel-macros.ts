import { Optional, type Environment } from '@marcbachmann/cel-js';

/** What the engine gives a macro of its parser, checker and evaluator; it publishes no types of them. */
interface Node {
  readonly op: string;
  readonly args: unknown;
}
interface Scope {
  forkWithVariable(name: string, type: unknown): Scope;
  reuse(outer: Scope): Scope;
  setIterValue(value: unknown, evaluator: Evaluator): Scope;
}
interface Checker {
  check(node: Node, scope: Scope): CelType;
  getType(name: string): CelType;
  createError(code: string, message: string, node: Node): Error;
}
interface CelType {
  readonly kind: string;
  fieldLazy(value: unknown, name: unknown, node: Node, evaluator: Evaluator): unknown;
}
interface Evaluator {
  run(node: Node, scope: Scope): unknown;
  debugType(value: unknown): CelType;
  createError(code: string, message: string, node: Node): Error;
}
interface MacroCall {
  readonly args: readonly Node[];
  readonly receiver: Node;
}

/**
 * Macros that Kubernetes has and the engine has not: `has` of a member of anything (`has(self[0].port)`; the engine takes names alone), and the ones of
 * two variables: `all(i, v, …)`, `exists`, `existsOne`, `transformList`, `transformMap`, `transformMapEntry`; `optMap`, `optFlatMap` and `sortBy`.
 * Upstream: cel-go ext/comprehensions.go, cel/library.go, ext/lists.go.
 */
export function registerMacros(environment: Environment): void {
  environment.registerFunction('hasMember(ast): bool', hasMember);
  environment.registerFunction('optional.optMap(ast, ast): optional<dyn>', oneVariable('optional', (value, made) => (held(value) ? Optional.of(made(value.value())) : value)));
  environment.registerFunction('optional.optFlatMap(ast, ast): optional<dyn>', oneVariable('optional', (value, made) => (held(value) ? made(value.value()) : value)));
  environment.registerFunction('list.sortBy(ast, ast): list<dyn>', oneVariable('list<dyn>', sorted));
  for (const receiver of ['list', 'map']) {
    environment.registerFunction(`${receiver}.all(ast, ast, ast): bool`, twoVariables('bool', 2, (turns) => turns.every(([, , held]) => isTrue(held()))));
    environment.registerFunction(`${receiver}.exists(ast, ast, ast): bool`, twoVariables('bool', 2, (turns) => turns.some(([, , held]) => isTrue(held()))));
    for (const name of ['existsOne', 'exists_one']) {
      environment.registerFunction(`${receiver}.${name}(ast, ast, ast): bool`, twoVariables('bool', 2, (turns) => turns.filter(([, , held]) => isTrue(held())).length === 1));
    }
    environment.registerFunction(`${receiver}.transformList(ast, ast, ast): list<dyn>`, twoVariables('list<dyn>', 2, (turns) => turns.map(([, , made]) => made())));
    environment.registerFunction(`${receiver}.transformList(ast, ast, ast, ast): list<dyn>`, twoVariables('list<dyn>', 3, (turns) => turns.filter(([, , held]) => isTrue(held())).map(([, , , made]) => made!())));
    environment.registerFunction(`${receiver}.transformMap(ast, ast, ast): map<dyn, dyn>`, twoVariables('map<dyn, dyn>', 2, (turns) => mapOf(turns.map(([key, , made]) => [key, made()]))));
    environment.registerFunction(`${receiver}.transformMap(ast, ast, ast, ast): map<dyn, dyn>`, twoVariables('map<dyn, dyn>', 3, (turns) => mapOf(turns.filter(([, , held]) => isTrue(held())).map(([key, , , made]) => [key, made!()]))));
    environment.registerFunction(`${receiver}.transformMapEntry(ast, ast, ast): map<dyn, dyn>`, twoVariables('map<dyn, dyn>', 2, (turns) => mapOf(turns.flatMap(([, , made]) => entriesOf(made())))));
  }
}

const invalidHas = 'invalid argument to has() macro';

function hasMember({ args }: MacroCall): object {
  // The innermost value first, then the members asked for.
  const members: Node[] = [];
  let root = args[0]!;
  while (root.op === '.' || root.op === '.?') {
    members.unshift(root);
    root = (root.args as [Node, string])[0];
  }
  return {
    args,
    async: false,
    typeCheck(checker: Checker, _macro: unknown, scope: Scope) {
      if (members.length === 0) throw checker.createError('invalid_macro_argument', invalidHas, root);
      checker.check(root, scope);
      return checker.getType('bool');
    },
    evaluate(evaluator: Evaluator, _macro: unknown, scope: Scope) {
      let value = evaluator.run(root, scope);
      let optional = false;
      for (const [i, member] of members.entries()) {
        const name = (member.args as [Node, string])[1];
        optional ||= member.op === '.?';
        value = evaluator.debugType(value).fieldLazy(value, name, member, evaluator);
        if (value !== undefined) continue;
        if (optional || i === members.length - 1) return false;
        throw evaluator.createError('no_such_key', `No such key: ${name}`, member);
      }
      return true;
    },
  };
}

/** Key or index, value, and the macro's expressions for that pair, evaluated when called. */
type Turn = readonly [key: unknown, value: unknown, first: () => unknown, second?: () => unknown];

function twoVariables(result: string, last: 2 | 3, finish: (turns: readonly Turn[]) => unknown) {
  return ({ args, receiver }: MacroCall): object => {
    const [keyNode, valueNode, first, second] = args as [Node, Node, Node, Node?];
    let keyScope: Scope;
    let valueScope: Scope;
    return {
      args,
      async: false,
      typeCheck(checker: Checker, _macro: unknown, scope: Scope) {
        for (const node of [keyNode, valueNode]) if (node.op !== 'id') throw checker.createError('invalid_macro_argument', 'argument must be a simple name', node);
        checker.check(receiver, scope);
        keyScope = scope.forkWithVariable(keyNode.args as string, checker.getType('dyn'));
        valueScope = keyScope.forkWithVariable(valueNode.args as string, checker.getType('dyn'));
        checker.check(first, valueScope);
        if (last === 3) checker.check(second!, valueScope);
        return checker.getType(result);
      },
      evaluate(evaluator: Evaluator, _macro: unknown, scope: Scope) {
        const pairs = entriesOf(evaluator.run(receiver, scope));
        const of = (node: Node, key: unknown, value: unknown) => () =>
          evaluator.run(node, valueScope.reuse(keyScope.reuse(scope).setIterValue(key, evaluator)).setIterValue(value, evaluator));
        return finish(pairs.map(([key, value]) => [key, value, of(first, key, value), second && of(second, key, value)]));
      },
    };
  };
}

function oneVariable(result: string, finish: (value: unknown, made: (value: unknown) => unknown) => unknown) {
  return ({ args, receiver }: MacroCall): object => {
    const [name, body] = args as [Node, Node];
    let inner: Scope;
    return {
      args,
      async: false,
      typeCheck(checker: Checker, _macro: unknown, scope: Scope) {
        if (name.op !== 'id') throw checker.createError('invalid_macro_argument', 'argument must be a simple name', name);
        checker.check(receiver, scope);
        inner = scope.forkWithVariable(name.args as string, checker.getType('dyn'));
        checker.check(body, inner);
        return checker.getType(result);
      },
      evaluate(evaluator: Evaluator, _macro: unknown, scope: Scope) {
        return finish(evaluator.run(receiver, scope), (value) => evaluator.run(body, inner.reuse(scope).setIterValue(value, evaluator)));
      },
    };
  };
}

function held(value: unknown): value is Optional {
  if (!(value instanceof Optional)) throw new Error('no such overload');
  return value.hasValue();
}

function sorted(list: unknown, keyOf: (value: unknown) => unknown): unknown[] {
  if (!Array.isArray(list)) throw new Error('no such overload');
  const keyed = list.map((value) => [keyOf(value) as bigint, value as unknown] as const);
  return keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, value]) => value);
}

function entriesOf(value: unknown): (readonly [unknown, unknown])[] {
  if (Array.isArray(value)) return value.map((member, i) => [BigInt(i), member]);
  if (value instanceof Map) return [...value];
  if (typeof value === 'object' && value !== null) return Object.entries(value);
  throw new Error('no such overload');
}

const mapOf = (entries: readonly (readonly [unknown, unknown])[]): Map<unknown, unknown> => new Map(entries);

function isTrue(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new Error('no such overload');
  return value;
}
