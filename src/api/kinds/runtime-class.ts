/** Upstream: pkg/registry/node/runtimeclass/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { RuntimeClass } from '../generated/node-v1.ts';
import { runtimeClasses } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { dnsLabel, immutable, labels, type FieldErrors } from '../validation/fields.ts';
import { tolerationErrors } from '../validation/pod/tolerations.ts';
import { requirementErrors } from '../validation/resources.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

export const runtimeClass: KindDefinition<RuntimeClass> = {
  resource: runtimeClasses,
  validate: (object) => [...classErrors(object)],
  validateUpdate: (next, previous) => [...immutable('handler', next.handler, previous.handler)],
  unconditionalUpdate: false,
  createOnUpdate: true,
  columns: [nameColumn, text('Handler', 'The runtime that starts the pods of the class.', (object) => object.handler), ageColumn],
};

function* classErrors({ handler, overhead, scheduling }: RuntimeClass): FieldErrors {
  if (!handler) yield fieldError.required('handler');
  else yield* dnsLabel('handler', handler);
  if (overhead?.podFixed) yield* requirementErrors('overhead', { limits: overhead.podFixed });
  yield* labels('scheduling.nodeSelector', scheduling?.nodeSelector);
  const tolerations = scheduling?.tolerations ?? [];
  yield* tolerationErrors('scheduling.tolerations', tolerations);
  const seen = new Set<string>();
  for (const [i, toleration] of tolerations.entries()) {
    const key = JSON.stringify([toleration.key, toleration.operator, toleration.value, toleration.effect]);
    if (seen.has(key)) yield fieldError.duplicate(`scheduling.tolerations[${i}]`, toleration);
    seen.add(key);
  }
}
