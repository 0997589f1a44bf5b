import { badRequest, StatusError, statusError, type StatusCause } from '../../api/errors.ts';
import { without } from '../../api/kinds/fill.ts';
import type { KubeObject } from '../../api/object.ts';
import { emptyObject } from '../../api/schema/decode.ts';
import type { ManagedFieldsEntry } from '../../api/generated/meta-v1.ts';
import { parseApiVersion } from '../../api/resources.ts';
import { difference, emptySet, hasPath, intersection, isEmptySet, members, pathText, union, type FieldSet } from './field-set.ts';
import { filtered, identity, ownable, readManaged, resetFields, surrender, track, withManaged, withoutReset, writeManaged, type Managed, type ManagedWrite } from './managed-fields.ts';
import { compare, deepEqual, isObject, merge, removeItems, toFieldSet, typeFaults, withNamedParents } from './typed-value.ts';

export interface ApplyRequest extends ManagedWrite {
  /** Kind of the object that the path names. */
  readonly kind: string;
  /** Undefined where the object is not there yet. */
  readonly live: KubeObject | undefined;
  /** What the client wants to be, read from YAML or JSON and no more: not decoded, not defaulted. */
  readonly applied: unknown;
  /** Take over what others own instead of failing. */
  readonly force: boolean;
}

