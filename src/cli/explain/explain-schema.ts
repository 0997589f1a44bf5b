import { KubectlError } from '../command/kubectl-error.ts';
import { wordWrap } from '../command/word-wrap.ts';

/** A schema of OpenAPI v3 as the server publishes it. */
export interface OpenApiSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly required?: readonly string[];
  readonly items?: OpenApiSchema;
  readonly additionalProperties?: OpenApiSchema | boolean;
  readonly allOf?: readonly OpenApiSchema[];
  readonly oneOf?: readonly OpenApiSchema[];
  readonly anyOf?: readonly OpenApiSchema[];
  readonly enum?: readonly unknown[];
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly version: string; readonly kind: string }[];
}

export type OpenApiSchemas = Readonly<Record<string, OpenApiSchema>>;

const PREFIX = '#/components/schemas/';
const indented = (text: string, width: number): string => text.split('\n').map((line) => ' '.repeat(width) + line).join('\n');

/** Explains a schema and the fields on the way to what is asked for. Upstream: kubectl pkg/explain/v2. */
export class SchemaExplainer {
  readonly #schemas: OpenApiSchemas;

  constructor(schemas: OpenApiSchemas) {
    this.#schemas = schemas;
  }

  /** The text below the heading. Throws KubectlError where a field does not exist. */
  explain(schema: OpenApiSchema, path: readonly string[], recursive: boolean): string {
    let at = schema;
    let head = '';
    for (const [i, name] of path.entries()) {
      const next = this.#fields(at)?.[name];
      if (!next) throw new KubectlError(`field "${path.at(-1)}" does not exist`);
      at = next;
      if (i === path.length - 1) {
        const values = this.#enum(at);
        head = `FIELD: ${name} <${this.#type(at)}>\n${values.length > 0 ? `ENUM:\n${values.map((value) => `    ${value}`).join('\n')}` : ''}\n\n`;
      }
    }
    const description = this.#descriptions(at).map((text) => wordWrap(text, 76)).join('\n') || '<empty>';
    const fields = this.#fields(at);
    const below = fields && Object.keys(fields).length > 0 ? `FIELDS:\n${recursive ? this.#tree(at, 1, []) : this.#list(at)}` : '';
    return `${head}DESCRIPTION:\n${indented(`${description}\n`, 4)}\n${below}\n`;
  }

  #resolve(schema: OpenApiSchema): OpenApiSchema {
    return schema.$ref === undefined ? schema : (this.#schemas[schema.$ref.slice(PREFIX.length)] ?? {});
  }

  /** The fields of an object, of the items of a list, of the values of a map. */
  #fields(schema: OpenApiSchema): Readonly<Record<string, OpenApiSchema>> | undefined {
    const resolved = this.#resolve(schema);
    if (resolved.properties) return resolved.properties;
    if (resolved.items) return this.#fields(resolved.items);
    if (typeof resolved.additionalProperties === 'object') return this.#fields(resolved.additionalProperties);
    for (const part of [...(resolved.allOf ?? []), ...(resolved.anyOf ?? []), ...(resolved.oneOf ?? [])]) {
      const found = this.#fields(part);
      if (found) return found;
    }
    return undefined;
  }

  #required(schema: OpenApiSchema): readonly string[] {
    const resolved = this.#resolve(schema);
    const below = resolved.items ?? (typeof resolved.additionalProperties === 'object' ? resolved.additionalProperties : undefined);
    return [...(resolved.required ?? []), ...(resolved.properties || !below ? [] : this.#required(below)), ...(resolved.properties ? [] : (resolved.allOf ?? []).flatMap((part) => this.#required(part)))];
  }

  /** What is said of the field itself, then what is said of its type. */
  #descriptions(schema: OpenApiSchema): string[] {
    const resolved = this.#resolve(schema);
    const below = [...(resolved.allOf ?? []), ...(resolved.anyOf ?? []), ...(resolved.oneOf ?? []), ...(resolved.items ? [resolved.items] : []), ...(typeof resolved.additionalProperties === 'object' ? [resolved.additionalProperties] : [])];
    return [...(resolved.description ? [resolved.description] : []), ...below.flatMap((part) => this.#descriptions(part))];
  }

  #enum({ enum: values = [] }: OpenApiSchema): string[] {
    return values.map((value) => (value === '' ? '""' : String(value)));
  }

  #type(schema: OpenApiSchema): string {
    if (schema.$ref !== undefined) {
      const name = schema.$ref.slice(PREFIX.length);
      const target = this.#schemas[name];
      // Types that are written as a string or number (Time, MicroTime) go by that; a union of both by its name.
      if (target && target.type && target.type !== 'object' && !target.oneOf) return this.#type(target);
      return name.slice(name.lastIndexOf('.') + 1);
    }
    const [only] = schema.allOf ?? [];
    if (schema.allOf?.length === 1 && only) return this.#type(only);
    if (schema.type === 'array') return `[]${this.#type(schema.items ?? {})}`;
    if (typeof schema.additionalProperties === 'object') return `map[string]${this.#type(schema.additionalProperties)}`;
    return schema.type === undefined || schema.type === 'object' ? 'Object' : schema.type;
  }

  #list(schema: OpenApiSchema): string {
    const required = this.#required(schema);
    return Object.entries(this.#fields(schema)!).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, field]) => {
      const description = field.description || '<no description>';
      return `${this.#line(name, field, required, 2)}${indented(wordWrap(description, 76), 4)}\n\n`;
    }).join('');
  }

  #line(name: string, field: OpenApiSchema, required: readonly string[], indent: number): string {
    const blanks = ' '.repeat(indent);
    const values = this.#enum(field);
    const shown = values.length > 4 ? `${values.slice(0, 4).join(', ')}, ....` : values.join(', ');
    return `${blanks}${name}\t<${this.#type(field)}>${required.includes(name) ? ' -required-' : ''}\n${values.length > 0 ? `${blanks}enum: ${shown}\n` : ''}`;
  }

  /** All fields below, types that contain themselves shown once. */
  #tree(schema: OpenApiSchema, level: number, path: readonly unknown[]): string {
    const fields = this.#fields(schema)!;
    const required = this.#required(schema);
    return Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, field]) => {
      const below = this.#fields(field);
      const opens = below && Object.keys(below).length > 0 && below !== fields && !path.includes(below);
      return this.#line(name, field, required, level * 2) + (opens ? this.#tree(field, level + 1, [...path, fields]) : '');
    }).join('');
  }
}
