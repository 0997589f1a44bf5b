import { badRequest, bareError, StatusError, statusError, type StatusCause } from '../../api/errors.ts';
import { without } from '../../api/kinds/fill.ts';
import type { KubeObject } from '../../api/object.ts';
import { emptyObject } from '../../api/schema/decode.ts';
import type { ManagedFieldsEntry } from '../../api/generated/meta-v1.ts';
import { parseApiVersion } from '../../api/resources.ts';
import { runSteps } from '../../base/steps.ts';
import { difference, emptySet, hasPath, intersection, isEmptySet, members, pathText, union, type FieldSet } from './field-set.ts';
import { comparisonFor, filtered, identity, ownable, readManaged, resetFields, surrender, track, withManaged, withoutReset, writeManaged, type Managed, type ManagedWrite } from './managed-fields.ts';
import type { OtherVersion, VersionLookup } from './other-versions.ts';
import { compare, type Comparison, type Comparisons } from './compare.ts';
import { merge, removeItems, withNamedParents } from './merge.ts';
import { isDeeperThan, toFieldSet } from './to-field-set.ts';
import { typeFaults } from './type-faults.ts';
import { deepEqual, isObject } from './typed-value.ts';
import { shownText } from '../../api/schema/shown-text.ts';

export interface ApplyRequest extends Omit<ManagedWrite, 'otherVersions'> {
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

/** An object, and the version it is wanted in. */
interface Question {
  readonly object: KubeObject;
  readonly to: OtherVersion;
}

type Steps<T> = Generator<Question, T, KubeObject>;

/**
 * Server-side apply: lays `applied` over `live`, removes what this manager applied before and no longer names (and nobody else owns), and books
 * what it names to it. Pure. Throws 409 with one cause a field where others own what it would change and `force` is not set; 400 where the request is
 * malformed. Upstream: apimachinery pkg/util/managedfields/internal, structured-merge-diff merge.Updater.
 */
export function apply(request: ApplyRequest): Applied {
  return runSteps(applying(request, undefined), ({ object }) => object) as Applied; // nothing is asked where no other versions are
}

/** The same for an object that managers may have written in several versions: what they own is compared in the version that they wrote in. */
export function applyAcrossVersions(request: ApplyRequest, versions: VersionLookup): Applied | Promise<Applied> {
  return runSteps(applying(request, versions), ({ object, to }) => to.convert(object));
}

function* applying(request: ApplyRequest, versions: VersionLookup | undefined): Steps<Applied> {
  const { applied, schema, kind, apiVersion } = request;
  check(request);
  const faults = typeFaults(schema, applied);
  if (faults.length) throw mistyped(request, faults);
  const config = applied as KubeObject;
  const live = (request.live ?? emptyObject(schema)) as KubeObject;
  const managed = readManaged(request.live?.metadata.managedFields) ?? new Map<string, Managed>();
  if (managed.size === 0 && request.live) track(managed, { ...request, manager: 'before-first-apply' }, emptyObject(schema), live);
  let result: Merged;
  try {
    result = yield* merged(request, versions, config, live, new Map(managed), request.force);
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const left = request.manager === 'kubectl' ? notLastApplied(error, request, live) : error.fields;
    if (left.length) throw conflictFault(left);
    result = yield* merged(request, versions, config, live, new Map(managed), true);
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
    const { group, version } = parseApiVersion(shownText(applied['apiVersion'] ?? ''));
    throw badRequest(`invalid object type: ${group}/${version}, Kind=${shownText(applied['kind'] ?? '')}`);
  }
  if (isObject(applied['metadata']) && applied['metadata']['managedFields'] != null) throw badRequest('metadata.managedFields must be nil');
}

/** Upstream answers this as a bare error. */
function mistyped({ applied, apiVersion, kind }: ApplyRequest, faults: readonly string[]): StatusError {
  const { namespace = '', name = '' } = ((applied as { metadata?: { namespace?: string; name?: string } }).metadata ?? {});
  const text = faults.length === 1 ? faults[0] : `errors:\n${faults.map((fault) => `  ${fault}`).join('\n')}`;
  return bareError(`failed to create typed patch object (${namespace}/${name}; ${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}): ${text}`);
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

interface Merged {
  readonly merged: unknown;
  readonly managed: Map<string, Managed>;
}

function* merged(request: ApplyRequest, versions: VersionLookup | undefined, config: KubeObject, live: KubeObject, managed: Map<string, Managed>, force: boolean): Steps<Merged> {
  const { schema, manager, apiVersion, subresource, time } = request;
  const reset = request.reset ?? resetFields(schema, subresource);
  const entry: ManagedFieldsEntry = { manager, operation: 'Apply', apiVersion, time, fieldsType: 'FieldsV1', ...(subresource && { subresource }) };
  const id = identity(entry);
  const last = managed.get(id);
  const set = withoutReset(toFieldSet(schema, config), reset);
  managed.set(id, { entry, set });
  const object = yield* prune(request, versions, merge(schema, live, config), managed, set, last);
  const comparison = filtered(compare(schema, live, object), reset);
  const otherVersions = versions && (yield* comparedElsewhere(request, versions, managed, live, object as KubeObject));
  const write = { apiVersion, ...(otherVersions && { otherVersions }) };
  if (!force) {
    const fields = [...managed].filter(([other]) => other !== id).flatMap(([, other]) => {
      const seen = comparisonFor(other.entry, comparison, write);
      return seen ? [...members(intersection(other.set, union(seen.modified, seen.added)))].map((path) => ({ entry: other.entry, path })) : [];
    });
    if (fields.length) throw new Conflict(fields);
  }
  surrender(managed, comparison, id, write);
  const own = ownable(set);
  if (isEmptySet(own)) managed.delete(id);
  else managed.set(id, { entry, set: own });
  return { merged: object, managed };
}

/** What the apply changes, in each other version that managers wrote in. */
function* comparedElsewhere(request: ApplyRequest, versions: VersionLookup, managed: ReadonlyMap<string, Managed>, before: KubeObject, after: KubeObject): Steps<Comparisons> {
  const comparisons = new Map<string, Comparison>();
  for (const { entry: { apiVersion = '' } } of managed.values()) {
    const to = apiVersion === request.apiVersion || comparisons.has(apiVersion) ? undefined : versions(apiVersion);
    if (!to) continue;
    const left = request.live ? yield { object: before, to } : emptyObject(to.schema);
    const right = yield { object: after, to };
    comparisons.set(apiVersion, filtered(compare(to.schema, left, right), request.reset ?? resetFields(to.schema, request.subresource)));
  }
  return comparisons;
}

/**
 * Takes out what the manager applied before and neither applies now nor anybody else owns. What it applied in another version is taken out in
 * that version. Upstream: merge.Updater.prune.
 */
function* prune(request: ApplyRequest, versions: VersionLookup | undefined, object: unknown, managed: ReadonlyMap<string, Managed>, applied: FieldSet, last: Managed | undefined): Steps<unknown> {
  if (!last || isEmptySet(last.set)) return object;
  const own: OtherVersion & { readonly apiVersion: string } = (versions && withName(request.apiVersion, versions(request.apiVersion)))
    ?? { apiVersion: request.apiVersion, schema: request.schema, convert: (of) => of };
  const versionOf = (apiVersion: string) => (apiVersion === own.apiVersion || !versions ? own : withName(apiVersion, versions(apiVersion)));
  const then = versionOf(last.entry.apiVersion ?? '');
  if (!then) return object; // a version that is no more: what was applied in it cannot be told any more
  // The usual case: the manager applies all that it applied before, and nothing that it applied empty has been filled by defaults.
  if (then === own && isEmptySet(difference(last.set, applied)) && !isDeeperThan(own.schema, object, last.set)) return object;
  let current = own;
  let everything = object;
  const go = function* (to: typeof own): Steps<void> {
    if (to.apiVersion === current.apiVersion) return;
    everything = yield { object: named(everything as KubeObject, current.apiVersion), to };
    pruned = yield { object: named(pruned as KubeObject, current.apiVersion), to };
    current = to;
  };
  let pruned: unknown = everything;
  yield* go(then);
  const lastNamed = withNamedParents(then.schema, last.set);
  pruned = removeItems(then.schema, everything, lastNamed) ?? {};
  // What others own comes back, first in the version at hand.
  const owned = new Map<string, FieldSet>([[then.apiVersion, emptySet]]);
  for (const { entry: { apiVersion = '' }, set } of managed.values()) {
    const version = versionOf(apiVersion)?.apiVersion;
    if (version !== undefined) owned.set(version, union(owned.get(version) ?? emptySet, set));
  }
  for (const [apiVersion, set] of owned) {
    yield* go(versionOf(apiVersion)!);
    const { schema } = current;
    const all = withNamedParents(schema, toFieldSet(schema, everything));
    pruned = removeItems(schema, everything, difference(all, union(withNamedParents(schema, toFieldSet(schema, pruned)), withNamedParents(schema, set)))) ?? {};
  }
  yield* go(then);
  const all = withNamedParents(then.schema, toFieldSet(then.schema, everything));
  const kept = withNamedParents(then.schema, toFieldSet(then.schema, pruned));
  pruned = removeItems(then.schema, everything, intersection(difference(all, kept), lastNamed)) ?? {};
  yield* go(own);
  return pruned;
}

const withName = (apiVersion: string, version: OtherVersion | undefined) => version && { ...version, convert: version.convert.bind(version), apiVersion };

const named = (object: KubeObject, apiVersion: string): KubeObject => (object.apiVersion === apiVersion ? object : { ...object, apiVersion });

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
