import type { Node } from '../api/generated/core-v1.ts';
import type { Clock } from '../base/clock.ts';

/** How long changes may wait for being written until the proxy counts as unhealthy, milliseconds. */
const TIMEOUT_MS = 60_000;
const TO_BE_DELETED = 'ToBeDeletedByClusterAutoscaler';
/** As Go writes a time that was never set. */
const NEVER = '0001-01-01T00:00:00Z';

/** What the proxy answers to whoever asks after its health, in upstream's words. */
export interface HealthReport {
  /** Now, while it is healthy: rules that did not have to change are as good as new. */
  readonly lastUpdated: string;
  readonly currentTime: string;
  readonly nodeEligible?: boolean;
  readonly healthy: boolean;
  readonly status?: Readonly<Record<'IPv4', { readonly lastUpdated: string; readonly healthy: boolean }>>;
}

/** Whether the rules keep up with the services. Upstream: pkg/proxy/healthcheck/proxy_health.go. */
export class ProxyHealth {
  readonly #clock: Clock;
  #pendingSince: number | undefined;
  #updated: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** There is something to write. */
  queued(): void {
    this.#pendingSince ??= this.#clock.monotonic();
  }

  /** What was queued is in force. */
  written(): void {
    this.#pendingSince = undefined;
    this.#updated = this.#clock.now();
  }

  /** A proxy that has not written anything yet is starting, and healthy. */
  get healthy(): boolean {
    return this.#updated === undefined || this.#pendingSince === undefined || this.#clock.monotonic() - this.#pendingSince < TIMEOUT_MS;
  }

  /** `/livez`: of the proxy alone. */
  liveness(): HealthReport {
    const { healthy } = this;
    const currentTime = new Date(this.#clock.now()).toISOString();
    const updated = this.#updated === undefined ? NEVER : new Date(this.#updated).toISOString();
    return { lastUpdated: healthy ? currentTime : updated, currentTime, healthy, ...(this.#updated === undefined ? {} : { status: { IPv4: { lastUpdated: updated, healthy } } }) };
  }

  /** `/healthz`: also of the node, whom load balancers are to leave before it goes. The answer's code is 200 where `ok`. */
  report(node: Node | undefined): { readonly ok: boolean; readonly report: HealthReport } {
    const nodeEligible = node !== undefined && node.metadata.deletionTimestamp === undefined && !node.spec?.taints?.some(({ key }) => key === TO_BE_DELETED);
    const { lastUpdated, currentTime, ...rest } = this.liveness();
    const ok = rest.healthy && nodeEligible;
    const { status } = rest;
    return { ok, report: { lastUpdated: ok ? lastUpdated : status?.IPv4.lastUpdated ?? NEVER, currentTime, nodeEligible, ...rest } };
  }
}
