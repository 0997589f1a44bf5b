import type { ContainerStateTerminated, ContainerStatus, Pod } from '../../api/generated/core-v1.ts';
import { humanDuration } from '../../api/human-duration.ts';
import { eventsOf, type Diagnose, type Situation } from '../finding.ts';
import { editCommand } from '../maker-of.ts';
import { namesOf } from '../names-of.ts';
import { groupAlike, waitingFor } from '../waiting-containers.ts';
import { probeWords } from './not-ready.ts';

/** Containers that keep ending: how they ended, in words, and their last lines. */
export const crashLoop: Diagnose = (situation) => groupAlike(
  waitingFor(situation.pods, 'CrashLoopBackOff'), ({ status }) => `${status.name} ${status.lastState?.terminated?.exitCode}`, (group) => {
    const { logs, nowMs } = situation;
    const { pod, status } = group[0];
    const last = status.lastState?.terminated;
    const init = (pod.spec.initContainers ?? []).some(({ name }) => name === status.name);
    const probe = failedProbe(situation, pod, status);
    const lines = logs.get(`${pod.metadata.name}/${status.name}`) ?? [];
    const [, delay] = /back-off (\S+) restarting/.exec(status.state?.waiting?.message ?? '') ?? [];
    return {
      waitsFor: `the next start of the ${init ? 'init ' : ''}container ${status.name}, in ${namesOf(group.map((item) => item.pod), 'pod')}`,
      because: [
        `It has been started ${status.restartCount + 1} times, and ended each time.${delay ? ` After each end the node waits longer; now ${delay}.` : ''}`,
        ...(init ? ['It prepares the pod: the containers proper start only when it has ended well.'] : []),
        ...(last ? [`The last time it ended ${last.finishedAt ? `${humanDuration(nowMs - Date.parse(last.finishedAt))} ago, ` : ''}${probe ? `with exit code ${last.exitCode}` : endWords(last)}.`] : []),
        ...(probe ? [`It did not end by itself: the node ended it, for it was asked ${probe.asked} whether it ${probe.kind === 'startup' ? 'is up' : 'lives'}, and did not answer well (its ${probe.kind} probe).`, ...(probe.answer ? [`The last answer: ${probe.answer}`] : [])] : []),
        ...(last?.message ? [`It said: ${last.message.trim()}`] : []),
        ...(lines.length > 0 ? ['Its last lines:', ...lines.map((line) => `  │ ${line}`)] : ['It wrote nothing.']),
      ],
      help: probe ? probeHelp(pod, status.name) : helpOfEnd(last, { container: status.name, pod: pod.metadata.name, previous: true, init }),
    };
  },
);

/** The probe for which the node ended the container's last run, where it was that. */
function failedProbe(situation: Situation, pod: Pod, { name, lastState }: ContainerStatus): { readonly kind: string; readonly asked: string; readonly answer?: string } | undefined {
  const began = Date.parse(lastState?.terminated?.startedAt ?? '');
  const killing = eventsOf(situation, pod.metadata.uid, 'Killing').findLast(({ message = '' }) => message.startsWith(`Container ${name} failed `));
  const [, kind] = /failed (liveness|startup) probe/.exec(killing?.message ?? '') ?? [];
  const unhealthy = eventsOf(situation, pod.metadata.uid, 'Unhealthy').findLast(({ message = '' }) => message.toLowerCase().startsWith(`${kind} probe failed`));
  // Events tell whole seconds; of those that come often, not each is told.
  const latest = Math.max(...[killing, unhealthy].map((event) => Date.parse(event?.lastTimestamp ?? '')).filter((at) => !Number.isNaN(at)));
  if (!kind || latest + 1000 < began) return undefined;
  const container = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find((candidate) => candidate.name === name);
  const probe = kind === 'startup' ? container?.startupProbe : container?.livenessProbe;
  const answer = unhealthy?.message;
  return { kind, asked: probe ? probeWords(probe) : 'by its probe', ...(answer !== undefined && { answer: answer.replace(/^\w+ probe failed: /, '') }) };
}

const probeHelp = (pod: Pod, container: string): string[] => [
  `Check path, port and times of the probe against what the program really serves: ${editCommand(pod)}`,
  'A program that needs long to start gets a startupProbe, or more initialDelaySeconds.',
  `See what it was doing: kubectl logs ${pod.metadata.name} -c ${container} --previous`,
];

/** Exit codes as shells and runtimes give them. */
export function endWords({ exitCode, reason, signal }: ContainerStateTerminated): string {
  if (reason === 'OOMKilled') return 'because it used more memory than it may (its limit)';
  if (exitCode === 0) return 'by itself, without a fault (exit code 0)';
  const known: Readonly<Record<number, string>> = {
    1: 'with a fault of its own (exit code 1)', 2: 'with a fault of its own, often wrong arguments (exit code 2)', 126: 'because its command may not be run (exit code 126)',
    127: 'because its command was not found (exit code 127)', 128: 'because it could not be started (exit code 128)', 134: 'because it gave itself up (abort, exit code 134)',
    137: 'because it was killed (signal 9, exit code 137)', 139: 'because it touched memory that is not its own (segmentation fault, exit code 139)', 143: 'because it was asked to end (signal 15, exit code 143)',
  };
  return known[exitCode] ?? (signal ? `by signal ${signal}` : exitCode > 128 && exitCode < 160 ? `by signal ${exitCode - 128} (exit code ${exitCode})` : `with a fault of its own (exit code ${exitCode})`);
}

interface Ended {
  readonly container: string;
  readonly pod: string;
  /** Whether it is its last but one run that ended. */
  readonly previous: boolean;
  readonly init?: boolean;
}

/** What helps where a container ended so. */
export function helpOfEnd(last: ContainerStateTerminated | undefined, { container, pod, previous, init = false }: Ended): string[] {
  const look = `Read what it wrote: kubectl logs ${pod} -c ${container}${previous ? ' --previous' : ''}`;
  if (last?.reason === 'OOMKilled') return ['Raise resources.limits.memory of the container, or find out what takes the memory.', look];
  if (last?.exitCode === 0 && !init) return ['Its work is done when its command ends, and the pod wants it to run for ever: give it a command that stays, or run it as a Job.', look];
  if (last?.exitCode === 126 || last?.exitCode === 127 || last?.exitCode === 128) return ['Check command and args of the container against what the image holds.', look];
  if (last?.exitCode === 137 || last?.exitCode === 143) return [`See whether its liveness probe asks too early or too much: kubectl describe pod ${pod}`, look];
  return [look];
}
