/** Upstream: pkg/apis/batch/validation, of jobs. */
import { fieldError } from '../errors.ts';
import type { Job, JobSpec, JobStatus, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule } from '../generated/batch-v1.ts';
import type { PodSpec, PodTemplateSpec } from '../generated/core-v1.ts';
import { without } from '../kinds/fill.ts';
import { isDns1123Label } from '../names.ts';
import { labelSelectorMatches } from '../selector.ts';
import { domainPrefixedPath } from './domain-prefixed.ts';
import { immutable, labelSelector, nonNegative, oneOfIfAny, qualifiedName, type FieldErrors } from './fields.ts';
import { podTemplateErrors } from './pod/pod-template.ts';
import { isSame } from './same.ts';

const limits = { parallelism: 100_000, failedIndexes: 100_000, manyCompletions: 100_000, withManyCompletions: 10_000, rules: 20, exitCodes: 255, managedBy: 63, successIndexes: 65536 } as const;

export function* jobErrors(job: Job): FieldErrors {
  yield* ownSelectorErrors(job);
  yield* jobSpecErrors('spec', job.spec);
  const { selector, template, completionMode, completions = 0 } = job.spec;
  if (!selector) {
    yield fieldError.required('spec.selector');
    yield fieldError.invalid('spec.template.metadata.labels', template?.metadata?.labels ?? null, '`selector` does not match template `labels`');
  } else {
    const faults = [...labelSelector('spec.selector', selector)];
    yield* faults;
    if (faults.length === 0 && !labelSelectorMatches(selector, template?.metadata?.labels)) {
      yield fieldError.invalid('spec.template.metadata.labels', template?.metadata?.labels ?? null, '`selector` does not match template `labels`');
    }
  }
  if (completionMode !== 'Indexed' || completions <= 0) return;
  const longest = `${job.metadata.name}-${completions - 1}`;
  if (isDns1123Label(longest).length) yield fieldError.invalid('metadata.name', job.metadata.name, `will not able to create pod with invalid DNS label: ${longest}`);
}

function* ownSelectorErrors({ metadata, spec }: Job): FieldErrors {
  if (spec.manualSelector || !spec.selector) return;
  const labels = spec.template?.metadata?.labels ?? {};
  const own = { 'controller-uid': metadata.uid, 'job-name': metadata.name, 'batch.kubernetes.io/controller-uid': metadata.uid, 'batch.kubernetes.io/job-name': metadata.name };
  for (const [key, expected] of Object.entries(own)) {
    const path = 'spec.template.metadata.labels';
    if (!(key in labels)) yield fieldError.required(path, `must be '${expected}'`);
    else if (labels[key] !== expected) yield fieldError.invalid(path, labels, `must be '${expected}'`);
  }
  if ([...labelSelector('', spec.selector)].length === 0 && !labelSelectorMatches(spec.selector, own)) {
    yield fieldError.invalid('spec.selector', spec.selector, '`selector` not auto-generated');
  }
}

/** The spec of a job or of the template in a cron job, without its selector. */
export function* jobSpecErrors(path: string, spec: JobSpec): FieldErrors {
  for (const field of ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished', 'backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
    yield* nonNegative(`${path}.${field}`, spec[field]);
  }
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) yield fieldError.required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified');
  if (spec.managedBy !== undefined) {
    yield* domainPrefixedPath(`${path}.managedBy`, spec.managedBy);
    if (spec.managedBy.length > limits.managedBy) yield fieldError.tooLong(`${path}.managedBy`, limits.managedBy);
  }
  yield* oneOfIfAny(`${path}.completionMode`, spec.completionMode, ['NonIndexed', 'Indexed']);
  if (spec.completionMode === 'Indexed') {
    yield* indexedErrors(path, spec);
  } else {
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) if (spec[field] !== undefined) yield fieldError.invalid(`${path}.${field}`, spec[field], 'requires indexed completion mode');
    if (spec.successPolicy) yield fieldError.invalid(`${path}.successPolicy`, spec.successPolicy, 'requires indexed completion mode');
  }
  if (spec.podFailurePolicy) yield* failurePolicyErrors(`${path}.podFailurePolicy.rules`, spec);
  yield* oneOfIfAny(`${path}.podReplacementPolicy`, spec.podReplacementPolicy, spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed']);
  yield* podTemplateErrors(`${path}.template`, spec.template ?? {});
  yield* restartErrors(`${path}.template.spec.restartPolicy`, spec);
}

