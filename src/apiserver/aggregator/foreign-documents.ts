import { isDeepStrictEqual } from 'node:util';

type Json = Record<string, unknown>;

/** The OpenAPI documents of a group version that another server answers for. */
export interface ForeignDocument {
  /** `apis/GROUP/VERSION`. */
  readonly path: string;
  /** As that server sends it; absent where it knows no v3. */
  readonly v3?: Buffer;
  /** Its paths under `/apis/GROUP/VERSION` and the definitions that they need. */
  readonly v2?: Json;
}

/** Of another server's whole v2 document, what concerns one group version. Upstream: kube-openapi pkg/aggregator.FilterSpecByPaths. */
export function sliceOf(document: Json, path: string): Json {
  const group = path.slice(0, path.lastIndexOf('/'));
  const paths = Object.fromEntries(Object.entries((document['paths'] ?? {}) as Json).filter(([name]) => name === `/${path}` || name.startsWith(`/${path}/`) || name === `/${group}/`));
  const all = (document['definitions'] ?? {}) as Json;
  const needed: Json = {};
  const follow = (value: unknown): void => eachReference(value, (name) => {
    if (name in needed || !(name in all)) return;
    needed[name] = all[name];
    follow(all[name]);
  });
  follow(paths);
  return { paths, definitions: needed };
}

/**
 * One v2 document of the server's own and those of others. A definition that means something else under the same name gets a name of its own.
 * Upstream: kube-openapi pkg/aggregator.MergeSpecsIgnorePathConflictRenamingDefinitionsAndParameters.
 */
export function mergeV2(own: Json, others: readonly Json[]): Json {
  if (others.length === 0) return own;
  const definitions: Json = { ...(own['definitions'] as Json) };
  const paths: Json = { ...(own['paths'] as Json) };
  for (const { definitions: theirs = {}, paths: theirPaths = {} } of others as readonly { readonly definitions?: Json; readonly paths?: Json }[]) {
    const names = new Map<string, string>();
    for (const [name, definition] of Object.entries(theirs)) {
      let chosen = name;
      for (let n = 2; chosen in definitions && !isDeepStrictEqual(bare(definitions[chosen]), bare(definition)); n++) chosen = `${name}_v${n}`;
      if (chosen !== name) names.set(name, chosen);
    }
    const renamed = (value: unknown): unknown => (names.size === 0 ? value : withReferences(value, (name) => names.get(name) ?? name));
    for (const [name, definition] of Object.entries(theirs)) definitions[names.get(name) ?? name] ??= renamed(definition);
    for (const [path, item] of Object.entries(theirPaths)) paths[path] ??= renamed(item);
  }
  return { ...own, definitions: sorted(definitions), paths: sorted(paths) };
}

/** Which types a definition belongs to differs from server to server, and says nothing of its shape; nor do its descriptions. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([name, member]) => name !== 'x-kubernetes-group-version-kind' && !(name === 'description' && typeof member === 'string')).map(([name, member]) => [name, bare(member)]));
}

const PREFIX = '#/definitions/';

function eachReference(value: unknown, found: (name: string) => void): void {
  if (Array.isArray(value)) for (const item of value) eachReference(item, found);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      if (name === '$ref' && typeof member === 'string' && member.startsWith(PREFIX)) found(member.slice(PREFIX.length));
      else eachReference(member, found);
    }
  }
}

function withReferences(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => withReferences(item, rename));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, name === '$ref' && typeof member === 'string' && member.startsWith(PREFIX) ? PREFIX + rename(member.slice(PREFIX.length)) : withReferences(member, rename)]));
}

const sorted = (object: Json): Json => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
