import type { ManagedFieldsEntry } from '../../api/generated/meta-v1.ts';
import { without } from '../../api/kinds/fill.ts';
import type { KubeObject } from '../../api/object.ts';
import { emptyObject } from '../../api/schema/decode.ts';
import type { StructType } from '../../api/schema/schema.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { difference, emptySet, FieldSetBuilder, hashOf, intersection, isEmptySet, shared, union, withoutPaths, type FieldSet } from './field-set.ts';
import { compare, type Comparison, type Comparisons } from './compare.ts';
import { deepEqual } from './typed-value.ts';

/** Who writes, and by which door. Upstream: apimachinery pkg/util/managedfields. */
export interface ManagedWrite {
  /** Of the object as stored; for `scale` that of the main resource. */
  readonly schema: StructType;
  /** The fieldManager of the request, or `managerOf(userAgent)`. */
  readonly manager: string;
  /** `apps/v1`. */
  readonly apiVersion: string;
  /** `status`, `scale`; absent for the main resource. */
  readonly subresource?: string;
  /** RFC 3339, whole seconds. */
  readonly time: string;
  /**
   * Fields that this door puts back whatever a client says, `[['status']]` for the main resource, `[['spec']]` for status: nobody comes to own
   * them here. Default: `resetFields`.
   */
  readonly reset?: readonly (readonly string[])[];
  /** The write as the other versions see it that managers of the object wrote in. Absent: all wrote in this one. */
  readonly otherVersions?: Comparisons;
}

/** Fields that the strategy of a door resets: by default status is the status subresource's, and all else the main resource's. */
export function resetFields(schema: StructType, subresource: string | undefined): readonly (readonly string[])[] {
  if (subresource === 'status') return SPEC;
  return schema.fields.has('status') && schema.fields.has('spec') && !subresource ? STATUS : NOTHING;
}

const [SPEC, STATUS, NOTHING] = [[['spec']], [['status']], []] as const;

/** The manager of requests that name none. Upstream: managerOrUserAgent. */
export function managerOf(userAgent: string): string {
  return userAgent.split('/')[0]!.replace(/[^\x20-\x7e]/g, '').slice(0, 128);
}

/** One manager's fields, with the identity that its entry has. */
export interface Managed {
  readonly entry: ManagedFieldsEntry;
  readonly set: FieldSet;
}

/** By identity: manager, operation, subresource, and of updates the version. */
export type ManagedSets = ReadonlyMap<string, Managed>;

export function identity(entry: Pick<ManagedFieldsEntry, 'manager' | 'operation' | 'apiVersion' | 'subresource'>): string {
  let known = identities.get(entry);
  if (!known) identities.set(entry, (known = JSON.stringify([entry.manager ?? '', entry.operation ?? '', entry.operation === 'Apply' ? '' : (entry.apiVersion ?? ''), entry.subresource ?? ''])));
  return known;
}

/** Each write of an object asks for those of all its entries, which objects of one template share. */
const identities = new WeakMap<object, string>();

/** Undefined where an entry is malformed: upstream then takes the object for unmanaged. */
export function readManaged(entries: readonly ManagedFieldsEntry[] | undefined): Map<string, Managed> | undefined {
  const managed = new Map<string, Managed>();
  for (const entry of entries ?? []) {
    if ((entry.operation !== 'Apply' && entry.operation !== 'Update') || !entry.apiVersion || entry.fieldsType !== 'FieldsV1') return undefined;
    managed.set(identity(entry), { entry, set: (entry.fieldsV1 as FieldSet | undefined) ?? emptySet });
  }
  return managed;
}

/** Entries made lately: objects of one template that are written in the same second share them. */
const recent = new RecentMap<ManagedFieldsEntry>(256);

