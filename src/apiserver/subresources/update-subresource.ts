import type { FieldError } from '../../api/errors.ts';
import type { StrategyContext } from '../../api/kind.ts';
import type { KubeObject } from '../../api/object.ts';

/**
 * A subresource through which a part of a stored object is read and written (GET, PUT, PATCH of the whole object). The store uses it in
 * place of the kind's own strategy when `update` is called with its name: no other prepare or validate function is called.
 */
export interface UpdateSubresource<T extends KubeObject = KubeObject> {
  readonly resource: { readonly group: string; readonly resource: string };
  readonly subresource: string;
  /** The object to store: `next` may be anything that the client sent, `previous` is what is stored. */
  prepare(next: T, previous: T, context: StrategyContext): T;
  validate?(next: T, previous: T): readonly FieldError[];
  /** The generation stays though the spec changes. */
  readonly keepsGeneration?: boolean;
  /** Whether the kind's `validate` of the whole object is called too. */
  readonly validatesWhole?: boolean;
}
