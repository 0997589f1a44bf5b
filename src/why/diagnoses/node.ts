import type { Node } from '../../api/generated/core-v1.ts';
import { humanDuration } from '../../api/human-duration.ts';
import type { Diagnose, Finding } from '../finding.ts';
import { namesOf } from '../names-of.ts';

/** Nodes that do not answer, where that matters: the focus is one, or has pods there. */
export const node: Diagnose = ({ focus, pods, nodes, nowMs, wherry }) => {
  const concerned = focus.kind === 'Node' ? [focus as Node] : nodes.filter(({ metadata }) => pods.some((pod) => pod.spec.nodeName === metadata.name && !pod.metadata.deletionTimestamp && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed'));
  return concerned.flatMap((found) => {
    const ready = found.status?.conditions?.find(({ type }) => type === 'Ready');
    if (!ready || ready.status === 'True') return focus === found ? limits(found) : [];
    const here = pods.filter((pod) => pod.spec.nodeName === found.metadata.name);
    return [{
      waitsFor: `the node ${found.metadata.name} to be ready${here.length > 0 ? `, for ${namesOf(here, 'pod')}` : ''}`,
      because: [...(found.spec?.unschedulable ? ['It is cordoned as well: it takes no new pods.'] : []), ready.status === 'Unknown' ? `It has given no sign of life for ${humanDuration(nowMs - Date.parse(ready.lastTransitionTime ?? ''))} or more.` : notReadyWords(ready.message), ...pressures(found)],
      help: wherry ? ['Take up what does not run: wherry start'] : ['See whether its kubelet runs.'],
    }];
  });
};

function notReadyWords(message = ''): string {
  return /network plugin|cni/i.test(message) ? `It has no network for pods yet: ${message}` : message ? `It says: ${message}` : 'It says so itself.';
}

const SHORTAGES: Readonly<Record<string, string>> = { MemoryPressure: 'memory', DiskPressure: 'disk', PIDPressure: 'room for processes' };

function pressures({ status }: Node): string[] {
  return (status?.conditions ?? []).flatMap(({ type, status: is }) => (is === 'True' && SHORTAGES[type] ? [`It is short of ${SHORTAGES[type]}: it takes no pods that are not important, and puts some out.`] : []));
}

/** A node that is well, but takes no pods. */
function limits(found: Node): Finding[] {
  const { metadata: { name }, spec } = found;
  const short = pressures(found);
  return [
    ...(spec?.unschedulable ? [{ waitsFor: `somebody to let the node ${name} take pods again`, because: ['It is cordoned: pods that are there go on, new ones go elsewhere.'], help: [`kubectl uncordon ${name}`] }] : []),
    ...(short.length > 0 ? [{ waitsFor: `room on the node ${name}`, because: short, help: ['See what takes it: kubectl top pods -A, and the disk of the machine.'] }] : []),
  ];
}
