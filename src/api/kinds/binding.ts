/** Upstream: pkg/apis/core/validation ValidatePodBinding. */
import type { KindDefinition } from '../kind.ts';
import type { Binding } from '../generated/core-v1.ts';
import { bindings } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import type { FieldErrors } from '../validation/fields.ts';

export const binding: KindDefinition<Binding> = {
  resource: bindings,
  validate: (object) => [...targetErrors(object.target ?? {})],
};

function* targetErrors({ kind, name }: Binding['target']): FieldErrors {
  if (kind && kind !== 'Node') yield fieldError.notSupported('target.kind', kind, ['Node', '<empty>']);
  if (!name) yield fieldError.required('target.name');
}
