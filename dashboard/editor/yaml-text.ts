import { stringify } from 'yaml';
import type { Obj } from '../api.ts';

/** An object as text, without what nobody edits. */
export function textOf({ metadata: { managedFields: _, ...metadata }, ...object }: Obj): string {
  const { apiVersion, kind, ...rest } = object;
  return stringify({ apiVersion, kind, metadata, ...rest }, { lineWidth: 0 });
}

/** For comparing: without what the server counts, and without what it reports. */
export function wishOf({
  metadata: { managedFields: _m, resourceVersion: _r, generation: _g, creationTimestamp: _c, uid: _u, ...metadata },
  status: _s,
  ...object
}: Obj): string {
  const { apiVersion, kind, ...rest } = object;
  return stringify({ apiVersion, kind, metadata, ...rest }, { lineWidth: 0 });
}
