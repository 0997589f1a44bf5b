/** Upstream: pkg/registry/apps/daemonset/strategy.go, pkg/apis/apps/v1/conversion.go. */
import type { KindDefinition } from '../kind.ts';
import type { DaemonSet, DaemonSetSpec } from '../generated/apps-v1.ts';
import { daemonSets } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { defaultPodTemplate } from '../pod/pod-spec-defaults.ts';
import { formatLabelSelector, formatLabels, labelSelectorMatches } from '../selector.ts';
import { atMost100Percent, immutable, intOrPercent, intOrPercentNumber, isEmptySelector, labelSelector, nonNegative, type FieldErrors } from '../validation/fields.ts';
import { podTemplateErrors } from '../validation/pod/pod-template.ts';
import { isSame } from '../validation/same.ts';
import { alwaysRestartingErrors, collisionCountErrors } from '../validation/workload.ts';
import { fill, fillAbsent, mapMember } from './fill.ts';
import { ageColumn, containerColumns, integer, nameColumn, text, wide } from './table-columns.ts';
import { templateWarnings } from './workload-warnings.ts';

/** Counts changes of the template: an old field of the spec, kept as an annotation. */
const generationAnnotation = 'deprecated.daemonset.template.generation';

const counts = [
  'currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady', 'observedGeneration', 'updatedNumberScheduled', 'numberAvailable', 'numberUnavailable',
  'collisionCount',
] as const;

export const daemonSet: KindDefinition<DaemonSet> = {
  resource: daemonSets,
  defaults: (object) => mapMember(object, 'spec', defaultSpec),
  prepareForCreate: (object) => ({
    ...withTemplateGeneration(object, 1), status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  }),
  prepareForUpdate(next, previous) {
    const before = Number(previous.metadata.annotations?.[generationAnnotation] ?? 0);
    return withTemplateGeneration(next, isSame(next.spec.template, previous.spec.template) ? before : before + 1);
  },
  validate: (object) => [...specErrors('spec', object.spec)],
  validateUpdate: (next, previous) => [...immutable('spec.selector', next.spec.selector, previous.spec.selector)],
  validateStatusUpdate: (next, previous) => [...counts.flatMap((field) => [...nonNegative(`status.${field}`, next.status?.[field])]), ...collisionCountErrors(next.status, previous.status)],
  warnings: (object, previous) => templateWarnings(object, object.spec.template, previous, 'spec.template', false),
  columns: [
    nameColumn,
    integer('Desired', 'On how many nodes a pod should run.', (object) => object.status?.desiredNumberScheduled ?? 0),
    integer('Current', 'On how many of these nodes a pod is.', (object) => object.status?.currentNumberScheduled ?? 0),
    integer('Ready', 'How many pods are ready.', (object) => object.status?.numberReady ?? 0),
    integer('Up-to-date', 'How many pods are made from the present template.', (object) => object.status?.updatedNumberScheduled ?? 0),
    integer('Available', 'How many pods have been ready for long enough.', (object) => object.status?.numberAvailable ?? 0),
    text('Node Selector', 'The labels of the nodes that it is for.', (object) => formatLabels(object.spec.template?.spec?.nodeSelector)),
    ageColumn,
    ...containerColumns<DaemonSet>((object) => object.spec.template),
    wide(text('Selector', 'The labels of its pods.', (object) => formatLabelSelector(object.spec.selector))),
  ],
};

function withTemplateGeneration(object: DaemonSet, generation: number): DaemonSet {
  return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [generationAnnotation]: String(generation) } } };
}

function defaultSpec(spec: DaemonSetSpec): DaemonSetSpec {
  const next = fill(spec, { revisionHistoryLimit: 10, updateStrategy: {} });
  const withStrategy = mapMember(next, 'updateStrategy', (strategy) => {
    const typed = fill(strategy, { type: 'RollingUpdate' });
    return typed.type === 'RollingUpdate' ? { ...typed, rollingUpdate: fillAbsent(typed.rollingUpdate ?? {}, { maxSurge: 0, maxUnavailable: 1 }) } : typed;
  });
  return mapMember(withStrategy, 'template', defaultPodTemplate);
}

function* specErrors(path: string, spec: DaemonSetSpec): FieldErrors {
  const { selector, template = {} } = spec;
  const faults = [...labelSelector(`${path}.selector`, selector)];
  yield* faults;
  if (faults.length === 0 && !labelSelectorMatches(selector, template.metadata?.labels)) {
    yield fieldError.invalid(`${path}.template.metadata.labels`, template.metadata?.labels ?? null, '`selector` does not match template `labels`');
  }
  if (selector && isEmptySelector(selector)) yield fieldError.invalid(`${path}.selector`, selector, 'empty selector is invalid for daemonset');
  yield* podTemplateErrors(`${path}.template`, template);
  yield* alwaysRestartingErrors(`${path}.template`, template, 'DaemonSet');
  yield* nonNegative(`${path}.minReadySeconds`, spec.minReadySeconds);
  yield* strategyErrors(`${path}.updateStrategy`, spec.updateStrategy ?? {});
  yield* nonNegative(`${path}.revisionHistoryLimit`, spec.revisionHistoryLimit);
}

function* strategyErrors(path: string, strategy: NonNullable<DaemonSetSpec['updateStrategy']>): FieldErrors {
  if (strategy.type === 'OnDelete') return;
  if (strategy.type !== 'RollingUpdate') {
    yield fieldError.notSupported(path, strategy, ['RollingUpdate', 'OnDelete']);
    return;
  }
  const { maxUnavailable = 0, maxSurge = 0 } = strategy.rollingUpdate ?? {};
  yield* intOrPercent(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
  yield* intOrPercent(`${path}.rollingUpdate.maxSurge`, maxSurge);
  yield* atMost100Percent(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
  yield* atMost100Percent(`${path}.rollingUpdate.maxSurge`, maxSurge);
  const [unavailable, surge] = [intOrPercentNumber(maxUnavailable), intOrPercentNumber(maxSurge)];
  if (unavailable !== 0 && surge !== 0) yield fieldError.invalid(`${path}.rollingUpdate.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero');
  if (unavailable === 0 && surge === 0) yield fieldError.required(`${path}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0');
}
