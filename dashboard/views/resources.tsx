import { useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { discover, type Served } from '../discovery.ts';
import { many, t } from '../language.ts';
import { ListView, type Column } from '../list-view.tsx';
import { followResource, type TableRow } from '../live-resource.ts';
import { go, namespace, resourcePath } from '../route.ts';
import { Command } from '../ui.tsx';

const FAMILIES: readonly (readonly [string, (of: Served) => boolean])[] = [
  [
    'Workloads',
    ({ group, kind }) =>
      group === 'apps' || group === 'batch' || group === 'autoscaling' || ['Pod', 'ReplicationController', 'PodTemplate'].includes(kind),
  ],
  [
    'Configuration',
    ({ kind }) =>
      ['ConfigMap', 'Secret', 'Namespace', 'ResourceQuota', 'LimitRange', 'PriorityClass', 'PodDisruptionBudget', 'RuntimeClass'].includes(
        kind,
      ),
  ],
  [
    'Network',
    ({ group, kind }) => group === 'networking.k8s.io' || group === 'discovery.k8s.io' || ['Service', 'Endpoints'].includes(kind),
  ],
  ['Storage', ({ group, kind }) => group === 'storage.k8s.io' || kind.startsWith('PersistentVolume')],
  ['Rights', ({ group, kind }) => group === 'rbac.authorization.k8s.io' || group === 'certificates.k8s.io' || kind === 'ServiceAccount'],
  ['Custom', ({ group }) => group.includes('.') && !group.endsWith('.k8s.io')],
  ['Of the cluster', () => true],
];
const keyOf = ({ base, resource }: Served): string => `${base}/${resource}`;

/** Any resource, in the columns that the server says it has, as it is now. */
export function ResourcesView(): JSX.Element {
  const served = useSignal<readonly Served[]>([]);
  const fault = useSignal('');
  useEffect(() => {
    discover().then(
      (found) => {
        served.value = found;
      },
      (error: Error) => {
        fault.value = error.message;
      },
    );
  }, []);
  const offered = served.value.filter(({ preferred }) => preferred);
  const chosen = served.value.find((each) => keyOf(each) === resourcePath.value) ?? offered.find(({ kind }) => kind === 'ConfigMap');
  const families = new Map<string, Served[]>(FAMILIES.map(([name]) => [name, []]));
  for (const each of offered) families.get(FAMILIES.find(([, fits]) => fits(each))![0])!.push(each);
  return (
    <>
      {fault.value && (
        <p class="banner" role="alert">
          {fault.value}
        </p>
      )}
      <div class="resources">
        <nav class="kinds" aria-label={t('Kinds')} tabIndex={0}>
          {[...families]
            .filter(([, kinds]) => kinds.length > 0)
            .map(([name, kinds]) => (
              <section key={name}>
                <h3>{t(name)}</h3>
                <ul>
                  {kinds.map((each) => (
                    <li key={keyOf(each)}>
                      <a
                        href={`#/resources?of=${keyOf(each)}${namespace.value ? `&ns=${namespace.value}` : ''}`}
                        title={`${each.resource}.${each.group || 'core'}`}
                        {...(each === chosen && { 'aria-current': 'page' as const })}
                      >
                        {each.kind}
                      </a>
                    </li>
                  ))}
                </ul>
              </section>
            ))}
        </nav>
        <label class="kinds-short">
          {t('Kind')}{' '}
          <select value={chosen ? keyOf(chosen) : ''} onChange={(event) => go({ params: { of: event.currentTarget.value } })}>
            {offered.map((each) => (
              <option key={keyOf(each)} value={keyOf(each)}>
                {each.kind}
                {each.group && ` · ${each.group}`}
              </option>
            ))}
          </select>
        </label>
        {chosen && <Resource key={`${keyOf(chosen)} ${namespace.value}`} of={chosen} />}
      </div>
    </>
  );
}

function Resource({ of }: { readonly of: Served }): JSX.Element {
  const live = useMemo(() => followResource(of, namespace.peek()), []);
  useEffect(() => () => live[Symbol.dispose](), []);
  const wide = useSignal(false);
  const all = wide.value;
  const columns = useComputed((): readonly Column<TableRow>[] => {
    const cells = live.columns.value
      .map((definition, at) => ({ ...definition, at }))
      .filter(({ priority }) => priority === 0 || wide.value)
      .map(({ name, at, type, description }): Column<TableRow> => ({
        label: name,
        width: at === 0 ? 'minmax(12rem, 2fr)' : 'minmax(6rem, 1fr)',
        ...(description && { about: description }),
        cell: (row) => <span title={row.cells[at]}>{at === 0 ? <b>{row.cells[at]}</b> : row.cells[at]}</span>,
        key: (row) => (name === 'Age' ? -row.born : type === 'integer' ? Number(row.cells[at]) : (row.cells[at] ?? '')),
      }));
    const ns: Column<TableRow> = { label: 'Namespace', width: 'minmax(6rem, 1fr)', cell: (row) => row.ns, key: (row) => row.ns ?? '' };
    return of.namespaced ? [...cells.slice(0, 1), ns, ...cells.slice(1)] : cells;
  });
  const more = live.columns.value.some(({ priority }) => priority > 0);
  return (
    <div class="resource">
      <div class="tools">
        <b>{of.kind}</b>{' '}
        <span class="quiet">
          {of.group || 'core'}/{of.base.split('/').at(-1)}
        </span>
        <span class="quiet" role="status">
          {live.complete.value ? many(live.rows.value.length, 'one', '{n} of them') : t('Looking…')}
        </span>
        {more && (
          <label>
            <input
              type="checkbox"
              checked={all}
              onChange={(event) => {
                wide.value = event.currentTarget.checked;
              }}
            />
            {t('All columns')}
          </label>
        )}
      </div>
      {live.fault.value && (
        <p class="banner" role="alert">
          {live.fault.value}
        </p>
      )}
      {columns.value.length > 0 && (
        <ListView
          key={String(all)}
          label={of.kind}
          rows={live.rows}
          columns={columns.value}
          pathOf={({ path }) => path}
          text={({ ns, cells }) => `${ns ?? ''} ${cells.join(' ')}`}
          empty={
            live.complete.value ? (
              <>
                <p>{t('There is none. What it is for:')}</p>
                <Command text={`kubectl explain ${of.resource}`} />
              </>
            ) : (
              t('Looking…')
            )
          }
        />
      )}
    </div>
  );
}
