import type { WebSocket } from 'ws';
import type { Clock } from '../base/clock.ts';
import { tableNames, type LiveTables, type TableListener } from './live-tables.ts';
import type { Frame, TableName, Usage } from './rows/row.ts';

/** Changes are gathered for so long: fast enough to look immediate, slow enough that a scale-out of thousands is some dozens of frames. */
export const TICK_MS = 60;
/** A page that has not taken so much yet gets nothing more; when it comes back it gets what is, not what was. */
const MOST_BUFFERED = 4 << 20;

/**
 * One page's live connection. It remembers only which rows changed since the last frame, and reads at the time of the frame what they are now: however slow a page is and
 * however much happens, what waits for it is never more than the tables themselves.
 */
export class LiveConnection implements TableListener, Disposable {
  readonly #socket: WebSocket;
  readonly #tables: LiveTables;
  readonly #clock: Pick<Clock, 'timer'>;
  readonly #changed = new Map<TableName, Set<string>>();
  readonly #states = new Set<TableName>(tableNames);
  #usage: Usage | null | undefined;
  #timer: Disposable | undefined;
  readonly #subscription: Disposable;

  constructor({
    socket,
    tables,
    clock,
    hello,
  }: {
    readonly socket: WebSocket;
    readonly tables: LiveTables;
    readonly clock: Pick<Clock, 'timer'>;
    readonly hello: NonNullable<Frame['hello']>;
  }) {
    this.#socket = socket;
    this.#tables = tables;
    this.#clock = clock;
    socket.send(JSON.stringify({ hello } satisfies Frame));
    for (const table of tableNames) this.#changed.set(table, new Set(tables.rows(table).keys()));
    this.#subscription = tables.subscribe(this);
    this.#flush();
  }

  changed(table: TableName, id: string): void {
    this.#changed.get(table)!.add(id);
    this.#schedule();
  }

  stateChanged(table: TableName): void {
    this.#states.add(table);
    this.#schedule();
  }

  /** Null: nobody measures in this cluster. */
  measured(usage: Usage | null): void {
    this.#usage = usage;
    this.#schedule();
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer ??= this.#clock.timer(TICK_MS, () => {
      this.#timer = undefined;
      if (this.#socket.bufferedAmount > MOST_BUFFERED) return this.#schedule();
      this.#flush();
    });
  }

  /** Rows are text already: the frame is put together without parsing them. */
  #flush(): void {
    const puts: string[] = [];
    const drops: Record<string, string[]> = {};
    for (const [table, ids] of this.#changed) {
      if (ids.size === 0) continue;
      const rows = this.#tables.rows(table);
      const put: string[] = [];
      for (const id of ids) {
        const row = rows.get(id);
        if (row === undefined) (drops[table] ??= []).push(id);
        else put.push(row);
      }
      ids.clear();
      if (put.length > 0) puts.push(`"${table}":[${put.join(',')}]`);
    }
    const rest: Frame = {
      ...(Object.keys(drops).length > 0 && { drop: drops }),
      ...(this.#states.size > 0 && {
        synced: [...this.#states].filter((table) => this.#tables.isSynced(table)),
        problems: Object.fromEntries([...this.#states].map((table) => [table, this.#tables.problem(table) ?? null])),
      }),
      ...(this.#usage !== undefined && { usage: this.#usage }),
    };
    this.#states.clear();
    this.#usage = undefined;
    const text = JSON.stringify(rest);
    if (puts.length > 0) this.#socket.send(`{"put":{${puts.join(',')}}${text === '{}' ? '' : `,${text.slice(1, -1)}`}}`);
    else if (text !== '{}') this.#socket.send(text);
  }
}