function* restartErrors(path: string, spec: JobSpec): FieldErrors {
  const policy = spec.template?.spec?.restartPolicy;
  if (!policy || policy === 'Always') yield fieldError.required(path, 'valid values: "OnFailure", "Never"');
  else if (policy !== 'OnFailure' && policy !== 'Never') yield fieldError.notSupported(path, policy, ['OnFailure', 'Never']);
  else if (spec.podFailurePolicy && policy !== 'Never') yield fieldError.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified');
}

function* indexedErrors(path: string, spec: JobSpec): FieldErrors {
  const { completions, parallelism = 0, maxFailedIndexes } = spec;
  if (completions === undefined) yield fieldError.required(`${path}.completions`, 'when completion mode is Indexed');
  if (parallelism > limits.parallelism) yield fieldError.invalid(`${path}.parallelism`, parallelism, `must be less than or equal to ${limits.parallelism} when completion mode is Indexed`);
  if (maxFailedIndexes !== undefined) {
    if (completions !== undefined && maxFailedIndexes > completions) yield fieldError.invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions');
    if (maxFailedIndexes > limits.failedIndexes) yield fieldError.invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, `must be less than or equal to ${limits.failedIndexes}`);
  }
  if (completions !== undefined && completions > limits.manyCompletions && spec.backoffLimitPerIndex !== undefined) {
    const rule = `must be less than or equal to ${limits.withManyCompletions} when completions are above ${limits.manyCompletions} and used with backoff limit per index`;
    if (maxFailedIndexes === undefined) yield fieldError.required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${limits.manyCompletions}`);
    if (parallelism > limits.withManyCompletions) yield fieldError.invalid(`${path}.parallelism`, parallelism, rule);
    if (maxFailedIndexes !== undefined && maxFailedIndexes > limits.withManyCompletions) yield fieldError.invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, rule);
  }
  if (spec.successPolicy) yield* successPolicyErrors(`${path}.successPolicy.rules`, spec);
}

function* successPolicyErrors(path: string, spec: JobSpec): FieldErrors {
  const rules = spec.successPolicy?.rules ?? [];
  const completions = spec.completions ?? 0;
  if (rules.length === 0) yield fieldError.required(path, 'at least one rules must be specified when the successPolicy is specified');
  if (rules.length > limits.rules) yield fieldError.tooMany(path, rules.length, limits.rules);
  for (const [i, { succeededCount, succeededIndexes }] of rules.entries()) {
    const at = `${path}[${i}]`;
    if (succeededCount === undefined && succeededIndexes === undefined) yield fieldError.required(at, 'at least one of succeededCount or succeededIndexes must be specified');
    let total = 0;
    if (succeededIndexes !== undefined) {
      if (succeededIndexes.length > limits.successIndexes) yield fieldError.tooLong(`${at}.succeededIndexes`, limits.successIndexes);
      const parsed = countIndexes(succeededIndexes, completions);
      if (typeof parsed === 'string') yield fieldError.invalid(`${at}.succeededIndexes`, succeededIndexes, `error parsing succeededIndexes: ${parsed}`);
      else total = parsed;
    }
    if (succeededCount === undefined) continue;
    yield* nonNegative(`${at}.succeededCount`, succeededCount);
    if (succeededCount > completions) {
      yield fieldError.invalid(`${at}.succeededCount`, succeededCount, `must be less than or equal to ${completions} (the number of specified completions)`);
    }
    if (succeededIndexes !== undefined && succeededCount > total) {
      yield fieldError.invalid(`${at}.succeededCount`, succeededCount, `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`);
    }
  }
}

/** How many indexes `0-3,7` names; a text says what is wrong. */
function countIndexes(text: string, completions: number): number | string {
  if (text === '') return 0;
  let total = 0;
  let last = -1;
  for (const interval of text.split(',')) {
    const bounds = interval.split('-');
    if (bounds.length > 2) return `the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'`;
    const wrong = bounds.find((bound) => !/^[+-]?\d+$/.test(bound));
    if (wrong !== undefined) return `cannot convert string to integer for index: ${JSON.stringify(wrong)}`;
    const [from = 0, to = from] = bounds.map(Number);
    const beyond = [from, to].find((index) => index >= completions);
    if (beyond !== undefined) return `too large index: ${JSON.stringify(String(beyond))}`;
    if (bounds.length === 2 && from >= to) return `non-increasing order, previous: ${from}, current: ${to}`;
    if (from <= last) return `non-increasing order, previous: ${last}, current: ${from}`;
    total += to - from + 1;
    last = to;
  }
  return total;
}

