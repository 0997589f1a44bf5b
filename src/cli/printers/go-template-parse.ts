import { GoNumber } from './go-value.ts';
import { goQuote, GoTemplateError, lexTemplate, shownToken, type Token, type TokenType } from './go-template-lex.ts';

/** A node knows where it stands (an index into the source) and how it is written: faults name both. */
interface Placed { readonly at: number; readonly text: string }

/** One value of a pipeline's command. */
export type Operand = Placed & (
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'dot' | 'nil' }
  | { readonly kind: 'field'; readonly path: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'function'; readonly name: string }
  /** Fields of what stands before them: `(index .a 0).b`. */
  | { readonly kind: 'chain'; readonly of: Operand; readonly path: readonly string[] }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline }
);

export interface Command extends Placed { readonly operands: readonly Operand[] }

export interface Pipeline extends Placed {
  readonly declare: readonly string[];
  /** `=` instead of `:=`. */
  readonly assign: boolean;
  /** Each command takes the result of the one before as its last argument. */
  readonly commands: readonly Command[];
}

export type TemplateNode = Placed & (
  | { readonly kind: 'text'; readonly shown: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | { readonly kind: 'if' | 'with' | 'range'; readonly pipeline: Pipeline; readonly body: readonly TemplateNode[]; readonly otherwise: readonly TemplateNode[] }
  | { readonly kind: 'template'; readonly name: string; readonly pipeline: Pipeline | undefined }
  | { readonly kind: 'break' | 'continue' }
);

/** The templates of a source by name; the source's own is the one that it was parsed under. */
export type TemplateSet = ReadonlyMap<string, readonly TemplateNode[]>;

type Ending = Token & { readonly ending: 'end' | 'else' };
const isEnding = (found: TemplateNode | Ending): found is Ending => 'ending' in found;

const OPERAND_TYPES = new Set<TokenType>(['bool', 'char', 'complex', 'dot', 'field', 'identifier', 'number', 'nil', 'raw', 'string', 'variable', '(']);

/** Upstream: Go's text/template/parse. Throws GoTemplateError. */
export function parseTemplate(name: string, source: string, isFunction: (name: string) => boolean): TemplateSet {
  return new Parser(name, source, isFunction).parse();
}

class Parser {
  readonly #name: string;
  readonly #isFunction: (name: string) => boolean;
  readonly #tokens: readonly Token[];
  readonly #set = new Map<string, readonly TemplateNode[]>();
  #next = 0;
  /** The last token that was looked at: faults name its line. */
  #seen = 0;
  #variables = ['$'];
  #loops = 0;
  #actionLine = 0;

  constructor(name: string, source: string, isFunction: (name: string) => boolean) {
    this.#name = name;
    this.#isFunction = isFunction;
    this.#tokens = lexTemplate(source);
  }

  parse(): TemplateSet {
    const nodes: TemplateNode[] = [];
    while (this.#peek().type !== 'eof') {
      if (this.#peek().type === 'left') {
        const start = this.#next++;
        const keyword = this.#takeWord();
        if (keyword.type === 'keyword' && keyword.text === 'define') {
          this.#define();
          continue;
        }
        this.#next = start;
      }
      const found = this.#textOrAction();
      if (isEnding(found)) this.#fail(`unexpected {{${found.ending}}}`);
      nodes.push(found);
    }
    this.#add(this.#name, nodes);
    return this.#set;
  }

  #fail(message: string): never {
    throw new GoTemplateError(`template: ${this.#name}:${this.#tokens[this.#seen]!.line}: ${message}`);
  }

  #unexpected(token: Token, context: string): never {
    if (token.type !== 'error') this.#fail(`unexpected ${shownToken(token)} in ${context}`);
    const started = this.#actionLine !== 0 && this.#actionLine !== token.line ? ` in action started at ${this.#name}:${this.#actionLine}` : '';
    return this.#fail(token.text + (token.text.endsWith(' action') ? started.slice(' in action'.length) : started));
  }

  #peek(): Token {
    this.#seen = Math.max(this.#seen, Math.min(this.#next, this.#tokens.length - 1));
    return this.#tokens[Math.min(this.#next, this.#tokens.length - 1)]!;
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #peekWord(): Token {
    while (this.#peek().type === 'space') this.#next++;
    return this.#peek();
  }

  #takeWord(): Token {
    this.#peekWord();
    return this.#take();
  }

  #expect(context: string, ...types: TokenType[]): Token {
    const token = this.#takeWord();
    return types.includes(token.type) ? token : this.#unexpected(token, context);
  }

  #add(name: string, nodes: readonly TemplateNode[]): void {
    const known = this.#set.get(name);
    if (known && !isEmpty(known)) {
      if (!isEmpty(nodes)) this.#fail(`template: multiple definition of template ${goQuote(name)}`);
      return;
    }
    this.#set.set(name, nodes);
  }

  /** A definition sees nothing of what stands around it. */
  #apart(context: string, name: string): void {
    const [variables, loops] = [this.#variables, this.#loops];
    [this.#variables, this.#loops] = [['$'], 0];
    const [nodes, end] = this.#list();
    if (end.ending !== 'end') this.#fail(`unexpected {{else}} in ${context}`);
    this.#add(name, nodes);
    [this.#variables, this.#loops] = [variables, loops];
  }

  #define(): void {
    const name = this.#unquote(this.#expect('define clause', 'string', 'raw'));
    this.#expect('define clause', 'right');
    this.#apart('define clause', name);
  }

  /** Up to the `end` or `else` that closes it. */
  #list(): [nodes: TemplateNode[], closing: Ending] {
    const nodes: TemplateNode[] = [];
    while (this.#peekWord().type !== 'eof') {
      const found = this.#textOrAction();
      if (isEnding(found)) return [nodes, found];
      nodes.push(found);
    }
    return this.#fail('unexpected EOF');
  }

  #textOrAction(): TemplateNode | Ending {
    const token = this.#takeWord();
    if (token.type === 'text') return { kind: 'text', at: token.at, text: token.text, shown: token.text };
    if (token.type !== 'left') return this.#unexpected(token, 'input');
    this.#actionLine = token.line;
    const action = this.#action();
    this.#actionLine = 0;
    return action;
  }

  #action(): TemplateNode | Ending {
    const token = this.#peekWord();
    const keyword = token.type === 'keyword' ? token.text : '';
    if (keyword && keyword !== 'define') this.#next++;
    switch (keyword) {
      case 'if': case 'with': case 'range': return this.#control(keyword);
      case 'end': return { ...this.#expect('end', 'right'), ending: 'end' };
      case 'else': {
        const following = this.#peekWord();
        if (following.type === 'keyword' && (following.text === 'if' || following.text === 'with')) return { ...following, ending: 'else' };
        return { ...this.#expect('else', 'right'), ending: 'else' };
      }
      case 'break': case 'continue':
        if (this.#takeWord().type !== 'right') this.#unexpected(this.#tokens[this.#next - 1]!, `{{${keyword}}}`);
        if (this.#loops === 0) this.#fail(`{{${keyword}}} outside {{range}}`);
        return { kind: keyword, at: token.at, text: `{{${keyword}}}` };
      case 'block': {
        const name = this.#templateName('block clause');
        const pipeline = this.#pipeline('block clause', 'right');
        this.#apart('block clause', this.#unquote(name));
        return templateNode(name, this.#unquote(name), pipeline);
      }
      case 'template': {
        const name = this.#templateName('template clause');
        const bare = this.#peekWord().type === 'right';
        if (bare) this.#next++;
        return templateNode(name, this.#unquote(name), bare ? undefined : this.#pipeline('template clause', 'right'));
      }
      default: {
        const pipeline = this.#pipeline('command', 'right');
        return { kind: 'action', at: token.at, text: `{{${pipeline.text}}}`, pipeline };
      }
    }
  }

  #templateName(context: string): Token {
    const token = this.#takeWord();
    return token.type === 'string' || token.type === 'raw' ? token : this.#unexpected(token, context);
  }

  #control(kind: 'if' | 'with' | 'range'): TemplateNode {
    const known = this.#variables.length;
    const pipeline = this.#pipeline(kind, 'right');
    if (kind === 'range') this.#loops++;
    const [body, closing] = this.#list();
    if (kind === 'range') this.#loops--;
    let otherwise: TemplateNode[] = [];
    if (closing.ending === 'else') {
      const following = this.#peek();
      // `else if` is an `if` within the else; one end closes both.
      if (kind !== 'range' && following.type === 'keyword' && following.text === kind) {
        this.#next++;
        otherwise = [this.#control(kind)];
      } else {
        const [nodes, end] = this.#list();
        if (end.ending !== 'end') this.#fail('expected end; found {{else}}');
        otherwise = nodes;
      }
    }
    this.#variables.length = known;
    return { kind, at: pipeline.at, text: `{{${kind} ${pipeline.text}}}`, pipeline, body, otherwise };
  }

  #pipeline(context: string, end: 'right' | ')'): Pipeline {
    const { at } = this.#peekWord();
    const declare: string[] = [];
    const assign = this.#declarations(context, declare);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#peekWord();
      if (token.type === end) break;
      if (!OPERAND_TYPES.has(token.type)) this.#unexpected(this.#take(), context);
      commands.push(this.#command());
    }
    this.#next++;
    if (commands.length === 0) this.#fail(`missing value for ${context}`);
    commands.slice(1).forEach(({ operands: [first] }, i) => {
      if (['literal', 'dot', 'nil'].includes(first!.kind)) this.#fail(`non executable command in pipeline stage ${i + 2}`);
    });
    return { at, text: `${declare.length > 0 ? `${declare.join(', ')} ${assign ? '=' : ':='} ` : ''}${commands.map(({ text }) => text).join(' | ')}`, declare, assign, commands };
  }

  /** `$x :=`, `$i, $x :=`, `$x =`; answers whether it assigns. */
  #declarations(context: string, declare: string[]): boolean {
    for (;;) {
      const start = this.#next;
      const variable = this.#peekWord();
      if (variable.type !== 'variable') return false;
      this.#next++;
      const following = this.#peekWord();
      if (following.type === 'assign' || following.type === 'declare') {
        this.#next++;
        declare.push(variable.text);
        this.#variables.push(variable.text);
        return following.type === 'assign';
      }
      if (following.type !== 'mark' || following.text !== ',') {
        this.#next = start;
        return false;
      }
      this.#next++;
      declare.push(variable.text);
      this.#variables.push(variable.text);
      if (context !== 'range' || declare.length > 1) this.#fail(`too many declarations in ${context}`);
      if (!['variable', 'right', ')'].includes(this.#peekWord().type)) this.#fail('range can only initialize variables');
    }
  }

  #command(): Command {
    const { at } = this.#peekWord();
    const operands: Operand[] = [];
    for (;;) {
      this.#peekWord();
      const operand = this.#operand();
      if (operand) operands.push(operand);
      const token = this.#take();
      if (token.type === 'space') continue;
      if (token.type === 'right' || token.type === ')') this.#next--;
      else if (token.type !== 'pipe') this.#unexpected(token, 'operand');
      break;
    }
    if (operands.length === 0) this.#fail('empty command');
    return { at, text: operands.map(inCommand).join(' '), operands };
  }

  #operand(): Operand | undefined {
    const term = this.#term();
    if (!term || this.#peek().type !== 'field') return term;
    const { at } = this.#peek();
    const path: string[] = [];
    while (this.#peek().type === 'field') path.push(this.#take().text.slice(1));
    const text = `${inCommand(term)}.${path.join('.')}`;
    switch (term.kind) {
      case 'field': return { kind: 'field', at, text, path: [...term.path, ...path] };
      case 'variable': return { kind: 'variable', at, text, name: term.name, path: [...term.path, ...path] };
      case 'literal': case 'nil': case 'dot': return this.#fail(`unexpected . after term ${goQuote(term.text)}`);
      default: return { kind: 'chain', at, text, of: term, path };
    }
  }

  #term(): Operand | undefined {
    const token = this.#takeWord();
    const { at, text } = token;
    switch (token.type) {
      case 'identifier':
        if (!this.#isFunction(text)) this.#fail(`function ${goQuote(text)} not defined`);
        return { kind: 'function', at, text, name: text };
      case 'dot': case 'nil': return { kind: token.type, at, text };
      case 'field': return { kind: 'field', at, text, path: [text.slice(1)] };
      case 'variable':
        if (!this.#variables.includes(text)) this.#fail(`undefined variable ${goQuote(text)}`);
        return { kind: 'variable', at, text, name: text, path: [] };
      case 'bool': return { kind: 'literal', at, text, value: text === 'true' };
      case 'number': case 'char': case 'complex': return { kind: 'literal', at, text, value: this.#number(token) };
      case 'string': case 'raw': return { kind: 'literal', at, text, value: this.#unquote(token) };
      case '(': {
        const pipeline = this.#pipeline('parenthesized pipeline', ')');
        return { kind: 'pipeline', at: pipeline.at, text: pipeline.text, pipeline };
      }
      default:
        this.#next--;
        return undefined;
    }
  }

  #number({ type, text }: Token): GoNumber {
    if (type === 'char') {
      const letters = [...(unquoted(text) ?? this.#fail('invalid syntax'))];
      if (letters.length === 0) this.#fail('invalid syntax');
      if (letters.length !== 1) this.#fail(`malformed character constant: ${text}`);
      return new GoNumber('int', letters[0]!.codePointAt(0)!);
    }
    const plain = text.replaceAll('_', '');
    const [, sign = '', digits = ''] = /^([-+]?)(.*)$/.exec(plain)!;
    const integer = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
    if (/^(?:0[xX][\da-fA-F]+|0[oO][0-7]+|0[bB][01]+|0|[1-9]\d*)$/.test(integer)) {
      const exact = BigInt(integer) * (sign === '-' ? -1n : 1n);
      if (exact >= 1n << 64n || exact < -(1n << 63n)) this.#fail(`integer overflow: ${goQuote(text)}`);
      return new GoNumber('int', Number(exact));
    }
    if (/^(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(digits)) {
      if (!/[.eE]/.test(digits)) this.#fail(`integer overflow: ${goQuote(text)}`);
      return new GoNumber('float64', Number(plain));
    }
    return this.#fail(`illegal number syntax: ${goQuote(text)}`);
  }

  #unquote({ text }: Token): string {
    return unquoted(text) ?? this.#fail('invalid syntax');
  }
}

const inCommand = (operand: Operand): string => (operand.kind === 'pipeline' ? `(${operand.text})` : operand.text);

function templateNode({ at }: Token, name: string, pipeline: Pipeline | undefined): TemplateNode {
  return { kind: 'template', at, text: `{{template ${goQuote(name)}${pipeline ? ` ${pipeline.text}` : ''}}}`, name, pipeline };
}

/** Nothing but blanks. */
const isEmpty = (nodes: readonly TemplateNode[]): boolean => nodes.every((node) => node.kind === 'text' && node.shown.trim() === '');

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', f: '\f', v: '\v', '\\': '\\', "'": "'", '"': '"' };

/** What a quoted text of Go's stands for; undefined where an escape is none. */
function unquoted(text: string): string | undefined {
  if (text.startsWith('`')) return text.slice(1, -1).replaceAll('\r', '');
  const body = text.slice(1, -1);
  const other = text[0] === '"' ? "'" : '"';
  const escape = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|([abfnrtv\\'"]))/g;
  if (body.replaceAll(escape, '').includes('\\') || body.includes(`\\${other}`)) return undefined;
  return body.replaceAll(escape, (_all, x?: string, u?: string, long?: string, octal?: string, letter?: string) =>
    (letter ? ESCAPES[letter]! : String.fromCodePoint(octal ? Number.parseInt(octal, 8) : Number.parseInt((x ?? u ?? long)!, 16))));
}
