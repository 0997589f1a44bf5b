import type { Pod } from '../api/generated/core-v1.ts';
import type { KubeObject } from '../api/object.ts';
import type { About, LedgerEntry, WorkEntry, WriteEntry } from '../ledger/entry.ts';
import { changesOf } from '../ledger/facts.ts';
import type { Situation } from './finding.ts';

/**
 * An account of where there is no ledger: from owner references, managed fields, conditions and events. Its times are whole seconds, and who changed what because of what
 * is known only as far as objects own each other.
 */
export function reconstruct(situation: Situation): readonly LedgerEntry[] {
  const { focus, replicaSets, pods } = situation;
  const sizes = replicaSets.map((set) => sizesOf(set, situation.events));
  const objects = [...new Map([focus, ...replicaSets, ...pods].map((object) => [object.metadata.uid, object])).values()];
  const made = new Map(objects.map((object, i) => [object.metadata.uid, creationOf(object, i + 1, objects)]));
  for (const [i, { metadata }] of replicaSets.entries()) {
    // It may have another size by now than the one it was made with.
    const creation = made.get(metadata.uid)!;
    const first = sizes[i]!.find(({ from }) => from === 0);
    if (first) made.set(metadata.uid, { ...creation, changes: { ...creation.changes, replicas: [null, first.to] } });
  }
  const entries: LedgerEntry[] = [...made.values(), ...changesOfPeople(focus, made.get(focus.metadata.uid)!, objects.length)];
  for (const [i, { metadata }] of replicaSets.entries()) entries.push(...resizes(made.get(metadata.uid)!, sizes[i]!));
  for (const pod of pods) entries.push(...podEntries(pod, situation, made.get(pod.metadata.uid)!, entries.length + objects.length));
  return entries.map((entry, i) => ({ ...entry, id: i + 1 }));
}

function about({ apiVersion, kind, metadata: { namespace, name, uid } }: KubeObject): About {
  const group = apiVersion?.includes('/') ? apiVersion.split('/')[0]! : '';
  return { group, resource: `${kind.toLowerCase()}s`, kind, ...(namespace !== undefined && { namespace }), name, uid };
}

