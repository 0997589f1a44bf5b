import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Obj } from '../api.ts';
import { dependentsOf, type Dependent } from '../dependents.ts';
import { t } from '../language.ts';
import { ObjectLink } from '../ui.tsx';

const MOST = 60;
/** They own nothing, or what they own is told of otherwise; asking would cost a list of every kind. */
const CHILDLESS = new Set([
  'Pod',
  'Event',
  'ConfigMap',
  'Secret',
  'EndpointSlice',
  'Endpoints',
  'Namespace',
  'Lease',
  'ServiceAccount',
  'Node',
  'ControllerRevision',
]);

/** What belongs to an object, as a tree. */
export function Owned({ object }: { readonly object: Obj }): JSX.Element | null {
  const found = useSignal<readonly Dependent[]>([]);
  useEffect(() => {
    if (CHILDLESS.has(object.kind)) return;
    const ending = new AbortController();
    dependentsOf(object, ending.signal).then(
      (all) => {
        found.value = all;
      },
      (error: Error) => {
        if (!ending.signal.aborted) console.warn(error.message);
      },
    );
    return () => ending.abort();
  }, [object.metadata.uid, object.metadata.resourceVersion]);
  // Pods have a list of their own.
  const shown = found.value.filter(({ kind }) => kind !== 'Pod');
  if (shown.length === 0) return null;
  return (
    <section>
      <h3>{t('Belongs to it')}</h3>
      <ul class="plain-list">
        {shown.slice(0, MOST).map(({ path, kind, name, depth }) => (
          <li key={path} style={{ paddingLeft: `${depth * 14}px` }}>
            <ObjectLink path={path}>{name}</ObjectLink>
            <span class="quiet">{kind}</span>
          </li>
        ))}
        {shown.length > MOST && <li class="quiet">{t('and {n} more', { n: shown.length - MOST })}</li>}
      </ul>
    </section>
  );
}
