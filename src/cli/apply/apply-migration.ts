import type { KubeObject } from '../../api/object.ts';
import { LAST_APPLIED } from './last-applied.ts';
import { targetPath, type Target } from '../targets/targets.ts';
import type { Call } from '../command/verb.ts';

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  readonly subresource?: string;
  readonly fieldsV1?: object;
}

/** Keeps the annotation of the last apply as it was, where it is nobody's by server-side apply. */
const KEEPER = 'kubectl-last-applied';
const SERVER_SIDE = 'kubectl';

/**
 * After the first server-side apply of an object that client-side apply wrote before: its fields become those of `manager`, so that what the manifest no longer has is removed
 * by `apply`, which is sent again then. Resolves to the object as it is at last. Upstream: kubectl pkg/cmd/apply, client-go util/csaupgrade.
 */
export async function migrateToServerSide(call: Call, target: Target, applied: KubeObject, manager: string, apply: () => Promise<KubeObject>): Promise<KubeObject> {
  let object = applied;
  const annotation = object.metadata.annotations?.[LAST_APPLIED];
  if (annotation === undefined) return object;
  if (manager === SERVER_SIDE && !fieldsOf(object).some((entry) => entry.operation === 'Apply' && holdsAnnotation(entry))) {
    const { apiVersion, kind, metadata: { name, namespace } } = object;
    object = await call.session.call<KubeObject>('PATCH', targetPath(target), {
      body: { apiVersion, kind, metadata: { name, ...(namespace !== undefined && { namespace }), annotations: { [LAST_APPLIED]: annotation } } }, contentType: 'application/apply-patch+yaml', query: { fieldManager: KEEPER },
    });
  }
  const managedFields = upgraded(fieldsOf(object), manager);
  if (!managedFields) return object;
  await call.session.call('PATCH', targetPath(target), {
    body: [{ op: 'replace', path: '/metadata/managedFields', value: managedFields }, { op: 'replace', path: '/metadata/resourceVersion', value: object.metadata.resourceVersion }],
    contentType: 'application/json-patch+json', query: { fieldManager: manager },
  });
  return apply();
}

const fieldsOf = ({ metadata }: KubeObject): readonly ManagedFields[] => (metadata.managedFields ?? []) as readonly ManagedFields[];

function holdsAnnotation({ fieldsV1 }: ManagedFields): boolean {
  const annotations = (fieldsV1 as { readonly 'f:metadata'?: { readonly 'f:annotations'?: object } } | undefined)?.['f:metadata']?.['f:annotations'];
  return annotations !== undefined && Object.hasOwn(annotations, `f:${LAST_APPLIED}`);
}

/** The entries after those who wrote by client-side apply have handed their fields to `manager`; undefined where there are none. Pure. */
export function upgraded(entries: readonly ManagedFields[], manager: string): readonly ManagedFields[] | undefined {
  const isOld = (entry: ManagedFields): boolean => entry.operation === 'Update' && !entry.subresource && holdsAnnotation(entry);
  const old = entries.filter(isOld);
  if (old.length === 0) return undefined;
  const own = entries.find((entry) => entry.manager === manager && entry.operation === 'Apply' && !entry.subresource) ?? { ...old[0]!, manager, operation: 'Apply' };
  const fieldsV1 = old.filter(({ apiVersion }) => apiVersion === own.apiVersion).reduce<object>((all, entry) => union(all, entry.fieldsV1 ?? {}), own.fieldsV1 ?? {});
  return [{ ...own, fieldsV1 }, ...entries.filter((entry) => !isOld(entry) && !(entry.manager === manager && entry.operation === 'Apply' && !entry.subresource))];
}

function union(a: object, b: object): object {
  const merged: Record<string, object> = { ...a } as Record<string, object>;
  for (const [key, value] of Object.entries(b) as [string, object][]) merged[key] = merged[key] ? union(merged[key], value) : value;
  return merged;
}
