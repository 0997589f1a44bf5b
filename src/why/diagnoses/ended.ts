import type { Pod } from '../../api/generated/core-v1.ts';
import { humanDuration } from '../../api/human-duration.ts';
import type { Diagnose, Finding, Situation } from '../finding.ts';
import { namesOf } from '../names-of.ts';
import { containersOf, groupAlike, type PodContainerStatus } from '../waiting-containers.ts';
import { endWords, helpOfEnd } from './crash-loop.ts';

/** Containers that have ended with a fault and are not waiting to be started again: of pods that have failed, or between two starts. */
export const ended: Diagnose = (situation) => {
  const { pods, logs, nowMs, focus } = situation;
  const faults = containersOf(pods).filter(({ status }) => status.state?.terminated && status.state.terminated.exitCode !== 0);
  // A job's failed tries are behind it while others are at work.
  if (focus.kind === 'Job' && pods.some(({ status }) => status?.phase === 'Running' || status?.phase === 'Succeeded')) return [];
  return [...refusedByNode(pods), ...groupAlike(faults, keyOf, (group) => {
    const { pod, status } = group[0];
    const { finishedAt, ...last } = status.state!.terminated!;
    const init = (pod.spec.initContainers ?? []).some(({ name }) => name === status.name);
    const over = pod.status?.phase === 'Failed';
    const lines = logs.get(`${pod.metadata.name}/${status.name}`) ?? [];
    const names = namesOf(group.map((item) => item.pod), 'pod');
    return {
      over, waitsFor: over ? `the ${init ? 'init ' : ''}container ${status.name} has failed, and with it ${names}` : `the next start of the ${init ? 'init ' : ''}container ${status.name}, in ${names}`,
      because: [
        `It ended ${finishedAt ? `${humanDuration(nowMs - Date.parse(finishedAt))} ago, ` : ''}${endWords(last)}.`,
        ...(over ? [`It is not started again, for the pod says restartPolicy: ${pod.spec.restartPolicy ?? 'Never'}.`] : []),
        ...(last.message ? [`It said: ${last.message.trim()}`] : []),
        ...(lines.length > 0 ? ['Its last lines:', ...lines.map((line) => `  │ ${line}`)] : []),
      ],
      help: helpOfEnd(last, { container: status.name, pod: pod.metadata.name, previous: false }),
    };
  })];
};

const keyOf = ({ pod, status }: PodContainerStatus): string => `${status.name} ${status.state?.terminated?.exitCode} ${pod.status?.phase}`;

/** Evicted, or not admitted: the node itself says that the pod is over. */
function refusedByNode(pods: Situation['pods']): Finding[] {
  const over = pods.filter(({ metadata, status }) => status?.phase === 'Failed' && status.reason !== undefined && !metadata.deletionTimestamp);
  return groupAlike(over, ({ status }) => `${status!.reason} ${status!.message}`, (group: readonly [Pod, ...Pod[]]) => {
    const { reason, message = '' } = group[0].status!;
    const names = namesOf(group, 'pod');
    if (reason === 'Evicted') return { over: true, waitsFor: `the node has put out ${names}`, because: [message || 'The node ran short of something.'], help: ['Its owner makes another one. See what takes the node\'s memory or disk: kubectl describe node …', 'Ask for what the pod needs (resources.requests): pods that use more than they asked for go first.'] };
    if (reason === 'DeadlineExceeded') return { over: true, waitsFor: `the time of ${names} was over`, because: [message || 'It may run for activeDeadlineSeconds only.'], help: ['Raise activeDeadlineSeconds, or find out what takes so long: kubectl logs …'] };
    return { over: true, waitsFor: `the node did not take ${names}`, because: [`${reason}: ${message}`], help: ['Delete it; its owner, if it has one, makes another one.'] };
  });
}
