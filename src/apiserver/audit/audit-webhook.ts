import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Cell, MetricRegistry } from '../../base/metrics.ts';
import { EndpointError, type RemoteEndpoint } from '../configuration/remote-endpoint.ts';
import type { AuditSink } from './auditor.ts';

/** How many events may wait; what comes above is lost. */
const MOST_WAITING = 10_000;
/** How many go at once, and how long the first of them waits for others at most. */
const BATCH = 400;
const WAIT_MS = 30_000;
/** A server that cannot be reached is tried so many times, with so long a pause before the second. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 10_000;

export interface AuditWebhookOptions {
  readonly endpoint: RemoteEndpoint;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: MetricRegistry;
}

/** Sends events to another server, many at once and after the answers that they are about. Upstream: apiserver plugin/pkg/audit/{webhook,buffered}, in its mode `batch`. */
export class AuditWebhook implements AuditSink, AsyncDisposable {
  readonly #options: AuditWebhookOptions;
  readonly #lost: Cell;
  readonly #ending = new AbortController();
  #waiting: string[] = [];
  #timer: Disposable | undefined;
  #sending: Promise<void> | undefined;

  constructor(options: AuditWebhookOptions) {
    this.#options = options;
    this.#lost = options.metrics.counter('apiserver_audit_error_total', 'Number of audit events that were lost.', ['plugin']).of('webhook');
  }

  write(line: string): void {
    if (this.#waiting.length >= MOST_WAITING) return this.#lose(1, new Error('audit buffer queue blocked'));
    this.#waiting.push(line);
    if (this.#waiting.length >= BATCH) this.#send();
    else this.#timer ??= this.#options.clock.timer(WAIT_MS, () => this.#send());
  }

  /** Sends what waits, without trying again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error('the server stops'));
    await this.#sending;
    this.#send();
    await this.#sending;
    this.#timer?.[Symbol.dispose]();
    this.#options.endpoint[Symbol.dispose]();
  }

  #send(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
      if (this.#waiting.length > 0) this.#timer ??= this.#options.clock.timer(WAIT_MS, () => this.#send());
    });
  }

  async #sendAll(): Promise<void> {
    do {
      const batch = this.#waiting.splice(0, BATCH);
      if (batch.length === 0) return;
      try {
        await this.#post(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${batch.join(',')}]}`);
      } catch (error) {
        if (!(error instanceof EndpointError)) throw error;
        this.#lose(batch.length, error);
      }
    } while (this.#waiting.length >= BATCH || this.#ending.signal.aborted);
  }

  async #post(body: string): Promise<void> {
    for (let attempt = 1, pauseMs = FIRST_PAUSE_MS; ; attempt++, pauseMs *= 1.5) {
      try {
        await this.#options.endpoint.post(body);
        return;
      } catch (error) {
        const final = !(error instanceof EndpointError) || (error.code !== 0 && error.code < 500 && error.code !== 429) || attempt === ATTEMPTS || this.#ending.signal.aborted;
        if (final) throw error;
        try {
          await this.#options.clock.sleep(pauseMs, this.#ending.signal);
        } catch {
          throw error; // the server stops: what could not be sent is lost
        }
      }
    }
  }

  #lose(events: number, error: Error): void {
    this.#lost.add(events);
    this.#options.log.error('audit events lost', { events, error });
  }
}
