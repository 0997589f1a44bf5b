import { createHash } from 'node:crypto';
import { sortKeys } from '../printers/sort-keys.ts';
import { isTree, type Tree } from './resource.ts';

/** The ten letters that follow the name of a generated object: they change with its content. Upstream: kustomize api/hasher. */
export function contentHash(object: Tree): string {
  const part = (field: string): Tree => (isTree(object[field]) ? { [field]: object[field] } : {});
  const kind = object['kind'];
  const hashed: Tree = kind === 'ConfigMap' ? { kind, name: '', data: object['data'] ?? '', ...part('binaryData') }
    : kind === 'Secret' ? { kind, type: object['type'] ?? '', name: '', data: object['data'] ?? '', ...part('stringData') } : object;
  return hashOf(hashed);
}

/** As `kubectl create --append-hash` does: the name counts, and and there is always data. Upstream: kubectl pkg/util/hash. */
export function namedHash(object: Tree): string {
  const { kind, metadata, data, binaryData, type } = object;
  return hashOf({ kind, name: (metadata as Tree)['name'], data: data ?? {}, ...(binaryData !== undefined && { binaryData }), ...(kind === 'Secret' && { type: type ?? '' }) });
}

function hashOf(content: unknown): string {
  return spelled(createHash('sha256').update(goJson(content)).digest('hex'));
}

/** JSON as Go writes it: keys in order, what HTML gives a meaning escaped. */
function goJson(value: unknown): string {
  return JSON.stringify(sortKeys(value)).replaceAll(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Without letters that make words. */
function spelled(hex: string): string {
  const letters: Readonly<Record<string, string>> = { 0: 'g', 1: 'h', 3: 'k', a: 'm', e: 't' };
  return hex.slice(0, 10).replaceAll(/[013ae]/g, (c) => letters[c]!);
}
