import type { KubeObject } from '../../api/object.ts';
import { emptyObject } from '../../api/schema/decode.ts';
import type { StructType } from '../../api/schema/schema.ts';
import { filtered, resetFields, type ManagedWrite } from './managed-fields.ts';
import { compare, type Comparison, type Comparisons } from './compare.ts';

/** A version of a kind in which managers may have written, besides the one that a write is in. */
export interface OtherVersion {
  readonly schema: StructType;
  /** The object as this version has it. A promise where a webhook has to be asked. */
  convert(object: KubeObject): KubeObject | Promise<KubeObject>;
}

/** Undefined for what is no version of the kind any more. */
export type VersionLookup = (apiVersion: string) => OtherVersion | undefined;

/** The versions, besides that of the write, that the managers of these objects wrote in. */
export function otherVersionsOf(objects: readonly (KubeObject | undefined)[], apiVersion: string): readonly string[] {
  let found: Set<string> | undefined;
  for (const object of objects) {
    for (const entry of object?.metadata.managedFields ?? []) if (entry.apiVersion && entry.apiVersion !== apiVersion) (found ??= new Set()).add(entry.apiVersion);
  }
  return found ? [...found] : [];
}

/**
 * Compares two states of an object in other versions than the write's. `before` is undefined on a create.
 * Upstream: structured-merge-diff merge.Updater.update, apimachinery pkg/util/managedfields versionConverter.
 */
export async function compareInVersions(versions: readonly string[], write: ManagedWrite, before: KubeObject | undefined, after: KubeObject, lookup: VersionLookup): Promise<Comparisons> {
  const comparisons = new Map<string, Comparison>();
  for (const apiVersion of versions) {
    const version = lookup(apiVersion);
    if (!version) continue;
    const { schema } = version;
    const [left, right] = await Promise.all([before ? version.convert(before) : emptyObject(schema), version.convert(after)]);
    comparisons.set(apiVersion, filtered(compare(schema, left, right), write.reset ?? resetFields(schema, write.subresource)));
  }
  return comparisons;
}