const failureActions = ['Count', 'FailIndex', 'FailJob', 'Ignore'] as const;
const quoted = (values: readonly string[]): string => `valid values: [${values.map((value) => JSON.stringify(value)).join(' ')}]`;

function* failurePolicyErrors(path: string, spec: JobSpec): FieldErrors {
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > limits.rules) yield fieldError.tooMany(path, rules.length, limits.rules);
  const { containers = [], initContainers = [] } = spec.template?.spec ?? {};
  const names = new Set([...containers, ...initContainers].map((container) => container.name));
  for (const [i, rule] of rules.entries()) yield* failureRuleErrors(`${path}[${i}]`, rule, spec, names);
}

function* failureRuleErrors(path: string, rule: PodFailurePolicyRule, spec: JobSpec, containers: ReadonlySet<string>): FieldErrors {
  if (!rule.action) yield fieldError.required(`${path}.action`, quoted(failureActions));
  else if (rule.action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined) yield fieldError.invalid(`${path}.action`, rule.action, 'requires the backoffLimitPerIndex to be set');
  } else {
    yield* oneOfIfAny(`${path}.action`, rule.action, failureActions);
  }
  const conditions = rule.onPodConditions ?? [];
  if (rule.onExitCodes) yield* exitCodeErrors(`${path}.onExitCodes`, rule.onExitCodes, containers);
  if (conditions.length > limits.rules) yield fieldError.tooMany(`${path}.onPodConditions`, conditions.length, limits.rules);
  for (const [i, { type, status }] of conditions.entries()) {
    const at = `${path}.onPodConditions[${i}]`;
    yield* qualifiedName(`${at}.type`, type);
    if (!status) yield fieldError.required(`${at}.status`, quoted(['False', 'True', 'Unknown']));
    else yield* oneOfIfAny(`${at}.status`, status, ['False', 'True', 'Unknown']);
  }
  if (rule.onExitCodes && conditions.length) yield fieldError.invalidOmitted(path, 'specifying both OnExitCodes and OnPodConditions is not supported');
  if (!rule.onExitCodes && conditions.length === 0) yield fieldError.invalidOmitted(path, 'specifying one of OnExitCodes and OnPodConditions is required');
}

function* exitCodeErrors(path: string, { operator, containerName, values = [] }: PodFailurePolicyOnExitCodesRequirement, containers: ReadonlySet<string>): FieldErrors {
  if (!operator) yield fieldError.required(`${path}.operator`, quoted(['In', 'NotIn']));
  else yield* oneOfIfAny(`${path}.operator`, operator, ['In', 'NotIn']);
  if (containerName !== undefined && !containers.has(containerName)) {
    yield fieldError.invalid(`${path}.containerName`, containerName, 'must be one of the container or initContainer names in the pod template');
  }
  if (values.length === 0) yield fieldError.invalid(`${path}.values`, values, 'at least one value is required');
  else if (values.length > limits.exitCodes) yield fieldError.tooMany(`${path}.values`, values.length, limits.exitCodes);
  for (const [i, value] of values.entries()) {
    if (operator === 'In' && value === 0) yield fieldError.invalid(`${path}.values[${i}]`, value, 'must not be 0 for the In operator');
    if (values.indexOf(value) < i) yield fieldError.duplicate(`${path}.values[${i}]`, value);
  }
  if (values.some((value, i) => i > 0 && values[i - 1]! > value)) yield fieldError.invalid(`${path}.values`, values, 'must be ordered');
}

/** What of a job stays as it was made. A suspended job that has no pods may still be placed elsewhere and given other resources. */
export function* jobUpdateErrors(next: Job, previous: Job): FieldErrors {
  const { spec } = next;
  const before = previous.spec;
  if (spec.completionMode !== 'Indexed') yield* immutable('spec.completions', spec.completions, before.completions);
  else if (spec.completions !== undefined && spec.completions !== before.completions && spec.completions !== spec.parallelism) {
    yield fieldError.invalid('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism');
  }
  yield* immutable('spec.selector', spec.selector, before.selector);
  yield* templateUpdateErrors(next, previous);
  for (const field of ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const) yield* immutable(`spec.${field}`, spec[field], before[field]);
}

function* templateUpdateErrors(next: Job, previous: Job): FieldErrors {
  const isIdle = previous.spec.suspend === true && !previous.status?.active && (!previous.status?.startTime || isTrue(previous.status, 'Suspended'));
  const { template } = next.spec;
  if (!isIdle) return yield* immutable('spec.template', template, previous.spec.template);
  const expected = withPlacementOf(previous.spec.template, template);
  if (isSame(withResourcesOf(expected, template).spec, template.spec)) return;
  yield fieldError.invalid('spec.template.spec', template.spec, 'field is immutable');
}

