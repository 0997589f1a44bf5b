export class GoTemplateError extends Error {}

/** One value of a pipeline's command. */
export type Operand =
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'nil' }
  | { readonly kind: 'dot'; readonly fields: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly fields: readonly string[] }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline; readonly fields: readonly string[] }
  | { readonly kind: 'function'; readonly name: string };

export interface Pipeline {
  readonly declare: readonly string[];
  /** `=` instead of `:=`. */
  readonly assign: boolean;
  /** Each command takes the result of the one before as its last argument. */
  readonly commands: readonly (readonly Operand[])[];
}

export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | { readonly kind: 'if' | 'with' | 'range'; readonly pipeline: Pipeline; readonly body: readonly TemplateNode[]; readonly otherwise: readonly TemplateNode[] }
  | { readonly kind: 'template'; readonly name: string; readonly pipeline?: Pipeline }
  | { readonly kind: 'break' | 'continue' };

export interface ParsedTemplate {
  readonly body: readonly TemplateNode[];
  readonly defined: ReadonlyMap<string, readonly TemplateNode[]>;
}

type Token = { readonly type: 'word' | 'string' | 'number' | 'field' | 'variable' | 'mark'; readonly text: string; readonly spaced: boolean };

interface Open { readonly kind: 'if' | 'with' | 'range' | 'define' | 'block' | 'root'; readonly pipeline?: Pipeline; readonly name?: string; readonly body: TemplateNode[]; otherwise?: TemplateNode[]; readonly chained: boolean }

const KEYWORDS = ['if', 'with', 'range', 'else', 'end', 'define', 'block', 'template', 'break', 'continue', 'true', 'false', 'nil'];

/** Upstream: Go's text/template/parse. */
export function parseTemplate(source: string, isFunction: (name: string) => boolean): ParsedTemplate {
  const defined = new Map<string, readonly TemplateNode[]>();
  const stack: Open[] = [{ kind: 'root', body: [], chained: false }];
  const into = (): TemplateNode[] => stack.at(-1)!.otherwise ?? stack.at(-1)!.body;
  const close = (): void => {
    const { kind, pipeline, name, body, otherwise = [], chained } = stack.pop()!;
    if (kind === 'root') throw new GoTemplateError('unexpected {{end}}');
    if (kind === 'define' || kind === 'block') defined.set(name!, body);
    if (kind === 'define') return;
    if (kind === 'block') into().push({ kind: 'template', name: name!, pipeline: pipeline! });
    else into().push({ kind, pipeline: pipeline!, body, otherwise });
    // `else if` opened an if inside the else: one end closes both.
    if (chained) close();
  };
  for (const piece of pieces(source)) {
    if (typeof piece === 'string') {
      if (piece) into().push({ kind: 'text', text: piece });
      continue;
    }
    const tokens = tokenize(piece.action);
    const unknown = tokens.find((token) => token.type === 'word' && !KEYWORDS.includes(token.text) && !isFunction(token.text));
    if (unknown) throw new GoTemplateError(`function ${JSON.stringify(unknown.text)} not defined`);
    const [first] = tokens;
    const keyword = first?.type === 'word' ? first.text : undefined;
    switch (keyword) {
      case 'if': case 'with': case 'range':
        stack.push({ kind: keyword, pipeline: parsePipeline(tokens.slice(1)), body: [], chained: false });
        break;
      case 'else': {
        const open = stack.at(-1)!;
        if (open.kind === 'root' || open.kind === 'define' || open.otherwise) throw new GoTemplateError('unexpected {{else}}');
        open.otherwise = [];
        const chain = tokens[1]?.type === 'word' ? tokens[1].text : undefined;
        if (chain === 'if' || chain === 'with') stack.push({ kind: chain, pipeline: parsePipeline(tokens.slice(2)), body: [], chained: true });
        break;
      }
      case 'end': close(); break;
      case 'define': stack.push({ kind: 'define', name: tokens[1]!.text, body: [], chained: false }); break;
      case 'block': stack.push({ kind: 'block', name: tokens[1]!.text, pipeline: parsePipeline(tokens.slice(2)), body: [], chained: false }); break;
      case 'template': into().push({ kind: 'template', name: tokens[1]!.text, ...(tokens.length > 2 && { pipeline: parsePipeline(tokens.slice(2)) }) }); break;
      case 'break': case 'continue':
        if (!inLoop(stack)) throw new GoTemplateError(`{{${keyword}}} outside {{range}}`);
        into().push({ kind: keyword });
        break;
      default:
        if (tokens.length === 0) throw new GoTemplateError('missing value for command');
        into().push({ kind: 'action', pipeline: parsePipeline(tokens) });
    }
  }
  if (stack.length > 1) throw new GoTemplateError('unexpected EOF');
  return { body: stack[0]!.body, defined };
}

/** A definition within a loop is no part of it. */
function inLoop(stack: readonly Open[]): boolean {
  return stack.slice(stack.findLastIndex(({ kind }) => kind === 'define' || kind === 'block') + 1).some(({ kind }) => kind === 'range');
}

