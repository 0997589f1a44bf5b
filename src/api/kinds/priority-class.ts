/** Upstream: pkg/registry/scheduling/priorityclass/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { PriorityClass } from '../generated/scheduling-v1.ts';
import { priorityClasses } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { immutable, oneOf, type FieldErrors } from '../validation/fields.ts';
import { fillAbsent } from './fill.ts';
import { ageColumn, boolean, integer, nameColumn, text } from './table-columns.ts';

const highestOfUsers = 1_000_000_000;

/** The classes of Kubernetes itself. */
export const systemPriorities: Readonly<Record<string, number>> = { 'system-node-critical': 2_000_001_000, 'system-cluster-critical': 2_000_000_000 };

export const priorityClass: KindDefinition<PriorityClass> = {
  resource: priorityClasses,
  defaults: (object) => fillAbsent(object, { preemptionPolicy: 'PreemptLowerPriority' }),
  prepareForCreate: (object) => ({ ...object, metadata: { ...object.metadata, generation: 1 } }),
  validate: (object) => [...classErrors(object)],
  validateUpdate: (next, previous) => [
    ...(next.value === previous.value ? [] : [fieldError.forbidden('value', 'may not be changed in an update.')]),
    ...immutable('preemptionPolicy', next.preemptionPolicy, previous.preemptionPolicy),
  ],
  columns: [
    nameColumn,
    integer('Value', 'The priority of pods of the class.', (object) => object.value ?? 0),
    boolean('Global-Default', 'Whether pods without a class are of this one.', (object) => object.globalDefault ?? false),
    ageColumn,
    text('PreemptionPolicy', 'Whether pods of the class may push others out.', (object) => object.preemptionPolicy ?? ''),
  ],
};

function* classErrors({ metadata, value = 0, globalDefault, preemptionPolicy }: PriorityClass): FieldErrors {
  if (metadata.name.startsWith('system-')) {
    const wrong = systemFault(metadata.name, value, globalDefault ?? false);
    if (wrong) yield fieldError.forbidden('metadata.name', `priority class names with 'system-' prefix are reserved for system use only. error: ${wrong}`);
  } else if (value > highestOfUsers) {
    yield fieldError.forbidden('value', `maximum allowed value of a user defined priority is ${highestOfUsers}`);
  }
  if (preemptionPolicy !== undefined) yield* oneOf('preemptionPolicy', preemptionPolicy, ['PreemptLowerPriority', 'Never']);
}

function systemFault(name: string, value: number, globalDefault: boolean): string | undefined {
  const expected = systemPriorities[name];
  if (expected === undefined) return `${name} is not a known system priority class`;
  if (value !== expected) return `value of ${name} PriorityClass must be ${expected}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}
