import type { KubeObject } from '../../api/object.ts';
import { textTable } from './text-table.ts';

/** A Table as the server prints it. Upstream: meta/v1.Table. */
export interface ServerTable {
  readonly kind: 'Table';
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly columnDefinitions: readonly { readonly name: string; readonly type: string; readonly priority: number }[];
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object?: KubeObject }[];
}

export interface TableOptions {
  readonly wide: boolean;
  readonly headers: boolean;
  readonly showNamespace: boolean;
  /** Put before names, `pod/`: where several kinds are shown. */
  readonly kindPrefix?: string;
  readonly showLabels: boolean;
  /** Label keys that get a column each. */
  readonly labelColumns: readonly string[];
}

/** The rows of a table as text cells, the header first when asked for. */
export function tableCells(table: ServerTable, options: TableOptions): string[][] {
  const columns = table.columnDefinitions.map((column, index) => ({ ...column, index })).filter((column) => options.wide || column.priority === 0);
  const lastPart = (key: string): string => key.slice(key.lastIndexOf('/') + 1).toUpperCase();
  const header = [
    ...(options.showNamespace ? ['NAMESPACE'] : []), ...columns.map((column) => column.name.toUpperCase()),
    ...options.labelColumns.map(lastPart), ...(options.showLabels ? ['LABELS'] : []),
  ];
  const rows = table.rows.map(({ cells, object }) => {
    const labels = object?.metadata?.labels ?? {};
    const text = columns.map((column) => cellText(cells[column.index]));
    if (options.kindPrefix && columns[0]?.name.toLowerCase() === 'name') text[0] = `${options.kindPrefix}/${text[0]}`;
    const all = Object.entries(labels).map(([key, value]) => `${key}=${value}`).toSorted().join(',');
    return [
      ...(options.showNamespace ? [object?.metadata?.namespace ?? ''] : []), ...text,
      ...options.labelColumns.map((key) => labels[key] ?? ''), ...(options.showLabels ? [all || '<none>'] : []),
    ];
  });
  return options.headers ? [header, ...rows] : rows;
}

export function printTable(table: ServerTable, options: TableOptions): string {
  return textTable(tableCells(table, options));
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '<unknown>';
  const text = typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
  // Only the first line, as kubectl cuts it.
  const cut = text.search(/[\f\n\r]/);
  return cut < 0 ? text : `${text.slice(0, cut)}...`;
}