/** Text and actions in turn; `{{-` and `-}}` take the blanks beside them away, comments vanish. */
function* pieces(source: string): Generator<string | { readonly action: string }> {
  let at = 0;
  let trimNext = false;
  while (at < source.length) {
    const open = source.indexOf('{{', at);
    let text = source.slice(at, open < 0 ? undefined : open);
    if (trimNext) text = text.trimStart();
    if (open < 0) {
      yield text;
      return;
    }
    const trims = /^\{\{-\s/.test(source.slice(open, open + 4));
    yield trims ? text.trimEnd() : text;
    const close = closing(source, open + 2);
    let inner = source.slice(open + (trims ? 3 : 2), close);
    trimNext = /\s-$/.test(inner);
    if (trimNext) inner = inner.slice(0, -1);
    at = close + 2;
    if (!/^\s*\/\*[\s\S]*\*\/\s*$/.test(inner)) yield { action: inner };
  }
}

function closing(source: string, from: number): number {
  let quote = '';
  for (let i = from; i < source.length; i++) {
    const c = source[i]!;
    if (quote) {
      if (c === '\\' && quote !== '`') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'" || c === '`') quote = c;
    else if (source.startsWith('}}', i)) return i;
  }
  throw new GoTemplateError('unclosed action');
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /(\s*)(?:("(?:[^"\\]|\\.)*")|(`[^`]*`)|('(?:[^'\\]|\\.)+')|([-+]?(?:0[xX][\da-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.]))|(\.[\p{L}_][\p{L}\p{N}_]*)|(\$[\p{L}\p{N}_]*)|([\p{L}_][\p{L}\p{N}_]*)|(:=|[.()|,=]))/uy;
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (!match) throw new GoTemplateError(`unexpected ${JSON.stringify(text.slice(at).trim()[0])} in operand`);
    const [, blanks, double, raw, char, number, field, variable, word, mark] = match;
    const spaced = blanks !== '';
    if (double !== undefined) tokens.push({ type: 'string', text: unquote(double), spaced });
    else if (raw !== undefined) tokens.push({ type: 'string', text: raw.slice(1, -1), spaced });
    else if (char !== undefined) tokens.push({ type: 'number', text: String(unquote(`"${char.slice(1, -1)}"`).codePointAt(0)), spaced });
    else if (number !== undefined) tokens.push({ type: 'number', text: number, spaced });
    else if (field !== undefined) tokens.push({ type: 'field', text: field.slice(1), spaced });
    else if (variable !== undefined) tokens.push({ type: 'variable', text: variable, spaced });
    else if (word !== undefined) tokens.push({ type: 'word', text: word, spaced });
    else tokens.push({ type: 'mark', text: mark!, spaced });
  }
  return tokens;
}

/** Go's escapes are JSON's and a few more. */
function unquote(quoted: string): string {
  const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', f: '\f', v: '\v' };
  return quoted.slice(1, -1).replaceAll(/\\(?:u([\da-fA-F]{4})|x([\da-fA-F]{2})|(.))/gs, (_all, unicode?: string, hex?: string, one?: string) =>
    unicode || hex ? String.fromCodePoint(Number.parseInt((unicode ?? hex)!, 16)) : (escapes[one!] ?? one!));
}

function parsePipeline(tokens: readonly Token[]): Pipeline {
  const names: string[] = [];
  let at = 0;
  const isMark = (i: number, ...texts: string[]): boolean => tokens[i]?.type === 'mark' && texts.includes(tokens[i].text);
  let assign = false;
  if (tokens[0]?.type === 'variable') {
    if (isMark(1, ':=', '=')) {
      names.push(tokens[0].text);
      assign = tokens[1]!.text === '=';
      at = 2;
    } else if (isMark(1, ',') && tokens[2]?.type === 'variable' && isMark(3, ':=', '=')) {
      names.push(tokens[0].text, tokens[2].text);
      assign = tokens[3]!.text === '=';
      at = 4;
    }
  }
  const reader = { tokens, at };
  const commands = readCommands(reader);
  if (reader.at < tokens.length) throw new GoTemplateError(`unexpected ${JSON.stringify(tokens[reader.at]!.text)} in command`);
  return { declare: names, assign, commands };
}

interface Reader { readonly tokens: readonly Token[]; at: number }

/** Up to the end or a closing bracket. */
function readCommands(reader: Reader): Operand[][] {
  const commands: Operand[][] = [[]];
  for (; reader.at < reader.tokens.length; ) {
    const token = reader.tokens[reader.at]!;
    if (token.type === 'mark' && token.text === ')') break;
    if (token.type === 'mark' && token.text === '|') {
      reader.at++;
      commands.push([]);
    } else {
      commands.at(-1)!.push(readOperand(reader));
    }
  }
  if (commands.some((command) => command.length === 0)) throw new GoTemplateError('missing value for command');
  return commands;
}

function readOperand(reader: Reader): Operand {
  const token = reader.tokens[reader.at++]!;
  const fields = (): string[] => {
    const names: string[] = [];
    // A field that follows without a blank belongs to what stands before it.
    while (reader.tokens[reader.at]?.type === 'field' && !reader.tokens[reader.at]!.spaced) names.push(reader.tokens[reader.at++]!.text);
    return names;
  };
  switch (token.type) {
    case 'string': return { kind: 'literal', value: token.text };
    case 'number': return { kind: 'literal', value: Number(token.text) };
    case 'field': return { kind: 'dot', fields: [token.text, ...fields()] };
    case 'variable': return { kind: 'variable', name: token.text, fields: fields() };
    case 'word':
      if (token.text === 'true' || token.text === 'false') return { kind: 'literal', value: token.text === 'true' };
      return token.text === 'nil' ? { kind: 'nil' } : { kind: 'function', name: token.text };
    default: break;
  }
  if (token.text === '.') return { kind: 'dot', fields: [] };
  if (token.text === '(') {
    const commands = readCommands(reader);
    if (reader.tokens[reader.at]?.text !== ')') throw new GoTemplateError('unclosed left paren');
    reader.at++;
    return { kind: 'pipeline', pipeline: { declare: [], assign: false, commands }, fields: fields() };
  }
  throw new GoTemplateError(`unexpected ${JSON.stringify(token.text)} in operand`);
}
