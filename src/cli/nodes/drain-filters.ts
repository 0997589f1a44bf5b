import type { Pod } from '../../api/generated/core-v1.ts';

export interface DrainOptions {
  readonly force: boolean;
  readonly ignoreDaemonSets: boolean;
  readonly deleteEmptyDirData: boolean;
  /** Pods being deleted for longer are left alone; 0: none is. */
  readonly skipDeletedForSeconds: number;
  readonly nowMs: number;
  /** `namespace/name` of the daemon sets that exist. */
  readonly liveDaemonSets: ReadonlySet<string>;
}

const MIRROR = 'kubernetes.io/config.mirror';

/** Which pods of a node go when it is drained, what forbids it and what is worth a warning. Upstream: kubectl pkg/drain/filters.go. */
export function podsToDrain(pods: readonly Pod[], options: DrainOptions): { readonly pods: readonly Pod[]; readonly errors: readonly string[]; readonly warnings: string } {
  const chosen: Pod[] = [];
  const forbidden = new Map<string, string[]>();
  const warned = new Map<string, string[]>();
  const note = (notes: Map<string, string[]>, text: string, { metadata }: Pod): void => void notes.set(text, [...(notes.get(text) ?? []), `${metadata.namespace}/${metadata.name}`]);
  for (const pod of pods) {
    const verdict = judge(pod, options);
    if (verdict.goes) chosen.push(pod);
    if (verdict.error) note(forbidden, verdict.error, pod);
    else if (verdict.warning) note(warned, verdict.warning, pod);
  }
  const lines = (notes: Map<string, string[]>, prefix: string): string[] => [...notes].map(([text, names]) => `${prefix}${text}: ${names.join(', ')}`);
  return { pods: chosen, errors: lines(forbidden, 'cannot delete '), warnings: lines(warned, '').join('; ') };
}

/** The first filter with a verdict against the pod decides. */
function judge(pod: Pod, options: DrainOptions): { readonly goes: boolean; readonly error?: string; readonly warning?: string } {
  const { metadata, spec, status } = pod;
  const deletedAt = metadata.deletionTimestamp;
  if (options.skipDeletedForSeconds > 0 && deletedAt && options.nowMs - Date.parse(deletedAt) > options.skipDeletedForSeconds * 1000) return { goes: false };
  const finished = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  if (owner?.kind === 'DaemonSet' && !finished) {
    const present = options.liveDaemonSets.has(`${metadata.namespace}/${owner.name}`);
    if (!present) return options.force ? { goes: true, warning: `daemonsets.apps "${owner.name}" not found` } : { goes: false, error: `daemonsets.apps "${owner.name}" not found` };
    return options.ignoreDaemonSets ? { goes: false, warning: 'ignoring DaemonSet-managed Pods' } : { goes: false, error: 'DaemonSet-managed Pods (use --ignore-daemonsets to ignore)' };
  }
  if (metadata.annotations?.[MIRROR] !== undefined) return { goes: false };
  if (!finished && spec.volumes?.some(({ emptyDir }) => emptyDir)) {
    // kubectl's warning of them never shows: the next filter's verdict takes its place.
    if (!options.deleteEmptyDirData) return { goes: false, error: 'Pods with local storage (use --delete-emptydir-data to override)' };
  }
  if (finished || owner) return { goes: true };
  return options.force ? { goes: true, warning: 'deleting Pods that declare no controller' } : { goes: false, error: 'Pods that declare no controller (use --force to override)' };
}
