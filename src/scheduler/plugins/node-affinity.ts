import type { Node, PreferredSchedulingTerm } from '../../api/generated/core-v1.ts';
import { matchesNodeAffinity, matchesNodeSelectorTerm } from '../../api/scheduling/node-affinity.ts';
import { normalizeByMaximum, type PreFilterResult, type SchedulerPlugin } from '../framework.ts';
import { unresolvable } from '../rejection.ts';
import type { PodInfo } from '../pod-info.ts';

/** Upstream: plugins/nodeaffinity. */
export const nodeAffinity = (): SchedulerPlugin<undefined, readonly PreferredSchedulingTerm[]> => ({
  name: 'NodeAffinity',
  local: true,
  preFilter,
  filter: (_state, { pod }, { node }) => (matchesNodeAffinity(pod.spec, node!) ? undefined : unresolvable("node(s) didn't match Pod's node affinity/selector")),
  preScore({ pod }) {
    const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
    return preferred?.length ? preferred : 'skip';
  },
  score: (terms, _pod, { node }) => terms.reduce((sum, { weight, preference }) => sum + (matchesNodeSelectorTerm(preference, node!) ? weight : 0), 0),
  normalize: (_state, scores) => normalizeByMaximum(scores, false),
  hints: {
    Node: (pod, { action, previous, object }) =>
      action !== 'delete' && matchesNodeAffinity(pod.spec, object as Node) && (action === 'add' || !matchesNodeAffinity(pod.spec, previous as Node)),
  },
});

/** Where every term names nodes (as the pods of daemon sets do), only those need be looked at. */
function preFilter({ pod }: PodInfo): PreFilterResult<undefined> {
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (!required && !pod.spec.nodeSelector) return 'skip';
  const names = new Set<string>();
  for (const { matchFields = [] } of required?.nodeSelectorTerms ?? []) {
    const [first, ...others] = matchFields.filter(({ key, operator }) => key === 'metadata.name' && operator === 'In').map(({ values }) => values ?? []);
    if (!first) return { state: undefined };
    for (const name of first) if (others.every((list) => list.includes(name))) names.add(name);
  }
  if (!required || required.nodeSelectorTerms.length === 0) return { state: undefined };
  if (names.size === 0) return { rejected: unresolvable('pod affinity terms conflict') };
  return { state: undefined, nodeNames: names };
}
