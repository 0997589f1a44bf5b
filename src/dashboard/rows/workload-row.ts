import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../../api/generated/apps-v1.ts';
import type { CronJob, Job } from '../../api/generated/batch-v1.ts';
import type { PodTemplateSpec } from '../../api/generated/core-v1.ts';
import { baseRow, ownerOf } from './base-row.ts';
import type { Tone, WorkloadRow } from './row.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export function deploymentRow(object: Deployment): WorkloadRow {
  const { spec, status = {} } = object;
  const wanted = spec.replicas ?? 1;
  const updated = status.updatedReplicas ?? 0;
  const stuck = status.conditions?.find(
    ({ type, status: value, reason }) => type === 'Progressing' && value === 'False' && reason === 'ProgressDeadlineExceeded',
  );
  return {
    ...baseRow(object),
    kind: 'Deployment',
    ...template(spec.template),
    selector: spec.selector.matchLabels ?? {},
    wanted,
    updated,
    ready: status.readyReplicas ?? 0,
    ...(spec.paused && { paused: true }),
    ...health({
      wanted,
      ready: status.readyReplicas ?? 0,
      conditions: status.conditions,
      problem: stuck?.message,
      busy:
        (status.observedGeneration ?? 0) < (object.metadata.generation ?? 0)
          ? 'updating'
          : updated < wanted || (status.replicas ?? 0) > updated
            ? 'rolling out'
            : undefined,
    }),
  };
}

export function replicaSetRow(object: ReplicaSet): WorkloadRow {
  const { spec, status } = object;
  const wanted = spec?.replicas ?? 1;
  const ready = status?.readyReplicas ?? 0;
  return {
    ...baseRow(object),
    ...ownerOf(object),
    kind: 'ReplicaSet',
    ...template(spec?.template),
    selector: spec?.selector.matchLabels ?? {},
    wanted,
    ready,
    ...health({ wanted, ready, conditions: status?.conditions }),
  };
}

export function statefulSetRow(object: StatefulSet): WorkloadRow {
  const { spec, status } = object;
  const wanted = spec?.replicas ?? 1;
  const ready = status?.readyReplicas ?? 0;
  return {
    ...baseRow(object),
    kind: 'StatefulSet',
    ...template(spec?.template),
    selector: spec?.selector.matchLabels ?? {},
    wanted,
    ready,
    updated: status?.updatedReplicas ?? 0,
    ...health({
      wanted,
      ready,
      conditions: status?.conditions,
      busy: status?.updateRevision !== status?.currentRevision ? 'rolling out' : undefined,
    }),
  };
}

export function daemonSetRow(object: DaemonSet): WorkloadRow {
  const { spec, status } = object;
  const wanted = status?.desiredNumberScheduled ?? 0;
  const ready = status?.numberReady ?? 0;
  return {
    ...baseRow(object),
    kind: 'DaemonSet',
    ...template(spec?.template),
    selector: spec?.selector.matchLabels ?? {},
    wanted,
    ready,
    updated: status?.updatedNumberScheduled ?? 0,
    ...health({
      wanted,
      ready,
      conditions: status?.conditions,
      busy: (status?.updatedNumberScheduled ?? 0) < wanted ? 'rolling out' : undefined,
    }),
  };
}

export function jobRow(object: Job): WorkloadRow {
  const { spec, status } = object;
  const wanted = spec.completions ?? spec.parallelism ?? 1;
  const ready = status?.succeeded ?? 0;
  const is = (type: string): Condition | undefined =>
    status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
  const failed = is('Failed');
  const state = is('Complete')
    ? { tone: 'done' as const, status: 'Complete' }
    : failed
      ? { tone: 'bad' as const, status: 'Failed', why: failed.message ?? failed.reason ?? 'the job failed' }
      : spec.suspend
        ? { tone: 'idle' as const, status: 'Suspended' }
        : { tone: 'busy' as const, status: 'Running' };
  return {
    ...baseRow(object),
    ...ownerOf(object),
    kind: 'Job',
    ...template(spec.template),
    selector: spec.selector?.matchLabels ?? {},
    wanted,
    ready,
    ...state,
  };
}

export function cronJobRow(object: CronJob): WorkloadRow {
  const { spec, status } = object;
  const running = status?.active?.length ?? 0;
  return {
    ...baseRow(object),
    kind: 'CronJob',
    ...template(spec.jobTemplate.spec?.template),
    selector: {},
    wanted: running,
    ready: running,
    schedule: spec.schedule,
    tone: spec.suspend ? 'idle' : 'ok',
    status: spec.suspend ? 'Suspended' : running > 0 ? `${running} running` : 'Waiting',
  };
}

function template(pod: PodTemplateSpec | undefined): Pick<WorkloadRow, 'containers'> {
  return { containers: (pod?.spec?.containers ?? []).map(({ name, image = '' }) => ({ name, image })) };
}

function health({
  wanted,
  ready,
  conditions = [],
  problem,
  busy,
}: {
  readonly wanted: number;
  readonly ready: number;
  readonly conditions?: readonly Condition[] | undefined;
  readonly problem?: string | undefined;
  readonly busy?: string | undefined;
}): { readonly tone: Tone; readonly status: string; readonly why?: string } {
  // That pods cannot be made says more than that the rollout takes too long.
  const failure = conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True')?.message ?? problem;
  if (failure) return { tone: 'bad', status: 'Stuck', why: failure };
  if (busy) return { tone: 'busy', status: busy === 'updating' ? 'Updating' : 'Rolling out' };
  if (ready < wanted) return { tone: 'busy', status: `${wanted - ready} not ready` };
  return wanted === 0 ? { tone: 'idle', status: 'Scaled to zero' } : { tone: 'ok', status: 'Ready' };
}
