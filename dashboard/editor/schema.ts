// What the server says of a kind's fields (OpenAPI v3), for completion and checks while one types.
import { call } from '../api.ts';

export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly $ref?: string;
  readonly format?: string;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly version: string; readonly kind: string }[];
}

type Definitions = Readonly<Record<string, Schema>>;

/** The schema of one kind, with what it refers to. */
export interface KindSchema {
  readonly root: Schema;
  readonly definitions: Definitions;
}

let index: Promise<Readonly<Record<string, { readonly serverRelativeURL: string }>>> | undefined;
const documents = new Map<string, Promise<Definitions>>();

/** Undefined where the server does not describe the kind. */
export async function schemaOf(apiVersion: string, kind: string): Promise<KindSchema | undefined> {
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  try {
    index ??= call<{ readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>> }>('GET', '/openapi/v3').then(
      ({ paths }) => paths,
    );
    const at = (await index)[group ? `apis/${group}/${version}` : `api/${version}`];
    if (!at) return undefined;
    let document = documents.get(at.serverRelativeURL);
    if (!document) {
      document = call<{ readonly components?: { readonly schemas?: Definitions } }>('GET', at.serverRelativeURL).then(
        ({ components }) => components?.schemas ?? {},
      );
      documents.set(at.serverRelativeURL, document);
    }
    const definitions = await document;
    const root = Object.values(definitions).find(({ 'x-kubernetes-group-version-kind': names }) =>
      names?.some((name) => name.group === group && name.version === version && name.kind === kind),
    );
    return root && { root, definitions };
  } catch {
    // Completion is a help: without it one types on. What failed is asked for again the next time.
    index = undefined;
    documents.clear();
    return undefined;
  }
}

/** A schema with its references followed and its parts put together. */
export function resolve(schema: Schema | undefined, definitions: Definitions, depth = 0): Schema | undefined {
  if (!schema || depth > 8) return schema;
  if (schema.$ref) return resolve(definitions[schema.$ref.replace('#/components/schemas/', '')], definitions, depth + 1);
  if (!schema.allOf) return schema;
  const parts = schema.allOf.map((part) => resolve(part, definitions, depth + 1) ?? {});
  const { allOf: _, ...own } = schema;
  return Object.assign({}, ...parts, own) as Schema;
}

/** What stands at a path (`spec`, `containers`, 0, `image`); undefined where it is not described. */
export function schemaAt({ root, definitions }: KindSchema, path: readonly (string | number)[]): Schema | undefined {
  let schema = resolve(root, definitions);
  for (const part of path) {
    if (!schema) return undefined;
    const next: Schema | undefined =
      typeof part === 'number'
        ? schema.items
        : (schema.properties?.[part] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined));
    schema = resolve(next, definitions);
  }
  return schema;
}

/** `Array of objects`, `int-or-string`: for who chooses among fields. */
export function typeInWords(schema: Schema | undefined, definitions: Definitions): string {
  const it = resolve(schema, definitions);
  if (!it) return '';
  if (it['x-kubernetes-int-or-string'] || it.oneOf) return 'int or string';
  if (it.type === 'array') return `[]${typeInWords(it.items, definitions)}`;
  if (typeof it.additionalProperties === 'object') return `map of ${typeInWords(it.additionalProperties, definitions)}`;
  return it.type ?? 'object';
}
