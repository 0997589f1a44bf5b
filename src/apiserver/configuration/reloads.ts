import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { CellFamily, MetricRegistry } from '../../base/metrics.ts';
import type { ServerConfiguration } from './server-configuration.ts';

/** A part of the configuration that can change while the server runs. */
export interface ReloadablePart {
  readonly name: 'authentication' | 'authorization' | 'encryption';
  /** All stays as it was where it rejects. */
  configure(configuration: ServerConfiguration): Promise<void>;
}

export interface ReloadsOptions {
  readonly parts: readonly ReloadablePart[];
  readonly initial: ServerConfiguration;
  readonly metrics: MetricRegistry;
  readonly clock: Clock;
  readonly log: Log;
  /** What the server calls itself. */
  readonly id: string;
}

/** Takes over what an operator changed in the server's configuration. Upstream: apiserver pkg/server/options/{authentication,authorization,encryption}config. */
export class Reloads {
  readonly #options: ReloadsOptions;
  readonly #hash: string;
  readonly #counts = new Map<string, { readonly total: CellFamily; readonly last: CellFamily }>();
  #current: ServerConfiguration;

  constructor(options: ReloadsOptions) {
    this.#options = options;
    this.#current = options.initial;
    this.#hash = `sha256:${createHash('sha256').update(options.id).digest('hex')}`;
    for (const { name } of options.parts) {
      const labels = ['apiserver_id_hash', 'status'];
      this.#counts.set(name, {
        total: options.metrics.counter(`apiserver_${name}_config_controller_automatic_reloads_total`, `Number of times that the configuration of ${name} changed, by what came of it.`, labels),
        last: options.metrics.gauge(`apiserver_${name}_config_controller_automatic_reload_last_timestamp_seconds`, `When the configuration of ${name} changed last, by what came of it, in seconds since 1970.`, labels),
      });
    }
  }

  /** A part that cannot be changed as is wanted stays as it is, and the log says why. */
  async configure(next: ServerConfiguration): Promise<void> {
    const { parts, clock, log } = this.#options;
    for (const part of parts) {
      if (JSON.stringify(next[part.name]) === JSON.stringify(this.#current[part.name])) continue;
      let status = 'failure';
      try {
        await part.configure(next);
        this.#current = { ...this.#current, [part.name]: next[part.name] };
        status = 'success';
        log.info('the configuration has changed', { of: part.name });
      } catch (error) {
        log.error('the configuration stays as it was', { of: part.name, error });
      }
      const { total, last } = this.#counts.get(part.name)!;
      total.of(this.#hash, status).add();
      last.of(this.#hash, status).value = clock.now() / 1000;
    }
  }
}
