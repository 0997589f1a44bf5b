import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Obj } from '../api.ts';
import { contentsOf, dependentsOf } from '../dependents.ts';
import { groupBy } from '../store.ts';
import { many, t } from '../language.ts';

interface Group {
  readonly kind: string;
  readonly count: number;
  readonly names: string;
}

/** What goes with an object when it is deleted, by owner references; of a namespace, everything in it. */
export function DeletePreview({ object }: { readonly object: Obj }): JSX.Element {
  const groups = useSignal<readonly Group[] | undefined>(undefined);
  const fault = useSignal('');
  useEffect(() => {
    const ending = new AbortController();
    const look = async (): Promise<readonly Group[]> => {
      if (object.kind === 'Namespace') return (await contentsOf(object.metadata.name)).map((each) => ({ ...each, names: '' }));
      const all = await dependentsOf(object, ending.signal);
      return [...groupBy(all, ({ kind }) => kind)].map(([kind, of]) => ({
        kind,
        count: of.length,
        names:
          of
            .slice(0, 3)
            .map(({ name }) => name)
            .join(', ') + (of.length > 3 ? ' …' : ''),
      }));
    };
    look().then(
      (found) => {
        groups.value = found;
      },
      (error: Error) => {
        if (!ending.signal.aborted) fault.value = error.message;
      },
    );
    return () => ending.abort();
  }, []);
  const controlled = object.metadata.ownerReferences?.find(({ controller }) => controller);
  return (
    <div class="preview" role="status">
      {controlled && <p>{t('It belongs to {kind} {name}, which will replace it.', { kind: controlled.kind, name: controlled.name })}</p>}
      {fault.value && <p>{fault.value}</p>}
      {!groups.value ? (
        !fault.value && <p class="quiet">{t('Looking for what goes with it…')}</p>
      ) : groups.value.length === 0 ? (
        <p class="quiet">{t('Nothing else goes with it.')}</p>
      ) : (
        <>
          <p>{t('This goes with it:')}</p>
          <ul>
            {groups.value.map(({ kind, count, names }) => (
              <li key={kind}>
                <b>{many(count, 'one {kind}', '{n} × {kind}').replace('{kind}', kind)}</b> <span class="quiet">{names}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