export interface Applied {
  /** The object to decode, default, admit and store, its managedFields among it. */
  readonly object: KubeObject;
  /** False where only managedFields may differ from live. */
  readonly changed: boolean;
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Server-side apply: lays `applied` over `live`, removes what this manager applied before and no longer names (and nobody else owns), and books
 * what it names to it. Pure. Throws 409 with one cause a field where others own what it would change and `force` is not set; 400 where the request is
 * malformed. Upstream: apimachinery pkg/util/managedfields/internal, structured-merge-diff merge.Updater.
 */
export function apply(request: ApplyRequest): Applied {
  const { applied, schema, kind, apiVersion } = request;
  check(request);
  const faults = typeFaults(schema, applied);
  if (faults.length) throw mistyped(request, faults);
  const config = applied as KubeObject;
  const live = (request.live ?? emptyObject(schema)) as KubeObject;
  const managed = readManaged(request.live?.metadata.managedFields) ?? new Map<string, Managed>();
  if (managed.size === 0 && request.live) track(managed, { ...request, manager: 'before-first-apply' }, emptyObject(schema), live);
  const attempt = (force: boolean): { readonly merged: unknown; readonly managed: Map<string, Managed> } => merged(request, config, live, new Map(managed), force);
  let result: ReturnType<typeof attempt>;
  try {
    result = attempt(request.force);
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const left = request.manager === 'kubectl' ? notLastApplied(error, request, live) : error.fields;
    if (left.length) throw conflictFault(left);
    result = attempt(true);
  }
  const object = result.merged as KubeObject;
  const before = withManaged(live, undefined);
  const changed = !request.live || !deepEqual(withManaged(object, undefined), before);
  const id = identity({ manager: request.manager, operation: 'Apply', ...(request.subresource && { subresource: request.subresource }) });
  const own = result.managed.get(id);
  const previous = managed.get(id);
  if (own && !changed && previous) result.managed.set(id, { entry: { ...own.entry, ...(previous.entry.time && { time: previous.entry.time }) }, set: own.set });
  const stored = withManaged({ ...object, apiVersion, kind }, writeManaged(result.managed));
  return { object: request.manager === 'kubectl' ? withLastApplied(stored, config) : stored, changed };
}

function check({ applied, apiVersion, kind, manager }: ApplyRequest): void {
  if (!isObject(applied)) throw badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${Array.isArray(applied) ? 'array' : typeof applied} into Go value of type map[string]interface {}`);
  if (manager === '') {
    throw new StatusError({
      kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code: 422, reason: 'Invalid', message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      details: { group: 'meta.k8s.io', kind: 'PatchOptions', causes: [{ reason: 'FieldValueRequired', message: 'Required value: is required for apply patch', field: 'fieldManager' }] },
    });
  }
  if (applied['apiVersion'] !== apiVersion || applied['kind'] !== kind) {
    const { group, version } = parseApiVersion(String(applied['apiVersion'] ?? ''));
    throw badRequest(`invalid object type: ${group}/${version}, Kind=${String(applied['kind'] ?? '')}`);
  }
  if (isObject(applied['metadata']) && applied['metadata']['managedFields'] != null) throw badRequest('metadata.managedFields must be nil');
}

/** Upstream answers this as a bare error. */
function mistyped({ applied, apiVersion, kind }: ApplyRequest, faults: readonly string[]): StatusError {
  const { namespace = '', name = '' } = ((applied as { metadata?: { namespace?: string; name?: string } }).metadata ?? {});
  const text = faults.length === 1 ? faults[0] : `errors:\n${faults.map((fault) => `  ${fault}`).join('\n')}`;
  return statusError(500, 'Unknown', `failed to create typed patch object (${namespace}/${name}; ${apiVersion}, Kind=${kind}): ${text}`);
}

interface ConflictField {
  readonly entry: ManagedFieldsEntry;
  readonly path: readonly string[];
}

class Conflict extends Error {
  override readonly name = 'Conflict';
  readonly fields: readonly ConflictField[];

  constructor(fields: readonly ConflictField[]) {
    super('apply conflict');
    this.fields = fields;
  }
}

function merged(request: ApplyRequest, config: KubeObject, live: KubeObject, managed: Map<string, Managed>, force: boolean): { readonly merged: unknown; readonly managed: Map<string, Managed> } {
  const { schema, manager, apiVersion, subresource, time } = request;
  const reset = request.reset ?? resetFields(schema, subresource);
  const entry: ManagedFieldsEntry = { manager, operation: 'Apply', apiVersion, time, fieldsType: 'FieldsV1', ...(subresource && { subresource }) };
  const id = identity(entry);
  const last = managed.get(id)?.set;
  const set = withoutReset(toFieldSet(schema, config), reset);
  managed.set(id, { entry, set });
  const object = prune(request, merge(schema, live, config), managed, last);
  const comparison = filtered(compare(schema, live, object), reset);
  const changed = union(comparison.modified, comparison.added);
  if (!force) {
    const fields = [...managed].filter(([other]) => other !== id)
      .flatMap(([, other]) => [...members(intersection(other.set, changed))].map((path) => ({ entry: other.entry, path })));
    if (fields.length) throw new Conflict(fields);
  }
  surrender(managed, comparison, id);
  const own = ownable(set);
  if (isEmptySet(own)) managed.delete(id);
  else managed.set(id, { entry, set: own });
  return { merged: object, managed };
}

/** Takes out what the manager applied before and neither applies now nor anybody else owns. Upstream: merge.Updater.prune. */
function prune({ schema }: ApplyRequest, object: unknown, managed: ReadonlyMap<string, Managed>, last: FieldSet | undefined): unknown {
  if (!last || isEmptySet(last)) return object;
  const named = (set: FieldSet): FieldSet => withNamedParents(schema, set);
  const everything = named(toFieldSet(schema, object));
  const lastNamed = named(last);
  const owned = [...managed.values()].reduce((all, m) => union(all, m.set), emptySet);
  let pruned = removeItems(schema, object, lastNamed) ?? {};
  pruned = removeItems(schema, object, difference(everything, union(named(toFieldSet(schema, pruned)), named(owned)))) ?? {};
  const kept = named(toFieldSet(schema, pruned));
  return removeItems(schema, object, intersection(difference(everything, kept), lastNamed)) ?? {};
}

/** The conflicts that are not about fields which client-side apply set last and nobody has changed since: kubectl may go over from one to the other. */
function notLastApplied(conflict: Conflict, { schema, apiVersion }: ApplyRequest, live: KubeObject): readonly ConflictField[] {
  const text = live.metadata.annotations?.[LAST_APPLIED];
  if (!text) return conflict.fields;
  let last: unknown;
  try {
    last = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return conflict.fields;
    throw error;
  }
  if (!isObject(last) || last['apiVersion'] !== apiVersion || typeFaults(schema, last).length) return conflict.fields;
  const comparison = compare(schema, last, live);
  const allowed = difference(difference(difference(toFieldSet(schema, last), comparison.modified), comparison.added), comparison.removed);
  return conflict.fields.filter(({ path }) => !hasPath(allowed, path));
}

/** Keeps the annotation of client-side apply up to date where there is one. Upstream: lastappliedupdater.go. */
function withLastApplied(object: KubeObject, config: KubeObject): KubeObject {
  const annotations = object.metadata.annotations;
  if (!annotations?.[LAST_APPLIED]) return object;
  const own = config.metadata.annotations;
  const plain = own ? { ...config, metadata: { ...config.metadata, annotations: without(own, LAST_APPLIED) } } : config;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [LAST_APPLIED]: `${JSON.stringify(plain)}\n` } } };
}

function managerText({ manager = '', subresource, operation, apiVersion = '' }: ManagedFieldsEntry): string {
  const name = `${JSON.stringify(manager)}${subresource ? ` with subresource ${JSON.stringify(subresource)}` : ''}`;
  // Without the time of the entry: upstream's identity of a manager has none.
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}

/** `Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas`. */
function conflictFault(fields: readonly ConflictField[]): StatusError {
  const causes: StatusCause[] = fields.map(({ entry, path }) => ({ reason: 'FieldManagerConflict', message: `conflict with ${managerText(entry)}`, field: pathText(path) }));
  let message: string;
  if (fields.length === 1) {
    message = `Apply failed with 1 conflict: conflict with ${managerText(fields[0]!.entry)}: ${pathText(fields[0]!.path)}`;
  } else {
    const byManager = Object.entries(Object.groupBy(fields, ({ entry }) => managerText(entry))).sort(([a], [b]) => (a < b ? -1 : 1));
    const lines = byManager.flatMap(([manager, list]) => [`conflicts with ${manager}:`, ...list!.map(({ path }) => `- ${pathText(path)}`)]);
    message = `Apply failed with ${fields.length} conflicts: ${lines.join('\n')}`;
  }
  return statusError(409, 'Conflict', message, { causes });
}