/** Entries in upstream's order: applied ones first, then by time, manager, version, subresource. Undefined for none. */
export function writeManaged(managed: ManagedSets): readonly ManagedFieldsEntry[] | undefined {
  if (managed.size === 0) return undefined;
  const entries = [...managed].map(([id, { entry, set }]) => {
    if (entry.fieldsV1 === set) return entry;
    const fieldsV1 = shared(set);
    const make = (): ManagedFieldsEntry => ({ ...entry, fieldsType: 'FieldsV1', fieldsV1 });
    const known = recent.get(`${id} ${entry.apiVersion} ${entry.time} ${hashOf(fieldsV1)}`, make);
    return known.fieldsV1 === fieldsV1 ? known : make();
  });
  return entries.length === 1 ? entries : entries.sort(inOrder);
}

const ORDER = ['operation', 'time', 'manager', 'apiVersion', 'subresource'] as const;

function inOrder(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  for (const field of ORDER) {
    const [left, right] = [a[field] ?? '', b[field] ?? ''];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

export function withManaged<T extends KubeObject>(object: T, entries: readonly ManagedFieldsEntry[] | undefined): T {
  if (object.metadata.managedFields === entries) return object;
  return { ...object, metadata: entries ? { ...object.metadata, managedFields: entries } : without(object.metadata, 'managedFields') };
}

/** Fields of the object's identity and of the server, which nobody owns. Upstream: stripmeta.go. */
const unowned: FieldSet = (() => {
  const builder = new FieldSetBuilder();
  for (const name of ['apiVersion', 'kind', 'metadata']) builder.add([`f:${name}`]);
  for (const name of ['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields', 'resourceVersion']) builder.add(['f:metadata', `f:${name}`]);
  return builder.set();
})();

export const ownable = (set: FieldSet): FieldSet => difference(set, unowned);

const elements = (paths: readonly (readonly string[])[]): readonly (readonly string[])[] => paths.map((path) => path.map((name) => `f:${name}`));

/** A comparison without the fields that the door resets. */
export function filtered(comparison: Comparison, reset: readonly (readonly string[])[]): Comparison {
  if (reset.length === 0) return comparison;
  const paths = elements(reset);
  return { added: withoutPaths(comparison.added, paths), modified: withoutPaths(comparison.modified, paths), removed: withoutPaths(comparison.removed, paths) };
}

export const withoutReset = (set: FieldSet, reset: readonly (readonly string[])[]): FieldSet => withoutPaths(set, elements(reset));

/** What a write changed as the version of a manager's entry sees it; undefined where that is no version any more. */
export function comparisonFor({ apiVersion = '' }: ManagedFieldsEntry, own: Comparison, write: Pick<ManagedWrite, 'apiVersion' | 'otherVersions'>): Comparison | undefined {
  return apiVersion === write.apiVersion || !write.otherVersions ? own : write.otherVersions.get(apiVersion);
}

/** Takes from every manager but `except` what has changed hands or is gone. */
export function surrender(managed: Map<string, Managed>, own: Comparison, except: string | undefined, write: Pick<ManagedWrite, 'apiVersion' | 'otherVersions'>): void {
  const ownGain = union(own.modified, own.added);
  for (const [id, { entry, set }] of managed) {
    if (id === except) continue;
    const comparison = comparisonFor(entry, own, write);
    if (!comparison) {
      managed.delete(id);
      continue;
    }
    const gain = comparison === own ? ownGain : union(comparison.modified, comparison.added);
    const left = difference(difference(set, intersection(set, gain)), comparison.removed);
    if (left === set) continue;
    if (isEmptySet(left)) managed.delete(id);
    else managed.set(id, { entry, set: left });
  }
}

/**
 * The object to store after an ordinary write (create, update, patches other than apply, writes of controllers): `next` with its managedFields brought
 * up to date. `live` is undefined on a create. What the writer changed becomes its own; what it did not change stays as it was, and with it its time.
 * `next.metadata.managedFields` counts where it is not empty, as upstream lets clients edit it: `[{}]` clears it.
 * Pure; shares what does not change.
 */
export function updateManagedFields<T extends KubeObject>(live: T | undefined, next: T, write: ManagedWrite): T {
  const sent = next.metadata.managedFields;
  const cleared = sent?.length === 1 && Object.keys(sent[0]!).length === 0;
  const ofLive = readManaged(live?.metadata.managedFields) ?? new Map<string, Managed>();
  const unchanged = sent === live?.metadata.managedFields || deepEqual(sent, live?.metadata.managedFields);
  const ofRequest = write.subresource || !sent?.length || unchanged ? undefined : cleared ? new Map<string, Managed>() : readManaged(sent);
  const managed = cleared && ofRequest ? ofRequest : ofRequest?.size ? ofRequest : ofLive;
  // An object that was never tracked stays so until it is applied, but a new one is tracked from the start.
  if (managed.size === 0 && live?.metadata.uid) return withManaged(next, undefined);
  const before = live ?? emptyObject(write.schema);
  const id = track(managed, write, before, next);
  if (id !== undefined) capUpdaters(managed);
  return withManaged(next, sameManaged(managed, live) ? live!.metadata.managedFields : writeManaged(managed));
}

function sameManaged(managed: ManagedSets, live: KubeObject | undefined): boolean {
  const entries = live?.metadata.managedFields;
  return entries !== undefined && entries.length === managed.size && entries.every((entry) => {
    const known = managed.get(identity(entry));
    return known?.entry === entry && known.set === entry.fieldsV1;
  });
}

/** Books a write of `after` over `before` to its manager; answers the manager's identity if anything became its own. */
export function track(managed: Map<string, Managed>, write: ManagedWrite, before: unknown, after: unknown): string | undefined {
  const reset = write.reset ?? resetFields(write.schema, write.subresource);
  const comparison = filtered(compare(write.schema, before, after), reset);
  surrender(managed, comparison, undefined, write);
  const gained = ownable(union(comparison.modified, comparison.added));
  if (isEmptySet(gained)) return undefined;
  const entry: ManagedFieldsEntry = {
    manager: write.manager || 'unknown', operation: 'Update', apiVersion: write.apiVersion, time: write.time, fieldsType: 'FieldsV1',
    ...(write.subresource && { subresource: write.subresource }),
  };
  const id = identity(entry);
  managed.set(id, { entry, set: union(managed.get(id)?.set ?? emptySet, gained) });
  return id;
}

const MOST_UPDATERS = 10;
const ANCIENT = 'ancient-changes';

/** Folds the oldest updates of a version into one entry where there are more than ten. Upstream: capmanagers.go. */
export function capUpdaters(managed: Map<string, Managed>): void {
  if (managed.size <= MOST_UPDATERS) return;
  const updaters = [...managed].filter(([, m]) => m.entry.operation === 'Update');
  let count = updaters.length;
  if (count <= MOST_UPDATERS) return;
  updaters.sort(([a, x], [b, y]) => ((x.entry.time ?? '') < (y.entry.time ?? '') ? -1 : (x.entry.time ?? '') > (y.entry.time ?? '') ? 1 : a < b ? -1 : 1));
  const firsts = new Map<string, string>();
  for (const [id, { entry, set }] of updaters) {
    if (count <= MOST_UPDATERS) return;
    const version = entry.apiVersion!;
    const first = firsts.get(version);
    if (first === undefined) {
      firsts.set(version, id);
      continue;
    }
    const bucketEntry: ManagedFieldsEntry = { manager: ANCIENT, operation: 'Update', apiVersion: version, fieldsType: 'FieldsV1', ...(entry.time && { time: entry.time }) };
    const bucket = identity(bucketEntry);
    let known = managed.get(bucket)?.set;
    if (!known) {
      known = managed.get(first)?.set ?? emptySet;
      managed.delete(first);
    }
    managed.delete(id);
    managed.set(bucket, { entry: bucketEntry, set: union(set, known) });
    count--;
  }
}
