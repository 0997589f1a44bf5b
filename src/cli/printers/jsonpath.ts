/**
 * kubectl's JSONPath templates: `{.items[*].metadata.name}`, `{range .items[*]}…{end}`, filters, slices, unions, `..`, quoted text.
 * Upstream: client-go util/jsonpath.
 */
import { sortKeys } from '../sort-keys.ts';

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'recursive' }
  | { readonly kind: 'slice'; readonly from?: number; readonly to?: number; readonly step: number; readonly single: boolean }
  | { readonly kind: 'union'; readonly paths: readonly (readonly Step[])[] }
  | { readonly kind: 'filter'; readonly left: Operand; readonly operator: string; readonly right?: Operand };

type Operand = { readonly literal: unknown } | { readonly path: readonly Step[]; readonly root: boolean };

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'path'; readonly steps: readonly Step[]; readonly root: boolean }
  /** What is a fault only when it is run. */
  | { readonly kind: 'fault'; readonly message: string }
  | { readonly kind: 'range'; readonly steps: readonly Step[]; readonly root: boolean; readonly body: readonly Node[] };

export class JsonPathError extends Error {}

export interface JsonPathOptions {
  /** A field that is not there yields nothing (kubectl's default) or a fault. */
  readonly allowMissingKeys: boolean;
}

export type JsonPathTemplate = (data: unknown, options: JsonPathOptions) => string;

/** Compiles a template. Throws JsonPathError where it is malformed. */
export function compileJsonPath(template: string): JsonPathTemplate {
  const nodes = parseTemplate(template);
  return (data, options) => render(nodes, data, data, options);
}

/** `.metadata.name` and `metadata.name` as kubectl takes them in sort-by and custom columns → `{.metadata.name}`. */
export function relaxedJsonPath(expression: string): string {
  const match = /^\{?\.?([^{}]+)\}?$/.exec(expression.trim());
  if (!match) throw new JsonPathError(`unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'`);
  return `{.${match[1]!.replace(/^\./, '')}}`;
}

/** What each part of the template finds, in its order: a text finds itself, a range what its parts find for each item. */
export function findEach(template: string, data: unknown, options: JsonPathOptions): unknown[][] {
  const collect = (nodes: readonly Node[], current: unknown): unknown[][] => nodes.flatMap((node) => {
    if (node.kind === 'text') return [[node.text]];
    if (node.kind === 'fault') throw new JsonPathError(node.message);
    const found = evaluate(node.steps, [node.root ? data : current], recursiveOptions(node.steps, options), data);
    return node.kind === 'path' ? [found] : found.flatMap((value) => collect(node.body, value));
  });
  return collect(parseTemplate(template), data);
}

/** All values that the single path of `template` finds. */
export function findAll(template: string, data: unknown, options: JsonPathOptions): unknown[] {
  const [node] = parseTemplate(template);
  if (node?.kind !== 'path') throw new JsonPathError(`${template} is not a path`);
  return evaluate(node.steps, [data], options, data);
}

function parseTemplate(template: string): Node[] {
  const stack: OpenRange[] = [{ nodes: [] }];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    if (open !== at) {
      stack.at(-1)!.nodes.push({ kind: 'text', text: template.slice(at, open < 0 ? undefined : open) });
      if (open < 0) break;
    }
    const close = closing(template, open);
    const inner = template.slice(open + 1, close).trim();
    at = close + 1;
    if (inner.startsWith('range ') || inner === 'range') {
      stack.push({ nodes: [], open: parsePath(inner.slice(5).trim()) });
    } else if (inner === 'end') {
      if (stack.length > 1) closeRange(stack);
      else stack[0]!.nodes.push({ kind: 'fault', message: 'not in range, nothing to end' });
    } else {
      const parts = splitTop(inner).map(parsePart);
      // Within one pair of braces a text takes the place of what stands before it.
      stack.at(-1)!.nodes.push(...parts.slice(parts.findLastIndex(({ kind }) => kind === 'text') + (parts.at(-1)?.kind === 'text' ? 0 : 1)));
    }
  }
  // A range that nobody ends goes on to the end of the template.
  while (stack.length > 1) closeRange(stack);
  return stack[0]!.nodes;
}

interface OpenRange {
  readonly nodes: Node[];
  readonly open?: { readonly steps: readonly Step[]; readonly root: boolean };
}

function closeRange(stack: OpenRange[]): void {
  const { nodes, open } = stack.pop()!;
  stack.at(-1)!.nodes.push({ kind: 'range', ...open!, body: nodes });
}

