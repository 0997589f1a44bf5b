import { findKind, type Subresource } from '../../api/resources.ts';
import { kindType, typeSchema } from '../../api/schema/schema.ts';
import { listSchemaName, schemaName, type DocumentedResource } from './documented-resource.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly type: 'string' | 'integer' | 'boolean';
}

/** One HTTP method on one path, before it is written in either dialect. */
export interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete' | 'head' | 'options';
  readonly id: string;
  /** Upstream's `x-kubernetes-action`. */
  readonly action: string;
  /** `apps_v1`: of the resource, even where a subresource is of another group. */
  readonly tag: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly query: readonly Parameter[];
  /** Name of the schema of the body; `patch` for any patch. */
  readonly body?: string;
  readonly bodyRequired?: boolean;
  /** Status codes and the schema (or plain text) of their answers. */
  readonly answers: Readonly<Record<string, string | undefined>>;
}

export interface Path {
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly operations: readonly Operation[];
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const query = (name: string, type: Parameter['type'] = 'string'): Parameter => ({ name, in: 'query', type });
const inPath = (name: string): Parameter => ({ name, in: 'path', type: 'string' });

const pretty = query('pretty');
const write = [query('dryRun'), query('fieldManager'), query('fieldValidation')];
const patch = [...write, query('force', 'boolean')];
const remove = [query('dryRun'), query('gracePeriodSeconds', 'integer'), query('ignoreStoreReadErrorWithClusterBreakingPotential', 'boolean'), query('orphanDependents', 'boolean'), query('propagationPolicy')];
const select = [
  query('continue'), query('fieldSelector'), query('labelSelector'), query('limit', 'integer'), query('resourceVersion'), query('resourceVersionMatch'),
  query('sendInitialEvents', 'boolean'), query('timeoutSeconds', 'integer'),
];
const list = [query('allowWatchBookmarks', 'boolean'), ...select, query('watch', 'boolean')];
const byName = (a: Parameter, b: Parameter): number => (a.name < b.name ? -1 : 1);

/** `rbac.authorization.k8s.io` → `RbacAuthorization`, the core group → `Core`. */
export function groupWord(group: string): string {
  const words = (group || 'core').replace(/\.k8s\.io$/, '').split(/[.-]/);
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

/** `apps_v1`, `rbacAuthorization_v1`, `core_v1`. */
export function tagOf(group: string, version: string): string {
  const word = groupWord(group);
  return `${word.charAt(0).toLowerCase()}${word.slice(1)}_${version}`;
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** What all operations of a path take stands at the path: where there is only one, everything. */
function pathOf(path: string, parameters: readonly Parameter[], operations: readonly Operation[]): Path {
  const [only] = operations;
  if (operations.length !== 1) return { path, parameters: [...parameters].sort(byName), operations };
  return { path, parameters: [...parameters, ...only!.query].sort(byName), operations: [{ ...only!, query: [] }] };
}

/** All paths of one resource, its subresources among them, as upstream's endpoint installer makes them. */
export function pathsOf(resource: DocumentedResource): Path[] {
  const { group, version, kind, namespaced, verbs } = resource;
  const base = group ? `/apis/${group}/${version}` : `/api/${version}`;
  const prefix = `${groupWord(group)}${capital(version)}`;
  const scope = namespaced ? 'Namespaced' : '';
  const tag = tagOf(group, version);
  const type = schemaName(resource);
  const listType = listSchemaName(resource);
  const where = namespaced ? `/namespaces/{namespace}/${resource.resource}` : `/${resource.resource}`;
  const places = [...(namespaced ? [inPath('namespace')] : []), pretty];
  const operation = (method: Operation['method'], id: string, action: string, parameters: readonly Parameter[], answers: Operation['answers'], body?: string, bodyRequired = true): Operation => ({
    method, id, action, tag, group, version, kind, query: parameters, answers, ...(body && { body, bodyRequired }),
  });
  const has = (verb: string): boolean => verbs.includes(verb);
  const paths: Path[] = [];
  const push = (path: string, parameters: readonly Parameter[], operations: readonly (Operation | false)[]): void => {
    const present = operations.filter((o) => o !== false);
    if (present.length) paths.push(pathOf(path, parameters, present));
  };
  push(`${base}${where}`, places, [
    has('list') && operation('get', `list${prefix}${scope}${kind}`, 'list', list, { 200: listType }),
    has('create') && operation('post', `create${prefix}${scope}${kind}`, 'post', write, { 200: type, 201: type, 202: type }, type),
    has('deletecollection') && operation('delete', `delete${prefix}Collection${scope}${kind}`, 'deletecollection', [...select, ...remove].sort(byName), { 200: `${META}Status` }, `${META}DeleteOptions`, false),
  ]);
  push(`${base}${where}/{name}`, [...places, inPath('name')], [
    has('get') && operation('get', `read${prefix}${scope}${kind}`, 'get', [], { 200: type }),
    has('update') && operation('put', `replace${prefix}${scope}${kind}`, 'put', write, { 200: type, 201: type }, type),
    has('patch') && operation('patch', `patch${prefix}${scope}${kind}`, 'patch', patch, { 200: type, 201: type }, 'patch'),
    has('delete') && operation('delete', `delete${prefix}${scope}${kind}`, 'delete', remove, resource.returnsDeleted ? { 200: type, 202: type } : { 200: `${META}Status`, 202: `${META}Status` }, `${META}DeleteOptions`, false),
  ]);
  if (namespaced) push(`${base}/${resource.resource}`, [...list, pretty], [has('list') && operation('get', `list${prefix}${kind}ForAllNamespaces`, 'list', [], { 200: listType })]);
  const watched = { 200: `${META}WatchEvent` };
  push(`${base}/watch${where}`, [...places, ...list], [has('watch') && operation('get', `watch${prefix}${scope}${kind}List`, 'watchlist', [], watched)]);
  push(`${base}/watch${where}/{name}`, [...places, inPath('name'), ...list], [has('watch') && operation('get', `watch${prefix}${scope}${kind}`, 'watch', [], watched)]);
  if (namespaced) push(`${base}/watch/${resource.resource}`, [...list, pretty], [has('watch') && operation('get', `watch${prefix}${kind}ListForAllNamespaces`, 'watchlist', [], watched)]);
  for (const subresource of resource.subresources ?? []) paths.push(...subresourcePaths(resource, subresource, `${base}${where}/{name}/${subresource.name}`, prefix, scope, [...places, inPath('name')]));
  return paths;
}

/** Subresources that open a connection instead of answering an object: their options are their parameters. */
const connects = new Set(['attach', 'exec', 'portforward', 'proxy']);

function subresourcePaths(resource: DocumentedResource, subresource: Subresource, path: string, prefix: string, scope: string, places: readonly Parameter[]): Path[] {
  const { verbs, kind } = subresource;
  const group = subresource.group ?? resource.group;
  const version = subresource.version ?? (subresource.group ? (kind === 'Scale' ? 'v1' : resource.version) : resource.version);
  const suffix = `${scope}${resource.kind}${capital(subresource.name)}`;
  const common = { group, version, kind, tag: tagOf(resource.group, resource.version) };
  if (connects.has(subresource.name)) return connectPaths(subresource, path, prefix, suffix, common, places);
  const type = kind === resource.kind ? schemaName(resource) : (kindType(group, version, kind)?.name ?? findKind(group, version, kind)?.type);
  if (subresource.name === 'log') {
    const options = typeSchema('io.k8s.api.core.v1.PodLogOptions');
    return [{ path, parameters: [...places, ...optionParameters(options.name)].sort(byName), operations: [{ ...common, method: 'get', id: `read${prefix}${suffix}`, action: 'get', query: [], answers: { 200: 'text' } }] }];
  }
  if (!type) return [];
  const operations: Operation[] = [];
  const write = { 200: type, 201: type };
  if (verbs.includes('get')) operations.push({ ...common, method: 'get', id: `read${prefix}${suffix}`, action: 'get', query: [], answers: { 200: type } });
  if (verbs.includes('update')) operations.push({ ...common, method: 'put', id: `replace${prefix}${suffix}`, action: 'put', query: writeParameters, answers: write, body: type, bodyRequired: true });
  if (verbs.includes('patch')) operations.push({ ...common, method: 'patch', id: `patch${prefix}${suffix}`, action: 'patch', query: patch, answers: write, body: 'patch', bodyRequired: true });
  if (verbs.includes('create')) operations.push({ ...common, method: 'post', id: `create${prefix}${suffix}`, action: 'post', query: writeParameters, answers: { ...write, 202: type }, body: type, bodyRequired: true });
  return [pathOf(path, places, operations)];
}
const writeParameters = write;

const methods: Readonly<Record<string, readonly Operation['method'][]>> = { proxy: ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] };

function connectPaths(subresource: Subresource, path: string, prefix: string, suffix: string, common: Pick<Operation, 'group' | 'version' | 'kind' | 'tag'>, places: readonly Parameter[]): Path[] {
  const named = places.filter((p) => p.name !== 'pretty');
  const options = optionParameters(`io.k8s.api.core.v1.${subresource.kind}`);
  const operations = (tail: string): Operation[] => (methods[subresource.name] ?? ['get', 'post']).map((method) => ({
    ...common, method, id: `connect${prefix}${capital(method)}${suffix}${tail}`, action: 'connect', query: [], answers: { 200: 'text' },
  }));
  const found: Path[] = [{ path, parameters: [...named, ...options].sort(byName), operations: operations('') }];
  if (subresource.name === 'proxy') found.push({ path: `${path}/{path}`, parameters: [...named, inPath('path'), ...options].sort(byName), operations: operations('WithPath') });
  return found;
}

function optionParameters(type: string): Parameter[] {
  return [...typeSchema(type).fields.values()].filter((field) => field.name !== 'apiVersion' && field.name !== 'kind').map((field) => {
    const item = field.type.kind === 'list' ? field.type.item : field.type;
    return query(field.name, item.kind === 'bool' ? 'boolean' : item.kind === 'int64' || item.kind === 'int32' ? 'integer' : 'string');
  });
}
