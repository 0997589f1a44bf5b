/** Upstream: pkg/registry/batch/job/strategy.go, pkg/apis/batch/v1/defaults.go. */
import type { KindDefinition } from '../kind.ts';
import type { Job, JobSpec } from '../generated/batch-v1.ts';
import { jobs } from '../generated/resources.ts';
import { humanDuration } from '../human-duration.ts';
import { defaultPodTemplate } from '../pod/pod-spec-defaults.ts';
import { formatLabelSelector } from '../selector.ts';
import { jobErrors, jobStatusErrors, jobUpdateErrors } from '../validation/job.ts';
import { fill, fillAbsent, mapItems, mapMember } from './fill.ts';
import { ageColumn, containerColumns, nameColumn, text, wide } from './table-columns.ts';
import { templateWarnings } from './workload-warnings.ts';

export const job: KindDefinition<Job> = {
  resource: jobs,
  orphansByDefault: true,
  deletionWarning: 'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  defaults(object) {
    const next = mapMember(object, 'spec', (spec) => defaultJobDetails(defaultJobSpec(spec)));
    const labels = next.spec?.template?.metadata?.labels;
    return labels && Object.keys(next.metadata.labels ?? {}).length === 0 ? { ...next, metadata: { ...next.metadata, labels } } : next;
  },
  prepareForCreate: (object) => labelledAsItsPods(object, object.spec.manualSelector ? object : withOwnSelector(object)),
  validate: (object) => [...jobErrors(object)],
  validateUpdate: (next, previous) => [...jobUpdateErrors(next, previous)],
  validateStatusUpdate: (next, previous) => [...jobStatusErrors(next, previous)],
  warnings: (object, previous) => templateWarnings(object, object.spec.template, previous),
  selectableFields: (object) => ({ 'status.successful': String(object.status?.succeeded ?? 0) }),
  columns: [
    nameColumn,
    text('Status', 'How far the job is.', statusText),
    text('Completions', 'How many pods have succeeded, of how many must.', completionsText),
    text('Duration', 'How long it has been running, or ran.', durationText),
    ageColumn,
    ...containerColumns<Job>((object) => object.spec.template),
    wide(text('Selector', 'The labels of its pods.', (object) => formatLabelSelector(object.spec.selector))),
  ],
};

/** What a job and the template in a cron job share: the defaults of parts. */
export function defaultJobSpec(spec: JobSpec): JobSpec {
  const next = mapMember(spec, 'podFailurePolicy', (policy) => mapMember(policy, 'rules', (rules) => mapItems(rules, (rule) =>
    mapMember(rule, 'onPodConditions', (patterns) => mapItems(patterns, (pattern) => fill(pattern, { status: 'True' }))))));
  return mapMember(next, 'template', defaultPodTemplate);
}

function defaultJobDetails(spec: JobSpec): JobSpec {
  const alone = spec.completions === undefined && spec.parallelism === undefined;
  return fillAbsent(spec, {
    ...(alone && { completions: 1 }), parallelism: 1, backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : 2147483647, completionMode: 'NonIndexed', suspend: false,
    podReplacementPolicy: spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed', manualSelector: false,
  });
}

/** A job picks its pods by its own uid, so that no two jobs ever share a pod. */
function withOwnSelector(object: Job): Job {
  const { name, uid } = object.metadata;
  const template = object.spec.template ?? {};
  const own = { 'job-name': name, 'batch.kubernetes.io/job-name': name, 'controller-uid': uid, 'batch.kubernetes.io/controller-uid': uid };
  return {
    ...object,
    spec: {
      ...object.spec,
      selector: { ...object.spec.selector, matchLabels: { 'batch.kubernetes.io/controller-uid': uid, ...object.spec.selector?.matchLabels } },
      template: { ...template, metadata: { ...template.metadata, labels: { ...own, ...template.metadata?.labels } } },
    },
  };
}

/** A job without labels of its own has those of its template, with those that its selector needs: upstream, the two share one map. */
function labelledAsItsPods(given: Job, { metadata, ...rest }: Job): Job {
  const labels = rest.spec.template?.metadata?.labels;
  const borrowed = Object.keys(metadata.labels ?? {}).length === 0 || metadata.labels === given.spec.template?.metadata?.labels;
  return { ...rest, metadata: labels && borrowed ? { ...metadata, labels } : metadata };
}

function statusText(object: Job): string {
  const is = (type: string): boolean => object.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
  if (is('Complete')) return 'Complete';
  if (is('Failed')) return 'Failed';
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(is) ?? 'Running';
}

function completionsText({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  return (spec.parallelism ?? 0) > 1 ? `${succeeded}/1 of ${spec.parallelism}` : `${succeeded}/1`;
}

function durationText({ status }: Job, nowMs: number): string {
  if (!status?.startTime) return '';
  return humanDuration((status.completionTime ? Date.parse(status.completionTime) : nowMs) - Date.parse(status.startTime));
}
