/** Upstream: pkg/registry/apps/deployment/strategy.go, pkg/apis/apps/v1/defaults.go. */
import type { KindDefinition } from '../kind.ts';
import type { Deployment, DeploymentSpec, DeploymentStatus } from '../generated/apps-v1.ts';
import { deployments } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { defaultPodTemplate } from '../pod/pod-spec-defaults.ts';
import { atMost100Percent, immutable, intOrPercent, intOrPercentNumber, nonNegative, type FieldErrors } from '../validation/fields.ts';
import { isSame } from '../validation/same.ts';
import { collisionCountErrors, replicaCountErrors, selectedTemplateErrors } from '../validation/workload.ts';
import { selectorOf } from '../selector.ts';
import { fill, fillAbsent, mapMember, without } from './fill.ts';
import { ageColumn, containerColumns, count, nameColumn, text, wide } from './table-columns.ts';
import { templateWarnings } from './workload-warnings.ts';

export const deployment: KindDefinition<Deployment> = {
  resource: deployments,
  defaults: (object) => mapMember(object, 'spec', defaultSpec),
  prepareForUpdate(next, previous) {
    // Annotations count as a change, for controllers copy them to the replica sets.
    const raised = (next.metadata.generation ?? 0) > (previous.metadata.generation ?? 0);
    if (raised || isSame(next.metadata.annotations, previous.metadata.annotations)) return next;
    return { ...next, metadata: { ...next.metadata, generation: (previous.metadata.generation ?? 0) + 1 } };
  },
  prepareForStatusUpdate(next, previous) {
    return { ...next, metadata: { ...without(next.metadata, 'labels'), ...(previous.metadata.labels && { labels: previous.metadata.labels }) } };
  },
  validate: (object) => [...specErrors('spec', object.spec)],
  validateUpdate: (next, previous) => [...immutable('spec.selector', next.spec.selector, previous.spec.selector)],
  validateStatusUpdate: (next, previous) => [...statusErrors(next.status ?? {}, previous.status ?? {})],
  warnings: (object, previous) => templateWarnings(object, object.spec.template, previous),
  scale: {
    replicas: (object) => object.spec.replicas ?? 0,
    statusReplicas: (object) => object.status?.replicas ?? 0,
    selector: (object) => selectorOf(object.spec.selector).toString(),
    withReplicas: (object, replicas) => ({ ...object, spec: { ...object.spec, replicas } }),
  },
  columns: [
    nameColumn,
    text('Ready', 'How many pods are ready, of how many are desired.', (object) => `${object.status?.readyReplicas ?? 0}/${object.spec.replicas ?? 0}`),
    count('Up-to-date', 'How many pods are made from the present template.', (object) => object.status?.updatedReplicas ?? 0),
    count('Available', 'How many pods have been ready for long enough.', (object) => object.status?.availableReplicas ?? 0),
    ageColumn,
    ...containerColumns<Deployment>((object) => object.spec.template),
    wide(text('Selector', 'The labels of its pods.', (object) => selectorOf(object.spec.selector).toString())),
  ],
};

function defaultSpec(spec: DeploymentSpec): DeploymentSpec {
  let next = fill(spec, { replicas: 1, strategy: {}, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  next = mapMember(next, 'strategy', (strategy) => {
    const typed = fill(strategy, { type: 'RollingUpdate' });
    return typed.type === 'RollingUpdate' ? { ...typed, rollingUpdate: fillAbsent(typed.rollingUpdate ?? {}, { maxUnavailable: '25%', maxSurge: '25%' }) } : typed;
  });
  return mapMember(next, 'template', defaultPodTemplate);
}

function* specErrors(path: string, spec: DeploymentSpec): FieldErrors {
  yield* nonNegative(`${path}.replicas`, spec.replicas);
  yield* selectedTemplateErrors(path, spec, 'ReplicaSet');
  yield* strategyErrors(`${path}.strategy`, spec.strategy ?? {});
  yield* nonNegative(`${path}.minReadySeconds`, spec.minReadySeconds);
  yield* nonNegative(`${path}.revisionHistoryLimit`, spec.revisionHistoryLimit);
  if (spec.progressDeadlineSeconds === undefined) return;
  yield* nonNegative(`${path}.progressDeadlineSeconds`, spec.progressDeadlineSeconds);
  if (spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0)) {
    yield fieldError.invalid(`${path}.progressDeadlineSeconds`, spec.progressDeadlineSeconds, 'must be greater than minReadySeconds');
  }
}

function* strategyErrors(path: string, strategy: NonNullable<DeploymentSpec['strategy']>): FieldErrors {
  if (strategy.type === 'Recreate') {
    if (strategy.rollingUpdate) yield fieldError.forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'");
    return;
  }
  if (strategy.type !== 'RollingUpdate') {
    yield fieldError.notSupported(path, strategy, ['Recreate', 'RollingUpdate']);
    return;
  }
  const { maxUnavailable = 0, maxSurge = 0 } = strategy.rollingUpdate ?? {};
  yield* intOrPercent(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
  yield* intOrPercent(`${path}.rollingUpdate.maxSurge`, maxSurge);
  if (intOrPercentNumber(maxUnavailable) === 0 && intOrPercentNumber(maxSurge) === 0) {
    yield fieldError.invalid(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0');
  }
  yield* atMost100Percent(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
}

function* statusErrors(status: DeploymentStatus, previous: DeploymentStatus): FieldErrors {
  yield* replicaCountErrors(status, ['observedGeneration', 'replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'unavailableReplicas', 'terminatingReplicas', 'collisionCount']);
  yield* collisionCountErrors(status, previous);
}
