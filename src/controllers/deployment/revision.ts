import type { Deployment, ReplicaSet } from '../../api/generated/apps-v1.ts';
import { sameTemplate } from '../template-hash.ts';
import { maxSurge, replicasOf } from './rollout.ts';

export const REVISION = 'deployment.kubernetes.io/revision';
export const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

/** Annotations of a deployment that are not its replica sets'. */
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration', REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS, 'deprecated.deployment.rollback.to',
]);
const HISTORY_LIMIT_CHARS = 2000;

type Annotations = Readonly<Record<string, string>>;

/** A 64-bit number: a set may come with any revision, and one more has to be one more. */
export function revisionOf(set: ReplicaSet): bigint {
  return revisionNumber(set.metadata.annotations?.[REVISION] ?? '');
}

const revisionNumber = (text: string): bigint => (/^\d{1,19}$/.test(text) ? BigInt(text) : 0n);

export const oldestFirst = (a: ReplicaSet, b: ReplicaSet): number =>
  Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) || (a.metadata.name < b.metadata.name ? -1 : 1);

/** The set whose template is the deployment's (the oldest, should there be several), and all others, oldest first. */
export function currentAndOld(deployment: Deployment, sets: readonly ReplicaSet[]): { current: ReplicaSet | undefined; old: readonly ReplicaSet[] } {
  const sorted = sets.toSorted(oldestFirst);
  const current = sorted.find((set) => sameTemplate(set.spec.template, deployment.spec.template));
  return { current, old: sorted.filter((set) => set !== current) };
}

/** The revision that the current set should carry: one more than any other's. */
export function nextRevision(old: readonly ReplicaSet[]): bigint {
  return old.map(revisionOf).reduce((highest, revision) => (revision > highest ? revision : highest), 0n) + 1n;
}

/**
 * Annotations of the current set: the deployment's, and the revision, which rises when an old set becomes current again
 * (a rollback); the revisions it had before are kept in the history. Returns `annotations` itself when nothing changes.
 */
export function revisionAnnotations(annotations: Annotations | undefined, deployment: Deployment, revision: bigint): Annotations {
  const current = annotations ?? {};
  const next: Record<string, string> = { ...current };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) if (!NOT_COPIED.has(key)) next[key] = value;
  const had = current[REVISION];
  if (had === undefined || revisionNumber(had) < revision) {
    next[REVISION] = String(revision);
    if (had !== undefined) next[REVISION_HISTORY] = history(current[REVISION_HISTORY], had);
  }
  return Object.entries(next).every(([key, value]) => current[key] === value) ? current : next;
}

function history(before: string | undefined, revision: string): string {
  const revisions = before ? [...before.split(','), revision] : [revision];
  while (revisions.length > 1 && revisions.join(',').length > HISTORY_LIMIT_CHARS) revisions.shift();
  return revisions.join(',');
}

/** What a set was last scaled for: a later difference to the deployment is a scaling, to be shared out in proportion. */
export function sizeAnnotations(deployment: Deployment): Annotations {
  const wanted = replicasOf(deployment);
  return { [DESIRED_REPLICAS]: String(wanted), [MAX_REPLICAS]: String(wanted + maxSurge(deployment)) };
}

/** Old sets beyond the history limit, oldest revisions first; only those that are empty and settled may go. */
export function setsToForget(deployment: Deployment, old: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const limit = deployment.spec.revisionHistoryLimit;
  if (limit === undefined || limit === 2 ** 31 - 1) return [];
  const alive = old.filter((set) => !set.metadata.deletionTimestamp).sort((a, b) => Number(revisionOf(a) - revisionOf(b)) || oldestFirst(a, b));
  return alive.slice(0, Math.max(0, alive.length - limit)).filter((set) =>
    (set.status?.replicas ?? 0) === 0 && replicasOf(set) === 0 && (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0));
}
