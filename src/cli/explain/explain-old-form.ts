import { KubectlError } from '../command/kubectl-error.ts';

/** A definition of the server's OpenAPI v2 document. */
export interface SwaggerSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SwaggerSchema>>;
  readonly required?: readonly string[];
  readonly items?: SwaggerSchema;
  readonly additionalProperties?: SwaggerSchema | boolean;
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly version: string; readonly kind: string }[];
}

export type SwaggerDefinitions = Readonly<Record<string, SwaggerSchema>>;

export interface Explained {
  readonly kind: string;
  readonly apiVersion: string;
  readonly path: readonly string[];
  readonly recursive: boolean;
}

type Shape = 'reference' | 'kind' | 'array' | 'map' | 'primitive' | 'any';

const WIDTH = 80;
const blanks = (number: number): string => ' '.repeat(number);

/** `explain --output plaintext-openapiv2`: the form that explain had before OpenAPI v3. Upstream: kubectl pkg/explain. */
export class OldFormExplainer {
  readonly #definitions: SwaggerDefinitions;

  constructor(definitions: SwaggerDefinitions) {
    this.#definitions = definitions;
  }

  /** Throws KubectlError where a field does not exist. */
  explain(schema: SwaggerSchema, { kind, apiVersion, path, recursive }: Explained): string {
    const found = this.#lookUp(schema, path);
    const name = path.at(-1);
    const descriptions: string[] = [];
    let at = found;
    let shape = this.#shapeOf(at);
    // Down through references, lists and maps to what is told of; each may say something of itself.
    for (; shape === 'reference' || shape === 'array' || shape === 'map'; shape = this.#shapeOf(at)) {
      descriptions.push(at.description ?? '');
      at = this.#below(at);
    }
    descriptions.push(at.description ?? '');
    const typed = name === undefined ? '' : `${shape === 'primitive' ? 'FIELD:   ' : 'RESOURCE:'} ${name} <${this.#typeOf(found)}>\n\n`;
    const said = descriptions.map((text, i) => ({ text, i })).filter(({ text }) => text !== '')
      .map(({ text, i }) => `${i === 0 ? '' : '\n'}${wrapped(text, 5)}`).join('');
    const fields = shape === 'kind' ? `\nFIELDS:\n${recursive ? this.#tree(at, 3, new Set()) : this.#list(at)}` : '';
    return `KIND:     ${kind}\nVERSION:  ${apiVersion}\n\n${shape === 'any' ? '' : typed}DESCRIPTION:\n${said || '     <empty>\n'}${fields}`;
  }

  #shapeOf({ $ref, type, properties, items, additionalProperties }: SwaggerSchema): Shape {
    if ($ref !== undefined) return 'reference';
    if (properties) return 'kind';
    if (type === 'array' && items) return 'array';
    if (type === 'object' || additionalProperties) return 'map';
    return type === undefined ? 'any' : 'primitive';
  }

  /** What a reference leads to, the items of a list, the values of a map. */
  #below({ $ref, items, additionalProperties }: SwaggerSchema): SwaggerSchema {
    if ($ref !== undefined) return this.#definitions[$ref.slice('#/definitions/'.length)] ?? {};
    return items ?? (typeof additionalProperties === 'object' ? additionalProperties : {});
  }

  #lookUp(schema: SwaggerSchema, path: readonly string[]): SwaggerSchema {
    let at = schema;
    let rest = path;
    while (rest.length > 0) {
      const shape = this.#shapeOf(at);
      if (shape === 'primitive' || shape === 'any') return at;
      if (shape !== 'kind') {
        at = this.#below(at);
        continue;
      }
      const [name, ...further] = rest;
      if (!Object.hasOwn(at.properties!, name!)) throw new KubectlError(`field "${name}" does not exist`);
      at = at.properties![name!]!;
      rest = further;
    }
    return at;
  }

  #typeOf(schema: SwaggerSchema): string {
    switch (this.#shapeOf(schema)) {
      case 'reference': return this.#typeOf(this.#below(schema));
      case 'kind': return 'Object';
      case 'array': return `[]${this.#typeOf(this.#below(schema))}`;
      case 'map': return `map[string]${this.#typeOf(this.#below(schema))}`;
      case 'primitive': return schema.type!;
      case 'any': return '';
    }
  }

  #list({ properties = {}, required = [] }: SwaggerSchema): string {
    return sorted(properties).map(([name, field]) => `${blanks(3)}${name}\t<${this.#typeOf(field)}>${required.includes(name) ? ' -required-' : ''}\n${wrapped(field.description ?? '', 5)}\n`).join('');
  }

  /** Types that contain themselves are opened once. */
  #tree(schema: SwaggerSchema, indent: number, open: ReadonlySet<string>): string {
    const { $ref, properties = {} } = schema;
    switch (this.#shapeOf(schema)) {
      case 'reference': return open.has($ref!) ? '' : this.#tree(this.#below(schema), indent, new Set([...open, $ref!]));
      case 'array': case 'map': return this.#tree(this.#below(schema), indent, open);
      case 'kind': return sorted(properties).map(([name, field]) => `${blanks(indent)}${name}\t<${this.#typeOf(field)}>\n${this.#tree(field, indent + 3, open)}`).join('');
      default: return '';
    }
  }
}

const sorted = (properties: Readonly<Record<string, SwaggerSchema>>): [string, SwaggerSchema][] => Object.entries(properties).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** Paragraphs filled; what looks like a list, a piece of code or an empty line is kept apart. */
function wrapped(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  let last = '';
  const flush = (): void => {
    if (line) lines.push(line);
    line = '';
    last = '';
  };
  for (const source of text.split('\n')) {
    if (source.startsWith('    ') || (lines.length > 0 && source.trim() === '')) {
      flush();
      lines.push(source.trim() === '' ? '' : source);
      continue;
    }
    if (last.endsWith(':') || source.trim() === '' || /^(\d+\.?|-|\*)\s/.test(source.trim())) flush();
    for (const word of source.split(/\s+/).filter(Boolean)) {
      if (line && line.length + 1 + word.length > WIDTH - indent) flush();
      line = line ? `${line} ${word}` : word;
      last = word;
    }
  }
  flush();
  return lines.map((one) => (one === '' ? '\n' : `${blanks(indent)}${one}\n`)).join('');
}
