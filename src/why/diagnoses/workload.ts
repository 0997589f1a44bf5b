import type { Pod } from '../../api/generated/core-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import { isPodReady } from '../../api/pod/conditions.ts';
import { eventsOf, type Diagnose, type Finding, type Situation } from '../finding.ts';
import { kindWords } from '../words.ts';
import { refusal } from './refusal.ts';

interface Workload extends KubeObject {
  readonly spec?: { readonly replicas?: number; readonly paused?: boolean; readonly suspend?: boolean; readonly backoffLimit?: number; readonly activeDeadlineSeconds?: number; readonly podManagementPolicy?: string; readonly template?: { readonly spec?: Pod['spec'] } };
  readonly status?: { readonly desiredNumberScheduled?: number; readonly observedGeneration?: number; readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string }[] };
}

/** What makes pods, but makes none: refused by a quota or a rule, paused, wanting none. */
export const workload: Diagnose = (situation) => {
  const focus = situation.focus as Workload;
  const makers = [focus, ...situation.replicaSets as readonly Workload[]];
  return [...refusals(makers, situation), ...held(focus), ...nowhere(focus, situation), ...overdue(focus, situation), ...nextInOrder(focus, situation)];
};

function refusals(makers: readonly Workload[], situation: Situation): Finding[] {
  const told = new Set<string>();
  return makers.flatMap((maker) => {
    const condition = maker.status?.conditions?.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
    // What holds no condition of that kind tells by events.
    const event = maker.kind === 'StatefulSet' || maker.kind === 'DaemonSet' || maker.kind === 'Job' ? eventsOf(situation, maker.metadata.uid, 'FailedCreate').at(-1) : undefined;
    const recent = event && situation.nowMs - Date.parse(event.lastTimestamp ?? '') < 10 * 60_000 && situation.pods.length === 0 ? event : undefined;
    const message = condition?.message ?? recent?.message;
    if (!message || told.has(message)) return [];
    told.add(message);
    return [refusal(message, maker)];
  });
}

function held({ kind, metadata: { name, deletionTimestamp }, spec, status }: Workload): Finding[] {
  if (deletionTimestamp) return [];
  const named = `${kind.toLowerCase()}/${name}`;
  const findings: Finding[] = [];
  if (kind === 'Deployment' && spec?.paused) findings.push({ waitsFor: `the rollout of the deployment ${name} to be resumed`, because: ['It is paused: changes of the template are kept back; the pods that there are go on.'], help: [`Let it go on: kubectl rollout resume ${named}`] });
  if ((kind === 'Job' || kind === 'CronJob') && spec?.suspend) findings.push({ waitsFor: `the ${kindWords(kind)} ${name} to be taken up again`, because: ['It is suspended, and makes no pods.'], help: [`Take it up: kubectl patch ${named} -p '{"spec":{"suspend":false}}'`] });
  if (['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController'].includes(kind) && spec?.replicas === 0) findings.push({ waitsFor: `somebody to want pods of the ${kindWords(kind)} ${name}`, because: ['It is scaled to 0.'], help: [`Say how many: kubectl scale ${named} --replicas=1`] });
  const failed = kind === 'Job' ? status?.conditions?.find(({ type, status: is }) => type === 'Failed' && is === 'True') : undefined;
  if (failed) {
    const tries = (spec?.backoffLimit ?? 6) + 1;
    const because: Readonly<Record<string, string>> = {
      BackoffLimitExceeded: `It was tried ${tries === 1 ? 'once' : `${tries} times`}, and failed each time; more tries it does not get (backoffLimit: ${tries - 1}).`,
      DeadlineExceeded: `It was to be done within ${spec?.activeDeadlineSeconds} s (activeDeadlineSeconds), and was not.`,
    };
    findings.push({
      over: true, waitsFor: `the job ${name} has failed and is not tried again`, because: [because[failed.reason ?? ''] ?? failed.message ?? failed.reason ?? ''],
      help: [`Read what its pods wrote: kubectl logs job/${name} --all-pods`, 'When the cause is mended, delete the job and make it anew: a job runs once.'],
    });
  }
  return findings;
}

/** A daemon set that no node is for. */
function nowhere({ kind, metadata: { name, deletionTimestamp }, spec, status }: Workload, { nodes }: Situation): Finding[] {
  if (kind !== 'DaemonSet' || deletionTimestamp || status?.observedGeneration === undefined || (status.desiredNumberScheduled ?? 0) > 0) return [];
  const wanted = Object.entries(spec?.template?.spec?.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`);
  const [node] = nodes;
  return [{
    waitsFor: `a node that the daemon set ${name} is for`,
    because: [nodes.length === 0 ? 'It puts a pod on each node, and there are no nodes.' : wanted.length > 0 ? `It puts a pod on each node with the label ${wanted.join(', ')}, and none of the ${nodes.length} nodes has it.` : 'It puts a pod on each node that its template allows (affinity, tolerations), and that is none.'],
    help: [...(wanted.length > 0 && node ? [`Give a node the label: kubectl label node ${node.metadata.name} ${wanted.join(' ')}`] : []), `Or change the template: kubectl edit daemonset ${name}`],
  }];
}

/** A rollout that has not got on for so long that it counts as failed; why, its pods tell. */
function overdue({ kind, metadata: { name }, status }: Workload, { pods, replicaSets }: Situation): Finding[] {
  const late = kind === 'Deployment' ? status?.conditions?.find(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded') : undefined;
  if (!late) return [];
  return [{
    waitsFor: `the newest pods of the deployment ${name} to become available`, because: ['They have not for so long that the rollout counts as failed (progressDeadlineSeconds). It goes on all the same if they do.', ...(pods.length > 0 ? ['What keeps them stands below.'] : [])],
    help: replicaSets.length > 1 ? [`Go back to what worked: kubectl rollout undo deployment/${name}`] : [],
  }];
}

/** Pods of a stateful set come one after the other: one that is not ready keeps all that would follow. */
function nextInOrder({ kind, metadata: { name, deletionTimestamp }, spec }: Workload, { pods }: Situation): Finding[] {
  if (kind !== 'StatefulSet' || deletionTimestamp || spec?.podManagementPolicy === 'Parallel' || pods.length >= (spec?.replicas ?? 1)) return [];
  const waiting = pods.find((pod) => !isPodReady(pod));
  if (!waiting) return [];
  return [{ waitsFor: `the pod ${waiting.metadata.name} to be ready, before the stateful set ${name} makes the next one`, because: ['Its pods are made one after the other, each when all before it are ready.'], help: [`See why it is not: wherry why pod/${waiting.metadata.name}`, 'Where the order does not matter, set podManagementPolicy: Parallel (when the set is made anew).'] }];
}
