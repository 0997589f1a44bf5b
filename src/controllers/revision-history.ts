import type { ControllerRevision } from '../api/generated/apps-v1.ts';
import type { Container, PodTemplateSpec } from '../api/generated/core-v1.ts';
import type { LabelSelector } from '../api/generated/meta-v1.ts';
import { controllerRevisions } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import type { KubeObject, ResourceType } from '../api/object.ts';
import type { Client } from '../client/client.ts';
import type { Informer } from '../client/informer.ts';
import { claim, controllerOf, controllerReference, orphansIn, ownedBy } from './ownership.ts';
import { semanticEqual } from './semantic-equal.ts';
import { templateHash } from './template-hash.ts';
import { without } from './without.ts';

/** An owner whose templates are kept as controller revisions, for `kubectl rollout history` and `undo`. */
export interface RevisedObject extends KubeObject {
  readonly spec: { readonly selector: LabelSelector; readonly template: PodTemplateSpec; readonly revisionHistoryLimit?: number };
  readonly status?: { readonly collisionCount?: number };
}

export interface RevisionHistory {
  /** Of the owner's present template. */
  readonly current: ControllerRevision;
  /** All others, oldest first. */
  readonly old: readonly ControllerRevision[];
}

interface Options<T extends RevisedObject> {
  readonly client: Client;
  readonly informer: Informer<ControllerRevision>;
  readonly resource: ResourceType<T>;
  readonly owner: T;
  /** The label that carries the hash on a revision. */
  readonly hashLabel: string;
}

interface RevisionData {
  readonly spec?: { readonly template?: PodTemplateSpec & { readonly $patch?: string } };
}

/** The template a revision keeps. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  return without((revision.data as RevisionData | undefined)?.spec?.template ?? {}, '$patch' as never);
}

/**
 * A revision's data is a strategic merge patch of its owner, as kubectl applies it when it undoes a rollout. Clients that look for the revision
 * of a template compare bytes (upstream: daemon/update.go Match): keys in order, and those empty objects that a Go client writes of itself.
 */
export function dataOf({ spec, metadata = {} }: PodTemplateSpec): RevisionData {
  const withResources = (containers: readonly Container[]): Container[] => containers.map((container) => ({ resources: {}, ...container }));
  const written = spec && { ...spec, containers: withResources(spec.containers), ...(spec.initContainers && { initContainers: withResources(spec.initContainers) }) };
  return sorted({ spec: { template: { $patch: 'replace', metadata, ...(written && { spec: written }) } } }) as RevisionData;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]));
}

/**
 * Makes sure that the owner's template has a revision, and that it is the newest. Undefined: the name that the hash gives
 * is taken by another template; the caller raises the collision count, and the next hash differs.
 * Upstream: pkg/controller/history, daemon/update.go constructHistory, statefulset getStatefulSetRevisions.
 */
export async function syncRevisions<T extends RevisedObject>({ client, informer, resource, owner, hashLabel }: Options<T>): Promise<RevisionHistory | undefined> {
  const { metadata: { name, namespace, uid, annotations }, spec, status } = owner;
  const candidates = [...ownedBy(informer, owner), ...orphansIn(informer, namespace)];
  const all = (await claim({ client, ownerResource: resource, owner, selector: spec.selector, resource: controllerRevisions, candidates })).sort(byRevision);
  const same = all.filter((revision) => semanticEqual(templateOf(revision), spec.template));
  const current = same.at(-1);
  const old = all.filter((revision) => revision !== current);
  const number = Math.max(0, ...old.map((revision) => revision.revision)) + 1;
  if (current) return { old, current: current.revision >= number ? current : await client.update(controllerRevisions, { ...current, revision: number }) };

  const hash = templateHash(spec.template, status?.collisionCount);
  const metadata = {
    name: `${name}-${hash}`, namespace: namespace!, labels: { ...spec.template.metadata?.labels, [hashLabel]: hash }, ownerReferences: [controllerReference(owner)],
    // The cause of the change, among others, for the history that kubectl shows.
    ...(annotations && { annotations }),
  };
  try {
    return { old, current: await client.create(controllerRevisions, { metadata, data: dataOf(spec.template), revision: number }) };
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
    const existing = await client.get(controllerRevisions, { namespace: namespace!, name: metadata.name });
    const ours = controllerOf(existing)?.uid === uid && semanticEqual(templateOf(existing), spec.template);
    return ours ? { old: old.filter((revision) => revision.metadata.uid !== existing.metadata.uid), current: existing } : undefined;
  }
}

const byRevision = (a: ControllerRevision, b: ControllerRevision): number =>
  a.revision - b.revision || Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1);

/** Deletes the oldest revisions beyond the limit; those in `live` (some pod runs them) do not count and stay. */
export async function truncateHistory(client: Client, old: readonly ControllerRevision[], limit: number, live: (revision: ControllerRevision) => boolean): Promise<void> {
  const dead = old.filter((revision) => !live(revision));
  for (const { metadata: { namespace, name } } of dead.slice(0, Math.max(0, dead.length - limit))) {
    try {
      await client.delete(controllerRevisions, { namespace, name });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
}
