import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterTurn } from '../../base/turn.ts';
import type { Log } from '../../base/log.ts';
import type { AuditSink } from './auditor.ts';

export interface AuditLogOptions {
  readonly path: string;
  readonly log: Log;
  /** Bytes at which a new file is begun. Default 100 MiB. */
  readonly maxBytes?: number;
  /** How many old files are kept, `PATH.1` the newest. Default 10. */
  readonly maxBackups?: number;
}

/**
 * Events as lines of a file. Those of one turn are written together, before the answers of the next turn: a process that is killed loses at most
 * the events of the turn it is in.
 */
export class AuditLog implements AuditSink, Disposable {
  readonly #options: Required<AuditLogOptions>;
  #file: number;
  #size: number;
  #waiting: string[] = [];

  constructor(options: AuditLogOptions) {
    this.#options = { maxBytes: 100 * 1024 * 1024, maxBackups: 10, ...options };
    mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 });
    this.#file = this.#open();
    this.#size = fstatSync(this.#file).size;
  }

  write(line: string): void {
    if (this.#waiting.length === 0) afterTurn(() => this.#flush());
    this.#waiting.push(line);
  }

  #flush(): void {
    if (this.#waiting.length === 0 || this.#file < 0) return;
    const bytes = Buffer.from(`${this.#waiting.join('\n')}\n`);
    this.#waiting = [];
    try {
      if (this.#size > 0 && this.#size + bytes.length > this.#options.maxBytes) this.#rotate();
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at);
      this.#size += bytes.length;
    } catch (error) {
      // A full disk must not stop the server: upstream's log backend goes on as well.
      this.#options.log.error('audit events lost', { error });
    }
  }

  #rotate(): void {
    const { path, maxBackups } = this.#options;
    closeSync(this.#file);
    rmSync(`${path}.${maxBackups}`, { force: true });
    for (let n = maxBackups - 1; n >= 1; n--) if (existsSync(`${path}.${n}`)) renameSync(`${path}.${n}`, `${path}.${n + 1}`);
    renameSync(path, `${path}.1`);
    this.#file = this.#open();
    this.#size = 0;
  }

  #open(): number {
    return openSync(this.#options.path, 'a', 0o600);
  }

  [Symbol.dispose](): void {
    this.#flush();
    closeSync(this.#file);
    this.#file = -1;
  }
}
