/** Upstream: pkg/registry/apps/replicaset/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { ReplicaSet } from '../generated/apps-v1.ts';
import { replicaSets } from '../generated/resources.ts';
import { defaultPodTemplate } from '../pod/pod-spec-defaults.ts';
import { immutable, nonNegative } from '../validation/fields.ts';
import { replicaCountErrors, selectedTemplateErrors } from '../validation/workload.ts';
import { formatLabelSelector, selectorOf } from '../selector.ts';
import { fill, mapMember } from './fill.ts';
import { ageColumn, containerColumns, integer, nameColumn, text, wide } from './table-columns.ts';
import { templateWarnings } from './workload-warnings.ts';

export const replicaSet: KindDefinition<ReplicaSet> = {
  resource: replicaSets,
  defaults: (object) => mapMember(object, 'spec', (spec) => mapMember(fill(spec, { replicas: 1 }), 'template', defaultPodTemplate)),
  prepareForCreate: (object) => ({ ...object, status: { replicas: 0 } }),
  validate: ({ spec }) => [
    ...nonNegative('spec.replicas', spec.replicas), ...nonNegative('spec.minReadySeconds', spec.minReadySeconds), ...selectedTemplateErrors('spec', spec, 'ReplicaSet'),
  ],
  validateUpdate: (next, previous) => [...immutable('spec.selector', next.spec.selector, previous.spec.selector)],
  validateStatusUpdate: (next) => [
    ...replicaCountErrors(next.status ?? {}, ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration', 'terminatingReplicas']),
  ],
  warnings: (object, previous) => templateWarnings(object, object.spec.template, previous),
  scale: {
    replicas: (object) => object.spec.replicas ?? 0,
    statusReplicas: (object) => object.status?.replicas ?? 0,
    selector: (object) => selectorOf(object.spec.selector).toString(),
    withReplicas: (object, replicas) => ({ ...object, spec: { ...object.spec, replicas } }),
  },
  columns: [
    nameColumn,
    integer('Desired', 'How many pods there should be.', (object) => object.spec.replicas ?? 0),
    integer('Current', 'How many pods there are.', (object) => object.status?.replicas ?? 0),
    integer('Ready', 'How many pods are ready.', (object) => object.status?.readyReplicas ?? 0),
    ageColumn,
    ...containerColumns<ReplicaSet>((object) => object.spec.template),
    wide(text('Selector', 'The labels of its pods.', (object) => formatLabelSelector(object.spec.selector))),
  ],
};
