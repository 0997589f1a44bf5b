import type { ResourceType } from '../api/object.ts';
import { keyOf, type KubeObject } from '../api/object.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createInformerFactory } from '../client/informer-factory.ts';
import type { InformerFactory } from '../client/informer.ts';
import { followedTables } from './followed-tables.ts';
import { observedClient } from './observed-client.ts';
import type { TableName } from './rows/row.ts';

export const tableNames = Object.keys(followedTables) as TableName[];

/** Hears which rows changed; what they are now is asked of the tables when it is time to tell. */
export interface TableListener {
  changed(table: TableName, id: string): void;
  /** A table was completed, or cannot be followed, or can again. */
  stateChanged(table: TableName): void;
}

/** Rows of everything that is followed, as JSON text: made once a change, for however many pages. */
export class LiveTables implements AsyncDisposable {
  readonly #rows = new Map<TableName, Map<string, string>>(tableNames.map((name) => [name, new Map()]));
  readonly #problems = new Map<TableName, string>();
  readonly #synced = new Set<TableName>();
  readonly #listeners = new Set<TableListener>();
  readonly #informers: InformerFactory;
  readonly #ending = new AbortController();

  constructor({
    client,
    clock,
    random,
    log,
  }: {
    readonly client: Client;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Log;
  }) {
    const observed = observedClient(client, (resource, problem) => this.#setProblem(resource, problem));
    this.#informers = createInformerFactory({ client: observed, clock, random, log });
    for (const name of tableNames) {
      const { resource, row } = followedTables[name];
      const rows = this.#rows.get(name)!;
      const put = (object: KubeObject): void => {
        const id = keyOf(object);
        const text = JSON.stringify(row(object));
        if (rows.get(id) === text) return;
        rows.set(id, text);
        this.#tell((listener) => listener.changed(name, id));
      };
      const informer = this.#informers.informer(resource);
      informer.subscribe({
        add: put,
        update: (_previous, object) => put(object),
        delete: (object) => {
          rows.delete(keyOf(object));
          this.#tell((listener) => listener.changed(name, keyOf(object)));
        },
      });
      void informer.untilSynced(this.#ending.signal).then(
        () => {
          this.#synced.add(name);
          this.#tell((listener) => listener.stateChanged(name));
        },
        () => {
          /* Ended before it was complete. */
        },
      );
    }
  }

  rows(table: TableName): ReadonlyMap<string, string> {
    return this.#rows.get(table)!;
  }

  isSynced(table: TableName): boolean {
    return this.#synced.has(table);
  }

  problem(table: TableName): string | undefined {
    return this.#problems.get(table);
  }

  subscribe(listener: TableListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error('the dashboard is ending'));
    await this.#informers[Symbol.asyncDispose]();
  }

  #setProblem({ resource }: ResourceType<unknown>, problem: string | undefined): void {
    const name = resource as TableName;
    if (this.#ending.signal.aborted || this.#problems.get(name) === problem) return;
    if (problem === undefined) this.#problems.delete(name);
    else this.#problems.set(name, problem);
    this.#tell((listener) => listener.stateChanged(name));
  }

  #tell(call: (listener: TableListener) => void): void {
    for (const listener of this.#listeners) call(listener);
  }
}
