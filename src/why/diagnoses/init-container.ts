import { humanDuration } from '../../api/human-duration.ts';
import { isSidecar } from '../../api/pod/conditions.ts';
import type { Diagnose } from '../finding.ts';
import { namesOf } from '../names-of.ts';
import { groupAlike } from '../waiting-containers.ts';

/** Init containers that are at work: the others wait for their end. Those that fail are told of as others that keep ending. */
export const initContainer: Diagnose = ({ pods, nowMs }) => {
  const running = pods.filter(({ metadata, status }) => !metadata.deletionTimestamp && status?.phase === 'Pending').flatMap((pod) => (pod.status?.initContainerStatuses ?? [])
    .filter((status) => status.state?.running && !isSidecar(pod.spec.initContainers?.find(({ name }) => name === status.name) ?? { name: status.name }))
    .map((status) => ({ pod, status })));
  return groupAlike(running, ({ status }) => status.name, (group) => {
    const { pod, status } = group[0];
    const names = (pod.spec.initContainers ?? []).map(({ name }) => name);
    return {
      waitsFor: `the init container ${status.name} to end well, in ${namesOf(group.map((item) => item.pod), 'pod')}`,
      because: [
        `It prepares the pod: the containers proper start when it has ended${names.length > 1 ? ` (it is number ${names.indexOf(status.name) + 1} of ${names.length} that run one after the other)` : ''}.`,
        `It has run for ${humanDuration(nowMs - Date.parse(status.state!.running!.startedAt ?? ''))}.`,
      ],
      help: [`See what it does: kubectl logs ${pod.metadata.name} -c ${status.name}`],
    };
  });
};
