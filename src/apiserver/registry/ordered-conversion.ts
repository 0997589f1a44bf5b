import { internalError, StatusError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import type { WatchEvent } from '../../client/client.ts';
import type { WatchSink } from './watch-sink.ts';
import type { StoredForm } from './stored-form.ts';

/** Events to be made of stored objects once these are known as the watcher's version shows them. */
interface Batch {
  readonly objects: readonly KubeObject[];
  events(shown: readonly KubeObject[]): readonly WatchEvent<KubeObject>[];
}

/**
 * Keeps the order of a watch whose objects have to be converted: what needs no asking goes through at once, what comes while a webhook is being
 * asked waits and is asked about in one go afterwards. A conversion that fails ends the watch with the fault, so that the client lists again.
 */
export class OrderedConversion implements Disposable {
  readonly #form: StoredForm;
  readonly #sink: WatchSink;
  #waiting: Batch[] = [];
  #asking = false;
  #over = false;

  constructor(form: StoredForm, sink: WatchSink) {
    this.#form = form;
    this.#sink = sink;
  }

  push(batch: Batch): void {
    this.#waiting.push(batch);
    if (!this.#asking) this.#next();
  }

  #next(): void {
    while (this.#waiting.length > 0 && !this.#over) {
      const batches = this.#waiting;
      this.#waiting = [];
      let shown: ReturnType<StoredForm['shown']>;
      try {
        shown = this.#form.shown(batches.flatMap(({ objects }) => objects));
      } catch (error) {
        return this.#fail(error);
      }
      if (shown instanceof Promise) {
        this.#asking = true;
        shown.then((answer) => {
          this.#asking = false;
          this.#deliver(batches, answer);
          this.#next();
        }).catch((error: unknown) => this.#fail(error));
        return;
      }
      this.#deliver(batches, shown);
    }
  }

  #deliver(batches: readonly Batch[], shown: readonly KubeObject[]): void {
    let at = 0;
    for (const batch of batches) {
      const events = batch.events(shown.slice(at, (at += batch.objects.length)));
      if (events.length > 0 && !this.#over) this.#sink.events(events);
    }
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink.end(error instanceof StatusError ? error : internalError(error));
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#waiting = [];
  }
}
