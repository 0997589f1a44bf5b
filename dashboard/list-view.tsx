import { signal, useComputed, type ReadonlySignal, type Signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import type { Row } from '../src/dashboard/rows/row.ts';
import { t } from './language.ts';
import { filter, go, namespace, open, opened } from './route.ts';
import { Empty } from './ui.tsx';
import { useWindow } from './window-of.ts';

export interface Column<R> {
  /** In English. */
  readonly label: string;
  /** For who points at it. */
  readonly about?: string;
  /** A track of a CSS grid: `minmax(10rem, 2fr)`. */
  readonly width: string;
  cell(row: R): ComponentChildren;
  /** What it is sorted by; absent: it is not. */
  key?(row: R): string | number;
}

export interface ListProps<R extends Row> {
  readonly label: string;
  readonly columns: readonly Column<R>[];
  /** All of them, in any order. */
  readonly rows: ReadonlySignal<readonly R[]>;
  /** The row kept current by itself; absent: rows are drawn as `rows` has them. */
  live?(id: string, row: R): ReadonlySignal<R> | undefined;
  pathOf(row: R): string | undefined;
  /** What the filter looks into. */
  text(row: R): string;
  readonly sortBy?: number;
  readonly descending?: boolean;
  readonly empty: ComponentChildren;
}

export const ROW_HEIGHT = 38;

/** Words of the filter that a text has none of exclude it. */
export function matches(text: string, words: readonly string[]): boolean {
  return words.every((word) => text.includes(word));
}

/** A table of any length, of which only what is in sight is drawn; each row redraws itself. */
export function ListView<R extends Row>(props: ListProps<R>): JSX.Element {
  const { columns, rows } = props;
  const sort = useMemo(() => signal({ column: props.sortBy ?? 0, descending: props.descending ?? false }), []);
  const active = useMemo(() => signal(-1), []);
  const last = useRef<readonly R[]>([]);
  const shown = useComputed(() => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = rows.value.filter(
      (row) =>
        (!namespace.value || !row.ns || row.ns === namespace.value)
        && (words.length === 0 || matches(props.text(row).toLowerCase(), words)),
    );
    const { column, descending } = sort.value;
    const key = columns[column]?.key ?? (({ id }: R) => id);
    const keyed = chosen.map((row) => [key(row), row] as const);
    keyed.sort(([a, rowA], [b, rowB]) => (a < b ? -1 : a > b ? 1 : rowA.id < rowB.id ? -1 : 1) * (descending ? -1 : 1));
    const next = keyed.map(([, row]) => row);
    // The same rows in the same order are the same list: what changed within them redraws itself.
    const same =
      props.live
      && next.length === last.current.length
      && next.every((row, i) => row.id === last.current[i]!.id && row.uid === last.current[i]!.uid);
    return same ? last.current : (last.current = next);
  });
  const list = shown.value;
  const area = useWindow(list.length, ROW_HEIGHT);
  const onKeyDown = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor((area.ref.current?.clientHeight ?? 400) / ROW_HEIGHT) - 2);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -list.length,
      End: list.length,
    };
    const step = steps[event.key];
    if (step !== undefined && list.length > 0) {
      event.preventDefault();
      active.value = Math.max(0, Math.min(list.length - 1, active.value + step));
      area.reveal(active.value);
    } else if (event.key === 'Enter' && event.target === event.currentTarget) {
      const path = list[active.value] && props.pathOf(list[active.value]!);
      if (path) open(path);
    }
  };
  const tracks = { gridTemplateColumns: columns.map(({ width }) => width).join(' ') };
  return (
    <div
      class="list"
      role="grid"
      aria-label={t(props.label)}
      aria-rowcount={list.length + 1}
      tabIndex={0}
      ref={area.ref}
      onScroll={area.onScroll}
      onKeyDown={onKeyDown}
      {...(active.value >= 0 && { 'aria-activedescendant': `row-${active.value}` })}
    >
      <div class="head" role="row" style={tracks}>
        {columns.map(({ label, key, about }, i) => {
          const sorted = sort.value.column === i && key !== undefined;
          return (
            <span
              role="columnheader"
              key={label}
              {...(about && { title: about })}
              {...(sorted && { 'aria-sort': sort.value.descending ? 'descending' : 'ascending' })}
            >
              {key ? (
                <button
                  type="button"
                  tabIndex={-1}
                  onClick={() => {
                    sort.value = { column: i, descending: sorted && !sort.value.descending };
                  }}
                >
                  {t(label)}
                  {sorted && <i class={sort.value.descending ? 'sorted down' : 'sorted'} />}
                </button>
              ) : (
                t(label)
              )}
            </span>
          );
        })}
      </div>
      <div class="rows" style={{ height: list.length * ROW_HEIGHT }} role="presentation">
        {list.slice(area.first, area.last).map((row, i) => (
          <ListRow
            key={row.id}
            index={area.first + i}
            row={row}
            columns={columns}
            tracks={tracks}
            active={active}
            live={props.live?.(row.id, row)}
            path={props.pathOf(row)}
          />
        ))}
      </div>
      {list.length === 0 && (
        <div role="row">
          <div role="gridcell">
            <Empty>
              {filter.value || (namespace.value && rows.value.length > 0) ? (
                <>
                  <p>{t('Nothing fits the filter.')}</p>
                  <button type="button" onClick={() => go({ params: { q: '', ns: '', show: '' } })}>
                    {t('Show all')}
                  </button>
                </>
              ) : (
                props.empty
              )}
            </Empty>
          </div>
        </div>
      )}
    </div>
  );
}

interface RowProps<R extends Row> {
  readonly index: number;
  readonly row: R;
  readonly columns: readonly Column<R>[];
  readonly tracks: { readonly gridTemplateColumns: string };
  readonly active: Signal<number>;
  readonly live: ReadonlySignal<R> | undefined;
  readonly path: string | undefined;
}

function ListRow<R extends Row>({ index, row, columns, tracks, active, live, path }: RowProps<R>): JSX.Element {
  const current = live ? live.value : row;
  const isActive = useComputed(() => active.value === index).value;
  const isOpen = useComputed(() => opened.value === path).value;
  const onClick = (event: MouseEvent): void => {
    active.value = index;
    // Links and buttons within do what they say.
    if ((event.target as Element).closest('a, button, input') || !path) return;
    open(path);
  };
  return (
    <div
      role="row"
      id={`row-${index}`}
      aria-rowindex={index + 2}
      aria-selected={isOpen}
      class={`row${isActive ? ' active' : ''}`}
      onClick={onClick}
      style={{ ...tracks, transform: `translateY(${index * ROW_HEIGHT}px)` }}
    >
      {columns.map(({ label, cell }) => (
        <span role="gridcell" key={label}>
          {cell(current)}
        </span>
      ))}
    </div>
  );
}
