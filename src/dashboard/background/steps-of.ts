import type { LedgerEntry } from '../../ledger/entry.ts';
import { storyOf, type StoryNode } from '../../why/story.ts';
import { tell, type Reader } from '../../why/words.ts';
import type { Station, Step } from './step.ts';

/** Entries as the steps that the page draws, in the order of time; what changed nothing worth telling is left out. */
export function stepsOf(entries: readonly LedgerEntry[], reader: Reader): readonly Step[] {
  const steps: Step[] = [];
  const visit = ({ entry, children }: StoryNode, parent: number | undefined): void => {
    steps.push(stepOf(entry, reader, parent));
    for (const child of children) visit(child, entry.id);
  };
  for (const root of storyOf(entries)) visit(root, undefined);
  return steps.sort((a, b) => a.at - b.at || a.id - b.id);
}

export function stepOf(entry: LedgerEntry, reader: Reader, parent?: number): Step {
  const {
    id,
    at,
    tookMs,
    user,
    by,
    about: { kind, namespace, name, uid },
  } = entry;
  const node = user.startsWith('system:node:')
    ? user.slice('system:node:'.length)
    : entry.kind === 'work'
      ? entry.facts['node']
      : entry.changes['node']?.[1];
  return {
    id,
    at,
    station: stationOf(entry),
    ...tell(entry, reader),
    by,
    you: user === reader.name,
    kind,
    name,
    uid,
    failed: entry.kind === 'work' && entry.error !== undefined,
    act: entry.kind === 'write' ? entry.verb : entry.work,
    changes: entry.kind === 'write' ? entry.changes : {},
    facts: entry.kind === 'work' ? entry.facts : {},
    ...(parent !== undefined && { parent }),
    ...(Number.isFinite(tookMs) && { took: tookMs }),
    ...(namespace !== undefined && { ns: namespace }),
    ...(typeof node === 'string' && { node }),
  };
}

function stationOf(entry: LedgerEntry): Station {
  if (entry.kind === 'work') {
    if (entry.work === 'schedule') return 'scheduler';
    return entry.work === 'pull' ? 'registry' : entry.work === 'sandbox' ? 'node' : 'container';
  }
  const { user, by } = entry;
  if (user.startsWith('system:node:')) return 'node';
  if (user === 'system:kube-scheduler' || by === 'default-scheduler') return 'scheduler';
  if (user === 'system:apiserver') return 'api';
  return user.startsWith('system:') && !user.startsWith('system:serviceaccount:') ? 'controller' : 'client';
}
