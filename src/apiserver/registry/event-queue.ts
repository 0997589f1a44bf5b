import type { StatusError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import type { WatchEvent } from '../../client/client.ts';
import type { WatchSink } from './watch-sink.ts';

/** A sink that is read as an async iteration. Ends with the watch, on `signal`, and when the reader stops. One reader. */
export class EventQueue<T extends KubeObject> implements WatchSink<T>, AsyncIterable<WatchEvent<T>> {
  #waiting: WatchEvent<T>[] = [];
  #at = 0;
  #ended = false;
  #fault: StatusError | undefined;
  #wake: (() => void) | undefined;
  #stop: (() => void) | undefined;

  events(batch: readonly WatchEvent<T>[]): void {
    if (this.#ended) return;
    for (const event of batch) this.#waiting.push(event);
    this.#wake?.();
  }

  end(fault?: StatusError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#fault = fault;
    this.#wake?.();
  }

  /** Opens the watch that fills the queue; it is disposed when `signal` aborts and when the reader has left. */
  follow(signal: AbortSignal, open: (sink: WatchSink<T>) => Disposable): void {
    const watch = open(this);
    const stop = (): void => {
      signal.removeEventListener('abort', stop);
      watch[Symbol.dispose]();
      this.end();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
    this.#stop = stop;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent<T>> {
    try {
      for (;;) {
        while (this.#at < this.#waiting.length) yield this.#waiting[this.#at++]!;
        this.#waiting = [];
        this.#at = 0;
        if (this.#ended) break;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      }
      if (this.#fault) throw this.#fault;
    } finally {
      this.#stop?.();
    }
  }
}
