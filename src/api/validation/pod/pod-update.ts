/** Upstream: ValidatePodUpdate. */
import { fieldError } from '../../errors.ts';
import type { Pod, PodSpec, Toleration } from '../../generated/core-v1.ts';
import { without } from '../../kinds/fill.ts';
import { rangeFaults } from '../formats.ts';
import { formatErrors, type FieldErrors } from '../fields.ts';
import { isSame } from '../same.ts';

const mutableFields = [
  '`spec.containers[*].image`', '`spec.initContainers[*].image`', '`spec.activeDeadlineSeconds`', '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
];

/** What an update of a pod may not do, besides being a valid pod. */
export function* podUpdateErrors({ spec: next }: Pod, { spec: previous }: Pod): FieldErrors {
  for (const list of ['containers', 'initContainers'] as const) {
    if ((next[list]?.length ?? 0) !== (previous[list]?.length ?? 0)) {
      yield fieldError.forbidden(`spec.${list}`, 'pod updates may not add or remove containers');
      return;
    }
  }
  const deadline = [...deadlineErrors(next.activeDeadlineSeconds, previous.activeDeadlineSeconds)];
  yield* deadline;
  if (deadline.length && next.activeDeadlineSeconds !== undefined) return;
  yield* tolerationErrors(next.tolerations ?? [], previous.tolerations ?? []);
  yield* gateErrors(next, previous);
  if (isSame(next, previous)) return;

  let compared = withMutableFieldsOf(next, previous);
  if (previous.schedulingGates?.length) {
    yield* gatedErrors(next, previous);
    compared = withFieldOf(compared, previous, 'nodeSelector');
    compared = withNodeAffinityOf(compared, previous);
  }
  if (!isSame(compared, previous)) {
    yield fieldError.forbidden('spec', `pod updates may not change fields other than ${mutableFields.join(',')}\n${difference(previous, compared)}`);
  }
}

function* deadlineErrors(next: number | undefined, previous: number | undefined): FieldErrors {
  const path = 'spec.activeDeadlineSeconds';
  if (next === undefined) {
    if (previous !== undefined) yield fieldError.invalid(path, null, 'must not update from a positive integer to nil value');
    return;
  }
  const faults = rangeFaults(next, 0, 2147483647);
  yield* formatErrors(path, next, faults);
  if (faults.length === 0 && previous !== undefined && previous < next) yield fieldError.invalid(path, next, 'must be less than or equal to previous value');
}

function* tolerationErrors(next: readonly Toleration[], previous: readonly Toleration[]): FieldErrors {
  const kept = previous.every((old) => next.some((toleration) => isSame({ ...old, tolerationSeconds: toleration.tolerationSeconds }, toleration)));
  if (!kept) yield fieldError.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds');
}

function* gateErrors(next: PodSpec, previous: PodSpec): FieldErrors {
  for (const [i, { name }] of (next.schedulingGates ?? []).entries()) {
    if (!previous.schedulingGates?.some((gate) => gate.name === name)) {
      yield fieldError.forbidden(`spec.schedulingGates[${i}].name`, `only deletion is allowed, but found new scheduling gate '${name}'`);
    }
  }
}

/** A pod that waits behind gates may still be narrowed to fewer nodes. */
function* gatedErrors(next: PodSpec, previous: PodSpec): FieldErrors {
  for (const [key, value] of Object.entries(previous.nodeSelector ?? {})) {
    if (next.nodeSelector?.[key] !== value) {
      yield fieldError.invalid('spec.nodeSelector', next.nodeSelector ?? null, 'only additions to spec.nodeSelector are allowed (no mutations or deletions)');
      break;
    }
  }
  const path = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution';
  const before = previous.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const after = next.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (!before) return;
  if (before.length !== (after?.length ?? 0)) {
    yield fieldError.invalid(`${path}.nodeSelectorTerms`, after ?? null, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed');
    return;
  }
  for (const [i, term] of before.entries()) {
    const narrowed = after?.[i];
    const kept = (['matchExpressions', 'matchFields'] as const).every((field) => (term[field] ?? []).every((one, j) => isSame(one, narrowed?.[field]?.[j])));
    if (!kept) yield fieldError.invalid(`${path}.nodeSelectorTerms[${i}]`, narrowed ?? null, 'only additions are allowed (no mutations or deletions)');
  }
}

/** `next` with all that may change put back to what it was. */
function withMutableFieldsOf(next: PodSpec, previous: PodSpec): PodSpec {
  let spec: PodSpec = { ...next, containers: next.containers.map((container, i) => ({ ...container, image: previous.containers[i]?.image ?? '' })) };
  if (next.initContainers) spec = { ...spec, initContainers: next.initContainers.map((container, i) => ({ ...container, image: previous.initContainers?.[i]?.image ?? '' })) };
  for (const field of ['activeDeadlineSeconds', 'schedulingGates', 'tolerations'] as const) spec = withFieldOf(spec, previous, field);
  const isRescued = (previous.terminationGracePeriodSeconds ?? 0) < 0 && next.terminationGracePeriodSeconds === 1;
  return isRescued ? withFieldOf(spec, previous, 'terminationGracePeriodSeconds') : spec;
}

function withFieldOf(spec: PodSpec, previous: PodSpec, field: keyof PodSpec): PodSpec {
  return { ...spec, [field]: previous[field] };
}

function withNodeAffinityOf(spec: PodSpec, previous: PodSpec): PodSpec {
  const nodeAffinity = previous.affinity?.nodeAffinity;
  const affinity = { ...(spec.affinity && without(spec.affinity, 'nodeAffinity')), ...(nodeAffinity && { nodeAffinity }) };
  const hasNone = Object.keys(affinity).length === 0 && !previous.affinity;
  return hasNone ? without(spec, 'affinity') : { ...spec, affinity };
}

/** The fields that differ, one a line with the old value and the new: for the reader, not for programs. */
function difference(before: unknown, after: unknown, path = 'spec'): string {
  if (isSame(before, after)) return '';
  if (typeof before === 'object' && typeof after === 'object' && before !== null && after !== null && Array.isArray(before) === Array.isArray(after)) {
    const left = before as Readonly<Record<string, unknown>>;
    const right = after as Readonly<Record<string, unknown>>;
    return [...new Set([...Object.keys(left), ...Object.keys(right)])].map((key) => difference(left[key], right[key], Array.isArray(before) ? `${path}[${key}]` : `${path}.${key}`)).filter((line) => line !== '').join('\n');
  }
  return `- ${path}: ${JSON.stringify(before) ?? '<none>'}\n+ ${path}: ${JSON.stringify(after) ?? '<none>'}`;
}