function parsePart(part: string): Node {
  if (/^["']/.test(part)) return { kind: 'text', text: unquote(part) };
  if (/^-?\d+(\.\d+)?$|^(true|false)$/.test(part)) return { kind: 'text', text: part };
  const [identifier] = /^[A-Za-z_]\w*/.exec(part) ?? [];
  return identifier ? { kind: 'fault', message: `unrecognized identifier ${identifier}` } : { kind: 'path', ...parsePath(part) };
}

/** Where the action that begins at `open` ends: quotes and brackets inside are skipped. */
function closing(text: string, open: number): number {
  let quote = '';
  for (let i = open + 1; i < text.length; i++) {
    const c = text[i]!;
    if (quote) {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '}') return i;
  }
  throw new JsonPathError('unclosed action');
}

/** Splits at blanks outside of quotes, brackets and parentheses. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quote = '';
  let current = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quote) {
      if (c === '\\') current += text[i++];
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '[' || c === '(') depth++;
    else if (c === ']' || c === ')') depth--;
    if (!quote && depth === 0 && /\s/.test(c)) {
      if (current) parts.push(current);
      current = '';
    } else {
      current += text[i];
    }
  }
  if (current) parts.push(current);
  return parts;
}

function unquote(text: string): string {
  const body = text.slice(1, -1);
  return body.replace(/\\(u[0-9a-fA-F]{4}|.)/gs, (_, escape: string) => {
    const known: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v', a: '\u0007' };
    return escape.length === 5 ? String.fromCharCode(Number.parseInt(escape.slice(1), 16)) : (known[escape] ?? escape);
  });
}

function parsePath(text: string): { steps: readonly Step[]; root: boolean } {
  let rest = text;
  const root = rest.startsWith('$');
  if (root || rest.startsWith('@')) rest = rest.slice(1);
  const steps: Step[] = [];
  while (rest !== '') {
    if (rest.startsWith('..')) {
      steps.push({ kind: 'recursive' });
      rest = rest.slice(/^\.\.[[*\w]/.test(rest) && rest[2] !== '[' ? 1 : 2);
    } else if (rest.startsWith('.')) {
      const match = /^\.((?:\\.|[^.[\]{}()\s|,'"=!<>])*)/.exec(rest)!;
      const name = match[1]!.replaceAll(/\\(.)/g, '$1');
      if (match[1] === '*') steps.push({ kind: 'wildcard' });
      else if (name !== '') steps.push({ kind: 'field', name });
      rest = rest.slice(match[0].length);
    } else if (rest.startsWith('[')) {
      const end = bracketEnd(rest);
      steps.push(parseBracket(rest.slice(1, end).trim()));
      rest = rest.slice(end + 1);
    } else {
      const match = /^((?:\\.|[^.[\]{}()\s])+)/.exec(rest);
      if (!match || steps.length > 0) throw new JsonPathError(`unrecognized character in action: U+${rest.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')} '${rest[0]}'`);
      steps.push({ kind: 'field', name: match[1]!.replaceAll(/\\(.)/g, '$1') });
      rest = rest.slice(match[0].length);
    }
  }
  return { steps, root };
}

function bracketEnd(text: string): number {
  let depth = 0;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quote) {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '[') depth++;
    else if (c === ']' && --depth === 0) return i;
  }
  throw new JsonPathError('unterminated array');
}

function parseBracket(inner: string): Step {
  if (inner === '*') return { kind: 'wildcard' };
  const filter = /^\?\((.*)\)$/s.exec(inner);
  if (filter) return parseFilter(filter[1]!.trim());
  if (/^(-?\d+)?(:(-?\d+)?){0,2}$/.test(inner) && inner !== '') {
    const [from, to, step] = inner.split(':');
    const number = (part: string | undefined): number | undefined => (part ? Number(part) : undefined);
    const single = !inner.includes(':');
    const stride = number(step) ?? 1;
    if (stride < 1) throw new JsonPathError('step must be > 0');
    return { kind: 'slice', step: stride, single, ...(from !== '' && from !== undefined && { from: Number(from) }), ...(to && { to: Number(to) }) };
  }
  const parts = inner.split(/,(?=(?:[^'"]*['"][^'"]*['"])*[^'"]*$)/).map((part) => part.trim());
  // A quoted key is itself a path, as upstream has it: dots of a key are escaped, ['app\\.kubernetes\\.io/name'].
  const paths = parts.map((part): readonly Step[] => {
    if (/^'.*'$/.test(part)) return parsePath(`.${part.slice(1, -1)}`).steps;
    if (parts.length > 1 && /^(\*|[-\d:]+|\?\(.*\))$/s.test(part)) return [parseBracket(part)];
    throw new JsonPathError(`invalid array index ${part}`);
  });
  return { kind: 'union', paths };
}

function parseFilter(text: string): Step {
  const match = /^(.*?)\s*(==|!=|<=|>=|<|>)\s*(.*)$/s.exec(text);
  if (!match) return { kind: 'filter', left: operand(text), operator: 'exists' };
  return { kind: 'filter', left: operand(match[1]!), operator: match[2]!, right: operand(match[3]!) };
}

function operand(text: string): Operand {
  if (/^'.*'$|^".*"$/s.test(text)) return { literal: unquote(text) };
  if (text === 'true' || text === 'false') return { literal: text === 'true' };
  if (/^-?\d+(\.\d+)?$/.test(text)) return { literal: Number(text) };
  const { steps, root } = parsePath(text);
  return { path: steps, root };
}

function evaluate(steps: readonly Step[], start: readonly unknown[], options: JsonPathOptions, root: unknown): unknown[] {
  let values: unknown[] = [...start];
  for (const step of steps) values = values.flatMap((value) => apply(step, value, options, root));
  return values;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function apply(step: Step, value: unknown, options: JsonPathOptions, root: unknown): unknown[] {
  switch (step.kind) {
    case 'field':
      if (isObject(value) && Object.hasOwn(value, step.name)) return [value[step.name]];
      if (options.allowMissingKeys) return [];
      throw new JsonPathError(`${step.name} is not found`);
    case 'wildcard':
      return Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
    case 'recursive':
      return descendants(value);
    case 'union':
      return step.paths.flatMap((path) => evaluate(path, [value], options, root));
    case 'filter': {
      const items = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
      return items.filter((item) => matches(step, item, root));
    }
    case 'slice': {
      if (value === null || value === undefined) return [];
      if (!Array.isArray(value)) throw new JsonPathError(`${typeof value} is not array or slice`);
      if (step.single) {
        const index = step.from! < 0 ? value.length + step.from! : step.from!;
        if (index >= 0 && index < value.length) return [value[index]];
        throw new JsonPathError(`array index out of bounds: index ${index}, length ${value.length}`);
      }
      const from = (step.from ?? 0) + ((step.from ?? 0) < 0 ? value.length : 0);
      const to = step.to === undefined ? value.length : step.to + (step.to < 0 ? value.length : 0);
      if (from === to) return [];
      const beyond = from >= value.length || from < 0 ? from : to > value.length || to < 0 ? to - 1 : undefined;
      if (beyond !== undefined) throw new JsonPathError(`array index out of bounds: index ${beyond}, length ${value.length}`);
      if (from > to) throw new JsonPathError(`starting index ${from} is greater than ending index ${to}`);
      const picked: unknown[] = [];
      for (let i = from; i < to; i += step.step) picked.push(value[i]);
      return picked;
    }
  }
}

/** The value and all under it; a following field step then picks from those that have the field. */
function descendants(value: unknown): unknown[] {
  const children = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
  return [value, ...children.flatMap(descendants)];
}

function matches(step: Extract<Step, { kind: 'filter' }>, item: unknown, root: unknown): boolean {
  const read = (side: Operand): unknown => ('literal' in side ? side.literal : evaluate(side.path, [side.root ? root : item], { allowMissingKeys: true }, root)[0]);
  const left = read(step.left);
  if (step.operator === 'exists') return left !== undefined;
  const right = read(step.right!);
  if (left === undefined) return false;
  const [a, b] = typeof left === 'number' || typeof right === 'number' ? [Number(left), Number(right)] : [String(left), String(right)];
  switch (step.operator) {
    case '==': return a === b;
    case '!=': return a !== b;
    case '<': return a < b;
    case '<=': return a <= b;
    case '>': return a > b;
    default: return a >= b;
  }
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(sortKeys(value)) : String(value);
}

function render(nodes: readonly Node[], current: unknown, root: unknown, options: JsonPathOptions): string {
  let text = '';
  for (const node of nodes) {
    if (node.kind === 'text') text += node.text;
    else if (node.kind === 'fault') throw new JsonPathError(node.message);
    else if (node.kind === 'path') text += evaluate(node.steps, [node.root ? root : current], recursiveOptions(node.steps, options), root).map(shown).join(' ');
    else for (const value of evaluate(node.steps, [node.root ? root : current], options, root)) text += render(node.body, value, root, options);
  }
  return text;
}

/** Below `..` a field is missing nearly everywhere: that is no fault. */
function recursiveOptions(steps: readonly Step[], options: JsonPathOptions): JsonPathOptions {
  return steps.some((step) => step.kind === 'recursive') ? { allowMissingKeys: true } : options;
}
