import { badRequest } from '../../api/errors.ts';
import type { ClusterMeta, KubeObject, ResourceType } from '../../api/object.ts';
import { rfc3339 } from '../../base/clock.ts';
import { nameSuffix, type Random } from '../../base/random.ts';

/** Metadata while a write is in the making: anything may still be absent. */
export type DraftMeta = Partial<ClusterMeta> & { readonly namespace?: string };

export function metaOf(object: KubeObject): DraftMeta {
  return (object.metadata as DraftMeta | undefined) ?? {};
}

/** The longest base that still leaves room for the suffix in 63 characters. Upstream: apiserver pkg/storage/names. */
const LONGEST_BASE = 63 - 5;

export function generateName(base: string, random: Random): string {
  return base.slice(0, LONGEST_BASE) + nameSuffix(random);
}

/**
 * The namespace that the object goes to: the request's, which the body must agree with. Throws 400 where it does not. What is in none forgets the body's.
 * Upstream: apiserver pkg/registry/rest.EnsureObjectNamespaceMatchesRequestNamespace.
 */
export function namespaceFor(resource: ResourceType<unknown>, requested: string, object: KubeObject): string | undefined {
  const given = metaOf(object).namespace ?? '';
  if (!resource.namespaced) return undefined;
  if (given && requested && given !== requested) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  const namespace = requested || given;
  if (!namespace) throw badRequest('an empty namespace may not be set during creation');
  return namespace;
}

/**
 * The metadata that the server fills in on a create: uid, creation time, generated name; what only the server may set is dropped.
 * Upstream: apiserver pkg/registry/rest.FillObjectMetaSystemFields.
 */
export function metadataForCreate(object: KubeObject, namespace: string | undefined, nowMs: number, random: Random): DraftMeta {
  const given = metaOf(object);
  const { name, generateName: base } = given;
  // Where there is none, validation says so; what looks at the object before finds text.
  const metadata: Record<string, unknown> = { name: name || (base ? generateName(base, random) : '') };
  if (base) metadata['generateName'] = base;
  if (namespace) metadata['namespace'] = namespace;
  metadata['uid'] = random.uuid();
  metadata['creationTimestamp'] = rfc3339(nowMs);
  for (const key in given) if (!OF_THE_SERVER.has(key)) metadata[key] = given[key as keyof DraftMeta];
  return metadata;
}

/** What a client cannot give, and what is there already. */
const OF_THE_SERVER: ReadonlySet<string> = new Set([
  'name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generation',
]);

/** `object` with this head, in the order in which it will be written (`object-bytes.ts`): objects of one kind are then of one shape, however they were sent. */
export function withHead(object: KubeObject, kind: string, apiVersion: string, metadata: DraftMeta): KubeObject {
  const head = { kind, apiVersion, metadata };
  return { ...head, ...object, ...head } as KubeObject;
}

/** `object` with this resource version; how a stored object comes by its own. */
export function withResourceVersion<T extends KubeObject>(object: T, resourceVersion: string): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}
