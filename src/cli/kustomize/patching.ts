import { applyPatch, type Operation } from 'rfc6902';
import { kindType } from '../../api/schema/schema.ts';
import { parseDocuments } from '../manifests/manifest.ts';
import { applyStrategic } from '../patches/strategic-patch.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import type { FileLoader } from './file-loader.ts';
import type { Patch } from './kustomization.ts';
import type { ResourceList } from './resource-list.ts';
import { idText, isTree, Resource, type Tree } from './resource.ts';
import { isSelected } from './selection.ts';

/** Carries out one entry of `patches`: strategic merge or JSON patch, from a file or inline. Throws KubectlError where it fits nothing. */
export function applyPatchEntry(list: ResourceList, entry: Patch, loader: FileLoader): void {
  const inline = entry.patch?.trim();
  if (!inline && !entry.path) throw new KubectlError('must specify one of patch and path in an entry of patches');
  if (inline && entry.path) throw new KubectlError('patch and path can\'t be set at the same time in an entry of patches');
  const source = inline ? `[patch: ${JSON.stringify(inline)}]` : `[path: ${JSON.stringify(entry.path)}]`;
  const documents = read(inline || loader.text(entry.path!), source);
  if (documents.every(isTree)) strategic(list, entry, documents.map((document) => new Resource(document)), source);
  else if (documents.length === 1 && Array.isArray(documents[0])) jsonPatch(list, entry, documents[0] as Operation[], source);
  else throw new KubectlError(`unable to parse SM or JSON patch from ${source}`);
  list.drop(({ object }) => Object.keys(object).length === 0);
}

function read(text: string, source: string): unknown[] {
  try {
    return parseDocuments(source, text);
  } catch (error) {
    if (!(error instanceof KubectlError)) throw error;
    throw new KubectlError(`unable to parse SM or JSON patch from ${source}`);
  }
}

function strategic(list: ResourceList, { target, options }: Patch, patches: readonly Resource[], source: string): void {
  if (target) {
    if (patches.length > 1) throw new KubectlError(`Multiple Strategic-Merge Patches in one \`patches\` entry is not allowed to set \`patches.target\` field: ${source}`);
    for (const resource of list.items) if (isSelected(resource, target)) merge(resource, patches[0]!, options);
    return;
  }
  for (const patch of patches) {
    const id = idText(patch.id);
    const matches = list.withAnyId(patch.id);
    if (matches.length === 0) throw new KubectlError(`no resource matches strategic merge patch "${id}": no matches for Id ${id}; failed to find unique target for patch ${id}`);
    if (matches.length > 1) throw new KubectlError(`no resource matches strategic merge patch "${id}": multiple matches for Id ${id}; failed to find unique target for patch ${id}`);
    merge(matches[0]!, patch, options);
  }
}

/** Name, namespace and kind stay unless the patch may change them. */
function merge(resource: Resource, patch: Resource, options: Patch['options']): void {
  const { kind, name, namespace, group, version } = resource.id;
  if (options?.allowNameChange || options?.allowKindChange) resource.rememberId();
  const merged = applyStrategic(resource.object, patch.object, kindType(group, version, kind), { lists: 'kustomize' });
  resource.object = isTree(merged) ? merged : {};
  if (Object.keys(resource.object).length === 0) return;
  if (!options?.allowKindChange) resource.object['kind'] = kind;
  const metadata: Tree = { ...resource.metadata };
  if (!options?.allowNameChange) metadata['name'] = name;
  if (namespace) metadata['namespace'] = namespace;
  else delete metadata['namespace'];
  resource.object['metadata'] = metadata;
}

function jsonPatch(list: ResourceList, { target }: Patch, operations: Operation[], source: string): void {
  if (!target) throw new KubectlError(`must specify a target for JSON patch ${source}`);
  for (const resource of list.items) {
    if (!isSelected(resource, target)) continue;
    resource.rememberId();
    const object = structuredClone(resource.object);
    for (const operation of operations) {
      const [fault] = applyPatch(object, [structuredClone(operation)]);
      if (fault) throw new KubectlError(`${operation.op} operation does not apply: doc is missing path: "${operation.path}": missing value`);
    }
    resource.object = object;
  }
}
