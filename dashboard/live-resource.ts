// Any resource as the table that the server makes of it, kept current by a watch for as long as somebody looks.
import { signal, type ReadonlySignal } from '@preact/signals';
import type { Row } from '../src/dashboard/rows/row.ts';
import { ApiError, call, request, type Obj } from './api.ts';
import type { Served } from './discovery.ts';

export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly description?: string;
  readonly priority: number;
}

interface ApiTable {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly columnDefinitions?: readonly ColumnDefinition[] | null;
  readonly rows?: readonly { readonly cells: readonly unknown[]; readonly object: Pick<Obj, 'metadata'> }[] | null;
}

export interface TableRow extends Row {
  readonly cells: readonly string[];
  readonly path: string;
}

export interface LiveResource extends Disposable {
  readonly columns: ReadonlySignal<readonly ColumnDefinition[]>;
  readonly rows: ReadonlySignal<readonly TableRow[]>;
  /** Whether the first list is complete. */
  readonly complete: ReadonlySignal<boolean>;
  readonly fault: ReadonlySignal<string>;
}

const ACCEPT = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const CHUNK = 1000;
const PAUSE_MS = 2000;
/** What comes in a burst is drawn once. */
const TICK_MS = 80;

export function followResource(of: Served, namespace: string): LiveResource {
  const ending = new AbortController();
  const columns = signal<readonly ColumnDefinition[]>([]);
  const rows = signal<readonly TableRow[]>([]);
  const complete = signal(false);
  const fault = signal('');
  const known = new Map<string, TableRow>();
  let tick: ReturnType<typeof setTimeout> | undefined;
  const draw = (): void => {
    tick ??= setTimeout(() => {
      tick = undefined;
      rows.value = [...known.values()];
    }, TICK_MS);
  };
  const path = `${of.base}/${of.namespaced && namespace ? `namespaces/${namespace}/` : ''}${of.resource}`;

  const list = async (): Promise<string> => {
    const seen = new Set<string>();
    let next = '';
    let version = '';
    do {
      const query = new URLSearchParams({ limit: String(CHUNK), ...(next && { continue: next }) });
      const table = await call<ApiTable>('GET', `${path}?${query}`, { accept: ACCEPT, signal: ending.signal });
      if (table.columnDefinitions) columns.value = table.columnDefinitions;
      for (const row of rowsOf(table, of)) {
        known.set(row.id, row);
        seen.add(row.id);
      }
      next = table.metadata.continue ?? '';
      version = table.metadata.resourceVersion ?? '';
      draw();
    } while (next);
    for (const id of known.keys()) if (!seen.has(id)) known.delete(id);
    draw();
    complete.value = true;
    fault.value = '';
    return version;
  };
  const watch = async (version: string): Promise<void> => {
    const response = await request('GET', `${path}?${new URLSearchParams({ watch: 'true', resourceVersion: version })}`, {
      accept: ACCEPT,
      signal: ending.signal,
    });
    const decoder = new TextDecoder();
    const reader = response.body!.getReader();
    let rest = '';
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      const lines = (rest + decoder.decode(chunk.value, { stream: true })).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const { type, object } = JSON.parse(line) as { readonly type: string; readonly object: ApiTable };
        if (type === 'ERROR') return;
        for (const row of rowsOf(object, of)) {
          if (type === 'DELETED') known.delete(row.id);
          else if (type !== 'BOOKMARK') known.set(row.id, row);
        }
        draw();
      }
    }
  };
  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      try {
        const version = await list();
        if (!of.watched) return;
        await watch(version);
      } catch (error) {
        if (ending.signal.aborted) return;
        fault.value = (error as Error).message;
        if (error instanceof ApiError && error.code >= 400 && error.code < 500 && error.code !== 410 && error.code !== 429) return;
        await new Promise((resolve) => {
          setTimeout(resolve, PAUSE_MS);
        });
      }
    }
  };
  void run();
  return {
    columns,
    rows,
    complete,
    fault,
    [Symbol.dispose]: () => {
      ending.abort();
      clearTimeout(tick);
    },
  };
}

function rowsOf({ rows }: ApiTable, of: Served): readonly TableRow[] {
  return (rows ?? []).map(({ cells, object: { metadata } }) => {
    const { namespace: ns, name, uid, resourceVersion: rv, creationTimestamp } = metadata;
    const words = cells.map((cell) => (typeof cell === 'object' && cell !== null ? JSON.stringify(cell) : String(cell ?? '')));
    return {
      id: ns ? `${ns}/${name}` : name,
      ...(ns && { ns }),
      name,
      uid,
      rv,
      born: Date.parse(creationTimestamp),
      cells: words,
      path: `${of.base}/${ns ? `namespaces/${ns}/` : ''}${of.resource}/${name}`,
    };
  });
}