interface Resize {
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** How many pods a deployment wanted of one of its replica sets, and since when: its events say so. */
function sizesOf({ metadata }: KubeObject, events: Situation['events']): readonly Resize[] {
  return events.flatMap(({ reason, message = '', firstTimestamp, metadata: { creationTimestamp } }) => {
    const [, name, from, to] = (reason === 'ScalingReplicaSet' && /^Scaled (?:up|down) replica set (\S+) from (\d+) to (\d+)$/.exec(message)) || [];
    return name === metadata.name ? [{ at: Date.parse(firstTimestamp ?? creationTimestamp), from: Number(from), to: Number(to) }] : [];
  });
}

/** What came after its making. */
function resizes(creation: WriteEntry, sizes: readonly Resize[]): readonly WriteEntry[] {
  const { owner: _owner, ...base } = creation;
  const [first] = sizes;
  return (first?.from === 0 ? sizes.slice(1) : sizes).map(({ at, from, to }, i) => ({
    ...base, verb: 'update' as const, at, revision: creation.revision + 10_000 + i, causes: creation.causes, changes: { replicas: [from, to] },
  }));
}

/** Of an object that was changed since, what it was made with is not known; a replica set's template stays what it was. */
function changesOfMaking(object: KubeObject): WriteEntry['changes'] {
  const changes = changesOf(undefined, object);
  if ((object.metadata.generation ?? 1) === 1) return changes;
  const { replicas: _replicas, images, ...rest } = changes;
  return object.kind === 'ReplicaSet' && images ? { ...rest, images } : rest;
}

/** Who made it, as far as fields tell: of those who wrote in the first second, rather a person than a program that filled in what was missing. */
function makerOf({ metadata }: KubeObject): string {
  const writers = (metadata.managedFields ?? []).filter(({ subresource }) => !subresource).toSorted((a, b) => (a.time ?? '').localeCompare(b.time ?? ''));
  const first = writers.filter(({ time }) => time === writers[0]!.time);
  return (first.find(({ manager = '' }) => !PROGRAMS.test(manager)) ?? first[0])?.manager ?? '';
}

const PROGRAMS = /controller|kubelet|scheduler|^wherry/;

function creationOf(object: KubeObject, revision: number, objects: readonly KubeObject[]): WriteEntry {
  const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
  const cause = owner ? objects.findIndex(({ metadata }) => metadata.uid === owner.uid) + 1 : 0;
  const manager = makerOf(object);
  const { user, by } = owner ? { user: 'system:kube-controller-manager', by: `${owner.kind.toLowerCase()}-controller` } : { user: manager === 'kubelet' ? `system:node:${object.metadata.name}` : 'somebody', by: manager };
  return {
    id: 0, kind: 'write', verb: 'create', revision, at: Date.parse(object.metadata.creationTimestamp), tookMs: NaN, about: about(object), user, by, causes: cause > 0 ? [cause] : [], wanted: true,
    changes: changesOfMaking(object), ...(owner && { owner: owner.uid }),
  };
}

/** Who, besides its maker, has written fields of it, and when last: managed fields say so, but not what it was before. */
function changesOfPeople(object: KubeObject, creation: WriteEntry, offset: number): readonly WriteEntry[] {
  const fields = (object.metadata.managedFields ?? []).filter(({ manager = '', subresource, time }) => !subresource && time !== undefined && !PROGRAMS.test(manager));
  return fields.filter(({ manager, time }) => manager !== creation.by || Date.parse(time!) > creation.at).map(({ manager = '', time }, i) => ({
    ...creation, verb: 'update' as const, revision: 900 + offset + i, at: Date.parse(time!), user: 'somebody', by: manager, causes: [creation.revision], changes: {},
  }));
}

function podEntries(pod: Pod, { events }: Situation, creation: WriteEntry, offset: number): LedgerEntry[] {
  const { nodeName } = pod.spec;
  const base = { id: 0, about: creation.about, tookMs: NaN };
  const node = { user: `system:node:${nodeName}`, by: 'kubelet' };
  const entries: LedgerEntry[] = [];
  const bound = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'True')?.lastTransitionTime;
  const revision = 1_000 + offset;
  if (nodeName && bound) {
    entries.push({ ...base, kind: 'write', verb: 'update', revision, at: Date.parse(bound), user: 'system:kube-scheduler', by: 'default-scheduler', causes: [creation.revision], wanted: false, subresource: 'binding', changes: { node: [null, nodeName] } });
  }
  const work = (entry: Pick<WorkEntry, 'work' | 'at' | 'facts' | 'tookMs'> & { readonly error?: string }): void => void entries.push({ ...base, ...node, kind: 'work', causes: [revision], ...entry });
  for (const { involvedObject, reason, message = '', firstTimestamp, metadata } of events) {
    if (involvedObject.uid !== pod.metadata.uid) continue;
    const at = Date.parse(firstTimestamp ?? metadata.creationTimestamp);
    const [, image = '', time] = /[Ss]uccessfully pulled image "([^"]+)" in ([\d.]+m?s)/.exec(message) ?? [];
    const container = /\{(.+)\}/.exec(involvedObject.fieldPath ?? '')?.[1] ?? '';
    if (time) work({ work: 'pull', at, tookMs: time.endsWith('ms') ? parseFloat(time) : parseFloat(time) * 1000, facts: { image } });
    else if (reason === 'Pulled') work({ work: 'pull', at, tookMs: NaN, facts: { image: /image "([^"]+)"/.exec(message)?.[1] ?? '', present: true } });
    else if (reason === 'Failed' && /pull/i.test(message)) work({ work: 'pull', at, tookMs: NaN, facts: { image: /image "([^"]+)"/.exec(message)?.[1] ?? '' }, error: message });
    else if (reason === 'Started') work({ work: 'start', at, tookMs: NaN, facts: { container } });
  }
  const ready = pod.status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'True')?.lastTransitionTime;
  if (ready) entries.push({ ...base, ...node, kind: 'write', verb: 'update', revision: revision + 1, at: Date.parse(ready), causes: [revision], wanted: false, subresource: 'status', changes: { phase: [null, 'Running'], ready: [null, true] } });
  return entries;
}
