import type { KindDefinition } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { isSame } from '../validation/same.ts';

/** The members of a kind without a status whose generation counts changes of the spec all the same. */
export function withCountedSpec<T extends KubeObject & { readonly spec?: unknown }>(): Pick<KindDefinition<T>, 'prepareForCreate' | 'prepareForUpdate' | 'generation'> {
  return {
    generation: false,
    prepareForCreate: (object) => ({ ...object, metadata: { ...object.metadata, generation: 1 } }),
    prepareForUpdate: (next, previous) => {
      const before = previous.metadata.generation ?? 0;
      return { ...next, metadata: { ...next.metadata, generation: isSame(next.spec, previous.spec) ? before : before + 1 } };
    },
  };
}
