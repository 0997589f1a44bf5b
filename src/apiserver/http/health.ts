import { MetricRegistry } from '../../base/metrics.ts';

/** One thing that must hold for the server to be well. Throws what is wrong. */
export interface HealthCheck {
  readonly name: string;
  /** Absent: of `healthz`, `livez` and `readyz`. */
  readonly endpoints?: readonly string[];
  check(): void;
}

export interface HealthAnswer {
  readonly code: 200 | 404 | 500;
  readonly text: string;
}

/**
 * `/healthz`, `/livez`, `/readyz` and `/readyz/<check>`. `ok` in short; with `verbose`, or where something fails, one line a check.
 * Upstream: apiserver pkg/server/healthz.
 */
export function answerHealth(path: string, query: URLSearchParams, all: readonly HealthCheck[], metrics?: HealthMetrics): HealthAnswer {
  const [endpoint = '', ...rest] = path.slice(1).split('/');
  const only = rest.join('/');
  const checks = all.filter(({ endpoints }) => endpoints?.includes(endpoint) ?? true);
  const excluded = query.getAll('exclude');
  const failed: string[] = [];
  const lines: string[] = [];
  if (only) {
    const check = checks.find(({ name }) => name === only);
    if (!check) return { code: 404, text: '404 page not found\n' };
    const fault = run(check);
    return fault === undefined ? { code: 200, text: 'ok' } : { code: 500, text: `internal server error: ${fault}\n` };
  }
  for (const check of checks) {
    if (excluded.includes(check.name)) {
      lines.push(`[+]${check.name} excluded: ok`);
      continue;
    }
    const fault = run(check);
    metrics?.observe(check.name, endpoint, fault === undefined);
    if (fault !== undefined) failed.push(check.name);
    lines.push(fault === undefined ? `[+]${check.name} ok` : `[-]${check.name} failed: reason withheld`);
  }
  const unmatched = excluded.filter((name) => !checks.some((check) => check.name === name));
  if (unmatched.length > 0) lines.push(`warn: some health checks cannot be excluded: no matches for ${unmatched.map((name) => JSON.stringify(name)).join(',')}`);
  if (failed.length > 0) return { code: 500, text: `${lines.join('\n')}\n${endpoint} check failed\n` };
  return { code: 200, text: query.has('verbose') ? `${lines.join('\n')}\n${endpoint} check passed\n` : 'ok' };
}

/** What came of health checks, as `/metrics/slis` shows it. Upstream: component-base metrics/prometheus/slis. */
export class HealthMetrics {
  readonly #metrics = new MetricRegistry();
  readonly #latest = this.#metrics.gauge('kubernetes_healthcheck', 'What came of a health check last: 1 where all was well.', ['name', 'type']);
  readonly #total = this.#metrics.counter('kubernetes_healthchecks_total', 'Number of health checks, by what came of them.', ['name', 'type', 'status']);

  observe(name: string, type: string, isWell: boolean): void {
    this.#latest.of(name, type).value = isWell ? 1 : 0;
    this.#total.of(name, type, isWell ? 'success' : 'error').add();
  }

  text(): string {
    return this.#metrics.text();
  }
}

function run({ check }: HealthCheck): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error); // told to whoever asks: that is what a health check is for
  }
}
