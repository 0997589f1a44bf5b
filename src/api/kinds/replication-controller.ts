/** Upstream: pkg/registry/core/replicationcontroller/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { PodTemplateSpec, ReplicationController } from '../generated/core-v1.ts';
import { replicationControllers } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { defaultPodTemplate } from '../pod/pod-spec-defaults.ts';
import { nonNegative, type FieldErrors } from '../validation/fields.ts';
import { podTemplateErrors } from '../validation/pod/pod-template.ts';
import { alwaysRestartingErrors, replicaCountErrors } from '../validation/workload.ts';
import { formatLabels, selectorOfMap } from '../selector.ts';
import { fill, mapMember } from './fill.ts';
import { ageColumn, containerColumns, integer, nameColumn, text, wide } from './table-columns.ts';
import { templateWarnings } from './workload-warnings.ts';

export const replicationController: KindDefinition<ReplicationController> = {
  resource: replicationControllers,
  orphansByDefault: true,
  defaults(object) {
    const next = mapMember(object, 'spec', (spec) => {
      const filled = mapMember(fill(spec, { replicas: 1 }), 'template', defaultPodTemplate);
      const labels = filled.template?.metadata?.labels;
      return labels && isEmpty(filled.selector) ? { ...filled, selector: labels } : filled;
    });
    const labels = next.spec?.template?.metadata?.labels;
    return labels && isEmpty(next.metadata.labels) ? { ...next, metadata: { ...next.metadata, labels } } : next;
  },
  prepareForCreate: (object) => ({ ...object, status: { replicas: 0 } }),
  validate: (object) => [...specErrors('spec', object.spec)],
  validateStatusUpdate: (next) => [...replicaCountErrors(next.status ?? {}, ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'])],
  warnings: (object, previous) => templateWarnings(object, object.spec.template, previous),
  selectableFields: (object) => ({ 'status.replicas': String(object.status?.replicas ?? 0) }),
  scale: {
    replicas: (object) => object.spec.replicas ?? 0,
    statusReplicas: (object) => object.status?.replicas ?? 0,
    selector: (object) => selectorOfMap(object.spec.selector).toString(),
    withReplicas: (object, replicas) => ({ ...object, spec: { ...object.spec, replicas } }),
  },
  columns: [
    nameColumn,
    integer('Desired', 'How many pods there should be.', (object) => object.spec.replicas ?? 0),
    integer('Current', 'How many pods there are.', (object) => object.status?.replicas ?? 0),
    integer('Ready', 'How many pods are ready.', (object) => object.status?.readyReplicas ?? 0),
    ageColumn,
    ...containerColumns<ReplicationController>((object) => object.spec.template),
    wide(text('Selector', 'The labels of its pods.', (object) => formatLabels(object.spec.selector))),
  ],
};

const isEmpty = (map: Readonly<Record<string, string>> | undefined): boolean => Object.keys(map ?? {}).length === 0;

function* specErrors(path: string, spec: ReplicationController['spec']): FieldErrors {
  yield* nonNegative(`${path}.minReadySeconds`, spec.minReadySeconds);
  if (isEmpty(spec.selector)) yield fieldError.required(`${path}.selector`);
  if (spec.replicas === undefined) yield fieldError.required(`${path}.replicas`);
  yield* nonNegative(`${path}.replicas`, spec.replicas);
  if (!spec.template) yield fieldError.required(`${path}.template`);
  else yield* templateErrors(`${path}.template`, spec.template, spec.selector ?? {});
}

function* templateErrors(path: string, template: PodTemplateSpec, selector: Readonly<Record<string, string>>): FieldErrors {
  const labels = template.metadata?.labels;
  if (Object.entries(selector).some(([key, value]) => labels?.[key] !== value)) {
    yield fieldError.invalid(`${path}.metadata.labels`, labels ?? null, '`selector` does not match template `labels`');
  }
  yield* podTemplateErrors(path, template);
  yield* alwaysRestartingErrors(path, template, 'ReplicationController');
}
