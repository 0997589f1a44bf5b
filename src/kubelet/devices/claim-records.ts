import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { PreparedDevice } from './dra-drivers.ts';

/** A claim that pods of this node use, from before its devices are prepared until they are unprepared. */
export interface ClaimRecord {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly pods: readonly string[];
  /** All drivers that the claim is of; none has devices before it has prepared them. */
  readonly drivers: Readonly<Record<string, readonly PreparedDevice[]>>;
}

/** The records of a node's claims, kept in a file: a kubelet that is killed between two calls must know what it has to take back. */
export class ClaimRecords {
  readonly #path: string;
  readonly #records = new Map<string, ClaimRecord>();

  /** Throws where the file is not what this class wrote: it must not be passed over that devices are prepared. */
  constructor(path: string) {
    this.#path = path;
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    for (const record of JSON.parse(text) as readonly ClaimRecord[]) this.#records.set(`${record.namespace}/${record.name}`, record);
  }

  get(namespace: string, name: string): ClaimRecord | undefined {
    return this.#records.get(`${namespace}/${name}`);
  }

  list(): readonly ClaimRecord[] {
    return [...this.#records.values()];
  }

  /** All at once, and on disk when this returns. */
  set(records: readonly ClaimRecord[]): void {
    for (const record of records) this.#records.set(`${record.namespace}/${record.name}`, record);
    this.#save();
  }

  delete(records: readonly ClaimRecord[]): void {
    for (const { namespace, name } of records) this.#records.delete(`${namespace}/${name}`);
    this.#save();
  }

  #save(): void {
    const next = `${this.#path}.tmp`;
    writeFileSync(next, JSON.stringify(this.list()), { mode: 0o600 });
    renameSync(next, this.#path);
  }
}
