import { useSignal, useComputed } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { Row } from '../../src/dashboard/rows/row.ts';
import { call, type Obj } from '../api.ts';
import { discover, type Served } from '../discovery.ts';
import { ListView, type Column } from '../list-view.tsx';
import { go, namespace, resourcePath } from '../route.ts';

interface ApiTable {
  readonly columnDefinitions: readonly { readonly name: string; readonly type: string; readonly priority: number }[];
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: Pick<Obj, 'metadata'> }[];
}

interface TableRow extends Row {
  readonly cells: readonly string[];
  readonly path: string;
}

/** Any resource, in the columns that the server says it has. */
export function EverythingView(): JSX.Element {
  const served = useSignal<readonly Served[]>([]);
  const fault = useSignal('');
  useEffect(() => {
    discover().then((found) => { served.value = found.filter(({ preferred }) => preferred); }, (error: Error) => { fault.value = error.message; });
  }, []);
  const chosen = served.value.find(({ base, resource }) => `${base}/${resource}` === resourcePath.value) ?? served.value.find(({ kind }) => kind === 'ConfigMap');
  return <>
    <div class="chips">
      <label>Kind <select value={chosen ? `${chosen.base}/${chosen.resource}` : ''} onChange={(event) => go({ params: { of: event.currentTarget.value } })}>
        {served.value.map(({ base, resource, kind, group }) => <option key={`${base}/${resource}`} value={`${base}/${resource}`}>{kind}{group && ` · ${group}`}</option>)}
      </select></label>
    </div>
    {fault.value && <p class="banner" role="alert">{fault.value}</p>}
    {chosen && <Resource key={`${chosen.base}/${chosen.resource}/${namespace.value}`} of={chosen} />}
  </>;
}

function Resource({ of }: { readonly of: Served }): JSX.Element {
  const table = useSignal<ApiTable | undefined>(undefined);
  const fault = useSignal('');
  const turn = useSignal(0);
  const again = turn.value;
  useEffect(() => {
    const ending = new AbortController();
    const where = of.namespaced && namespace.value ? `namespaces/${namespace.value}/` : '';
    call<ApiTable>('GET', `${of.base}/${where}${of.resource}`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io', signal: ending.signal })
      .then((answer) => { table.value = answer; }, (error: Error) => { if (!ending.signal.aborted) fault.value = error.message; });
    return () => ending.abort();
  }, [again]);
  const rows = useComputed((): readonly TableRow[] => (table.value?.rows ?? []).map(({ cells, object: { metadata } }) => {
    const { namespace: ns, name, uid, resourceVersion: rv, creationTimestamp } = metadata;
    const words = cells.map((cell) => (typeof cell === 'object' && cell !== null ? JSON.stringify(cell) : String(cell ?? '')));
    const path = `${of.base}/${ns ? `namespaces/${ns}/` : ''}${of.resource}/${name}`;
    return { id: ns ? `${ns}/${name}` : name, ...(ns && { ns }), name, uid, rv, born: Date.parse(creationTimestamp), cells: words, path };
  }));
  const definitions = table.value?.columnDefinitions;
  const columns = useMemo((): readonly Column<TableRow>[] => {
    const shown = (definitions ?? []).map((definition, at) => ({ ...definition, at })).filter(({ priority }) => priority === 0);
    const cells = shown.map(({ name, at, type }): Column<TableRow> => ({
      label: name, width: at === 0 ? 'minmax(12rem, 2fr)' : 'minmax(6rem, 1fr)', cell: (row) => <span title={row.cells[at]}>{at === 0 ? <b>{row.cells[at]}</b> : row.cells[at]}</span>,
      key: (row) => (name === 'Age' ? -row.born : type === 'integer' ? Number(row.cells[at]) : (row.cells[at] ?? '')),
    }));
    const ns: Column<TableRow> = { label: 'Namespace', width: 'minmax(6rem, 1fr)', cell: (row) => row.ns, key: (row) => row.ns ?? '' };
    return of.namespaced ? [...cells.slice(0, 1), ns, ...cells.slice(1)] : cells;
  }, [definitions]);
  if (fault.value) return <p class="banner" role="alert">{fault.value}</p>;
  return <>
    <p class="quiet reload">{table.value ? `${table.value.rows.length} of kind ${of.kind}, as of the last look. ` : 'Looking… '}<button type="button" onClick={() => { turn.value++; }}>Look again</button></p>
    {definitions && <ListView label={of.kind} rows={rows} columns={columns} pathOf={({ path }) => path} text={({ ns, cells }) => `${ns ?? ''} ${cells.join(' ')}`} empty="There is none." />}
  </>;
}
