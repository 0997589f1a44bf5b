import type { KubeObject } from '../../api/object.ts';
import { eventsOf, type Diagnose, type Finding, type Situation } from '../finding.ts';
import { kindWords } from '../words.ts';

interface Workload extends KubeObject {
  readonly spec?: { readonly replicas?: number; readonly paused?: boolean; readonly suspend?: boolean };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string; readonly message?: string }[] };
}

/** What makes pods, but makes none: refused by a quota or a rule, paused, wanting none. */
export const workload: Diagnose = (situation) => {
  const focus = situation.focus as Workload;
  const makers = [focus, ...situation.replicaSets as readonly Workload[]];
  return [...refusals(makers, situation), ...held(focus)];
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

function refusal(message: string, { kind, metadata: { name } }: KubeObject): Finding {
  const [, quota] = /exceeded quota: ([^,]+)/.exec(message) ?? [];
  const waitsFor = `leave to make the pods of the ${kindWords(kind)} ${name}`;
  if (quota) {
    const [, requested] = /requested: ([^,]+(?:,[\w./-]+=[^,]+)*?), used:/.exec(message) ?? [];
    const [, used] = /used: (.+?), limited:/.exec(message) ?? [];
    const [, limited] = /limited: (.+)$/.exec(message) ?? [];
    return {
      waitsFor: `room in the quota ${quota}, for the pods of the ${kindWords(kind)} ${name}`,
      because: limited ? [`A pod would take ${requested ?? 'more'}; ${used} is taken already, and ${limited} is the limit.`] : [message],
      help: [`Raise the quota: kubectl edit quota ${quota}`, 'Or end something else in the namespace, or ask for less.'],
    };
  }
  if (/failed quota|must specify/.test(message)) return { waitsFor, because: [message], help: ['The quota of the namespace counts what the pods do not state: give the containers resources (requests and limits).'] };
  if (/serviceaccount "?([^" ]+)"? not found/.test(message)) return { waitsFor, because: [message], help: ['Make the service account, or correct its name in the template.'] };
  if (/violates PodSecurity/.test(message)) return { waitsFor, because: [message], help: ['Change the securityContext in the template as the message says, or the level of the namespace (label pod-security.kubernetes.io/enforce).'] };
  return { waitsFor, because: [message], help: [] };
}

function held({ kind, metadata: { name, deletionTimestamp }, spec, status }: Workload): Finding[] {
  if (deletionTimestamp) return [];
  const named = `${kind.toLowerCase()}/${name}`;
  const findings: Finding[] = [];
  if (kind === 'Deployment' && spec?.paused) findings.push({ waitsFor: `the rollout of the deployment ${name} to be resumed`, because: ['It is paused: changes of the template are kept back; the pods that there are go on.'], help: [`kubectl rollout resume ${named}`] });
  if ((kind === 'Job' || kind === 'CronJob') && spec?.suspend) findings.push({ waitsFor: `the ${kindWords(kind)} ${name} to be taken up again`, because: ['It is suspended, and makes no pods.'], help: [`kubectl patch ${named} -p '{"spec":{"suspend":false}}'`] });
  if (['Deployment', 'ReplicaSet', 'StatefulSet', 'ReplicationController'].includes(kind) && spec?.replicas === 0) findings.push({ waitsFor: `somebody to want pods of the ${kindWords(kind)} ${name}`, because: ['It is scaled to 0.'], help: [`kubectl scale ${named} --replicas=1`] });
  const failed = kind === 'Job' ? status?.conditions?.find(({ type, status: is }) => type === 'Failed' && is === 'True') : undefined;
  if (failed) findings.push({ waitsFor: `nothing: the job ${name} has failed and is not tried again`, because: [failed.message ?? failed.reason ?? ''], help: ['Read what its pods wrote (kubectl logs), then delete the job and make it anew.'] });
  return findings;
}