function withPlacementOf(template: PodTemplateSpec, from: PodTemplateSpec): PodTemplateSpec {
  const nodeAffinity = from.spec?.affinity?.nodeAffinity;
  const affinity = { ...without(template.spec?.affinity ?? {}, 'nodeAffinity'), ...(nodeAffinity && { nodeAffinity }) };
  const moved = { ...template.spec, affinity, nodeSelector: from.spec?.nodeSelector, tolerations: from.spec?.tolerations, schedulingGates: from.spec?.schedulingGates } as PodSpec;
  return { ...template, spec: moved };
}

function withResourcesOf(template: PodTemplateSpec, from: PodTemplateSpec): PodTemplateSpec {
  const taken = <C extends { readonly name: string; readonly resources?: unknown }>(list: readonly C[] | undefined, other: readonly C[] | undefined): readonly C[] | undefined =>
    list?.map((container, i) => (other?.[i]?.name === container.name && other.length === list.length ? { ...container, resources: other[i].resources } : container));
  const spec = template.spec!;
  return { ...template, spec: { ...spec, containers: taken(spec.containers, from.spec?.containers)!, initContainers: taken(spec.initContainers, from.spec?.initContainers) } as PodSpec };
}

const isTrue = (status: JobStatus | undefined, type: string): boolean => status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;

export function* jobStatusErrors(next: Job, previous: Job): FieldErrors {
  const status = next.status ?? {};
  const before = previous.status ?? {};
  for (const field of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const) yield* nonNegative(`status.${field}`, status[field]);
  const conflicts = [['Complete', 'Failed', 'Failed=true'], ['Complete', 'FailureTarget', 'FailureTarget=true']] as const;
  for (const [one, other, shown] of conflicts) if (isTrue(status, one) && isTrue(status, other)) yield fieldError.invalidOmitted('status.conditions', `cannot set ${one}=True and ${shown} conditions`);
  const finished = isTrue(status, 'Complete') || isTrue(status, 'Failed');
  if (status.completionTime && !isTrue(status, 'Complete')) {
    yield fieldError.invalid('status.completionTime', status.completionTime, 'cannot set completionTime when there is no Complete=True condition');
  }
  if (!status.completionTime && isTrue(status, 'Complete')) yield fieldError.required('status.completionTime', 'completionTime is required for Complete jobs');
  if (isTrue(status, 'Failed') && !isTrue(status, 'FailureTarget')) {
    yield fieldError.invalidOmitted('status.conditions', 'cannot set Failed=True condition without the FailureTarget=true condition');
  }
  if (isTrue(status, 'Complete') && !isTrue(status, 'SuccessCriteriaMet')) {
    yield fieldError.invalidOmitted('status.conditions', 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition');
  }
  if (finished && status.active) yield fieldError.invalid('status.active', status.active, 'active>0 is invalid for finished job');
  if (finished && !status.startTime) yield fieldError.required('status.startTime', 'startTime is required for finished job');
  const uncounted = status.uncountedTerminatedPods;
  if (finished && (uncounted?.failed?.length || uncounted?.succeeded?.length)) yield fieldError.invalid('status.uncountedTerminatedPods', uncounted, 'must be empty for finished job');
  if ((status.ready ?? 0) > (status.active ?? 0)) yield fieldError.invalid('status.ready', status.ready, 'cannot set more ready pods than active');
  for (const type of ['Failed', 'Complete', 'FailureTarget', 'SuccessCriteriaMet']) {
    const terminal = type === 'SuccessCriteriaMet' ? '' : 'terminal ';
    if (isTrue(before, type) && !isTrue(status, type)) yield fieldError.invalidOmitted('status.conditions', `cannot disable the ${terminal}${type}=True condition`);
  }
  for (const field of ['failed', 'succeeded'] as const) {
    if ((status[field] ?? 0) < (before[field] ?? 0)) yield fieldError.invalid(`status.${field}`, status[field] ?? 0, `cannot decrease the ${field} counter`);
  }
  if (status.completionTime && before.completionTime && status.completionTime !== before.completionTime) {
    yield fieldError.invalid('status.completionTime', status.completionTime, 'field is immutable');
  }
  if (before.startTime && before.startTime !== status.startTime && !next.spec.suspend) {
    yield fieldError.invalid('status.startTime', status.startTime ?? null, 'field is immutable for unsuspended job once set');
  }
}
