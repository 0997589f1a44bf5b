import type { Node } from '../../api/generated/core-v1.ts';
import { humanDuration } from '../../api/human-duration.ts';
import type { Diagnose } from '../finding.ts';
import { namesOf } from '../names-of.ts';

/** Nodes that do not answer, where that matters: the focus is one, or has pods there. */
export const node: Diagnose = ({ focus, pods, nodes, nowMs, wherry }) => {
  const concerned = focus.kind === 'Node' ? [focus as Node] : nodes.filter(({ metadata }) => pods.some((pod) => pod.spec.nodeName === metadata.name && !pod.metadata.deletionTimestamp && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed'));
  return concerned.flatMap((found) => {
    const ready = found.status?.conditions?.find(({ type }) => type === 'Ready');
    if (!ready || ready.status === 'True') return [];
    const here = pods.filter((pod) => pod.spec.nodeName === found.metadata.name);
    return [{
      waitsFor: `the node ${found.metadata.name} to be ready${here.length > 0 ? `, for ${namesOf(here, 'pod')}` : ''}`,
      because: [ready.status === 'Unknown' ? `It has given no sign of life for ${humanDuration(nowMs - Date.parse(ready.lastTransitionTime ?? ''))} or more.` : ready.message ?? 'It says so itself.'],
      help: wherry ? ['Take up what does not run: wherry start'] : ['See whether its kubelet runs.'],
    }];
  });
};
