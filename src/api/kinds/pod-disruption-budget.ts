/** Upstream: pkg/registry/policy/poddisruptionbudget/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '../generated/policy-v1.ts';
import { podDisruptionBudgets } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { atMost100Percent, intOrPercent, labelSelector, nonNegative, oneOfIfAny, type FieldErrors } from '../validation/fields.ts';
import { ageColumn, integer, nameColumn, text } from './table-columns.ts';

export const podDisruptionBudget: KindDefinition<PodDisruptionBudget> = {
  resource: podDisruptionBudgets,
  nameRule: 'path',
  validate: (object) => [...specErrors('spec', object.spec ?? {})],
  validateStatusUpdate: (next) =>
    (['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const).flatMap((field) => [...nonNegative(`status.${field}`, next.status?.[field])]),
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    text('Min Available', 'How many pods must be available.', (object) => String(object.spec?.minAvailable ?? 'N/A')),
    text('Max Unavailable', 'How many pods may be unavailable.', (object) => String(object.spec?.maxUnavailable ?? 'N/A')),
    integer('Allowed Disruptions', 'How many pods may be evicted at present.', (object) => object.status?.disruptionsAllowed ?? 0),
    ageColumn,
  ],
};

function* specErrors(path: string, spec: PodDisruptionBudgetSpec): FieldErrors {
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) yield fieldError.invalid(path, spec, 'minAvailable and maxUnavailable cannot be both set');
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    const value = spec[field];
    if (value === undefined) continue;
    yield* intOrPercent(`${path}.${field}`, value);
    yield* atMost100Percent(`${path}.${field}`, value);
  }
  yield* labelSelector(`${path}.selector`, spec.selector);
  yield* oneOfIfAny(`${path}.unhealthyPodEvictionPolicy`, spec.unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget']);
}
