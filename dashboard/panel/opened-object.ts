import { effect, signal } from '@preact/signals';
import type { Row, TableName } from '../../src/dashboard/rows/row.ts';
import { ApiError, call, parsePath, type Obj } from '../api.ts';
import { opened } from '../route.ts';
import { tables, type Table } from '../store.ts';

/** The object in the panel; undefined while it is fetched. */
export const object = signal<Obj | undefined>(undefined);
export const fault = signal<{ readonly gone: boolean; readonly text: string } | undefined>(undefined);

/** The row of a path, and its table where that is followed. */
function rowOf(path: string): { readonly row?: Row | undefined; readonly table?: Table<Row> | undefined } {
  const { resource, ns, name } = parsePath(path);
  const table = tables[resource as TableName] as unknown as Table<Row> | undefined;
  return { table, row: table?.get(ns ? `${ns}/${name}` : name) };
}

let fetched = '';
/** Called off when what it fetches is no longer what is wanted. */
let fetching = new AbortController();
effect(() => {
  const path = opened.value.startsWith('/') ? opened.value : '';
  const { row, table } = path ? rowOf(path) : {};
  const state = `${path} ${row?.rv ?? ''}`;
  if (state === fetched) return;
  const isGone = !row && table?.synced.peek() === true && fetched.startsWith(`${path} `);
  if (!fetched.startsWith(`${path} `)) {
    object.value = undefined;
    fault.value = undefined;
  }
  fetched = state;
  fetching.abort();
  // Its row went: asking for it would only tell what is known.
  if (isGone) fault.value = { gone: true, text: '' };
  else if (path) void fetchObject(path, state);
});

async function fetchObject(path: string, state: string): Promise<void> {
  fetching = new AbortController();
  try {
    const fresh = await call('GET', path, { signal: fetching.signal });
    if (fetched !== state) return;
    object.value = fresh;
    fault.value = undefined;
  } catch (error) {
    if (fetched === state) fault.value = { gone: error instanceof ApiError && error.code === 404, text: (error as Error).message };
  }
}

/** After a change of our own to what is not followed. */
export function refetch(): void {
  void fetchObject(opened.value, fetched);
}
