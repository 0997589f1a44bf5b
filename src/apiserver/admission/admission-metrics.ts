import type { Clock } from '../../base/clock.ts';
import type { Cell, CellFamily, Histogram, HistogramFamily, MetricRegistry } from '../../base/metrics.ts';
import type { AdmissionOperation } from './admission.ts';

export type AdmissionStep = 'admit' | 'validate';
/** As upstream tells webhooks that change from those that refuse. */
export type WebhookType = 'admit' | 'validating';
export type EnforcementAction = 'allow' | 'deny' | 'audit' | 'warn';

/** Upper bounds in seconds. */
const BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 2.5];
const WEBHOOK_BUCKETS = [...BUCKETS, 10, 25];
const EXPRESSION_BUCKETS = [0.0000005, 0.001, 0.01, 0.1, 1];

/** What one plugin (or all together) take in one step of an operation. */
export class StepTimes {
  readonly #series: (rejected: boolean) => Histogram;
  #passed: Histogram | undefined;
  #rejected: Histogram | undefined;

  constructor(series: (rejected: boolean) => Histogram) {
    this.#series = series;
  }

  observe(milliseconds: number, isRejected: boolean): void {
    (isRejected ? (this.#rejected ??= this.#series(true)) : (this.#passed ??= this.#series(false))).observe(milliseconds / 1000);
  }
}

/** What admission costs and refuses. Upstream: apiserver pkg/admission/metrics, plugin/policy/…/metrics. */
export class AdmissionMetrics {
  readonly #clock: Clock;
  readonly #steps: HistogramFamily;
  readonly #plugins: HistogramFamily;
  readonly #webhooks: HistogramFamily;
  readonly #webhookRequests: CellFamily;
  readonly #webhookRejections: CellFamily;
  readonly #failOpen: CellFamily;
  readonly #checks: CellFamily;
  readonly #checkTimes: HistogramFamily;
  readonly #mutations: CellFamily;
  readonly #mutationTimes: HistogramFamily;

  constructor(metrics: MetricRegistry, clock: Clock) {
    this.#clock = clock;
    const by = ['type', 'operation', 'rejected'];
    const name = (rest: string): string => `apiserver_admission_${rest}`;
    this.#steps = metrics.histogram(name('step_admission_duration_seconds'), 'Time that all plugins took together, in seconds, by operation and by step (admit or validate).', BUCKETS, by);
    this.#plugins = metrics.histogram(name('controller_admission_duration_seconds'), 'Time that a plugin took, in seconds, by operation and by step (admit or validate).', BUCKETS, ['name', ...by]);
    this.#webhooks = metrics.histogram(name('webhook_admission_duration_seconds'), 'Time that a webhook took, in seconds, by operation and by step (admit or validating).', WEBHOOK_BUCKETS, ['name', ...by]);
    this.#webhookRequests = metrics.counter(name('webhook_request_total'), 'Number of questions to a webhook, by the code of its answer.', ['name', 'type', 'operation', 'code', 'rejected']);
    this.#webhookRejections = metrics.counter(name('webhook_rejection_count'), 'Number of requests that were refused by a webhook, or because it could not be asked.', ['name', 'type', 'operation', 'error_type', 'rejection_code']);
    this.#failOpen = metrics.counter(name('webhook_fail_open_count'), 'Number of requests that went on although a webhook could not be asked.', ['name', 'type']);
    const policy = ['policy', 'policy_binding', 'error_type'];
    this.#checks = metrics.counter('apiserver_validating_admission_policy_check_total', 'Number of expressions that were checked, by policy, binding and what came of it.', [...policy, 'enforcement_action']);
    this.#checkTimes = metrics.histogram('apiserver_validating_admission_policy_check_duration_seconds', 'Time that an expression took, in seconds, by policy, binding and what came of it.', EXPRESSION_BUCKETS, [...policy, 'enforcement_action']);
    this.#mutations = metrics.counter('apiserver_mutating_admission_policy_check_total', 'Number of mutations that were made, by policy and binding.', policy);
    this.#mutationTimes = metrics.histogram('apiserver_mutating_admission_policy_check_duration_seconds', 'Time that a mutation took, in seconds, by policy and binding.', EXPRESSION_BUCKETS, policy);
  }

  /** Milliseconds, for what the other functions want to know. */
  now(): number {
    return this.#clock.monotonic();
  }

  /** Where the time of a plugin, or of the whole step, is noted: hot code keeps it at hand. */
  timesOf(step: AdmissionStep, operation: AdmissionOperation, plugin?: string): StepTimes {
    return new StepTimes((rejected) => (plugin === undefined ? this.#steps.of(step, operation, String(rejected)) : this.#plugins.of(plugin, step, operation, String(rejected))));
  }

  /** `startedAt` as `now()` told it. `code`: the status that the webhook's answer amounts to. */
  webhook(name: string, type: WebhookType, operation: AdmissionOperation, startedAt: number, { code, rejected }: { readonly code: number; readonly rejected: boolean }): void {
    this.#webhookRequests.of(name, type, operation, String(Math.min(code, 600)), String(rejected)).add();
    this.#webhooks.of(name, type, operation, String(rejected)).observe((this.now() - startedAt) / 1000);
  }

  webhookRejection(name: string, type: WebhookType, operation: AdmissionOperation, error: 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error', code: number): void {
    this.#webhookRejections.of(name, type, operation, error, String(Math.min(code, 600))).add();
  }

  webhookFailedOpen(name: string, type: WebhookType): void {
    this.#failOpen.of(name, type).add();
  }

  /** One expression of a validating policy was evaluated. */
  validation(policy: string, binding: string, startedAt: number, failed: boolean, actions: readonly EnforcementAction[]): void {
    const seconds = (this.now() - startedAt) / 1000;
    for (const action of actions) {
      const labels = [policy, binding, failed ? 'invalid_error' : 'no_error', action];
      this.#checks.of(...labels).add();
      this.#checkTimes.of(...labels).observe(seconds);
    }
  }

  /** Does one mutation of a policy. Throws what `work` throws. */
  mutation<T>(policy: string, binding: string, work: () => T): T {
    const startedAt = this.now();
    let error = 'invalid_error';
    try {
      const result = work();
      error = 'no_error';
      return result;
    } finally {
      const labels = [policy, binding, error];
      const cell: Cell = this.#mutations.of(...labels);
      cell.add();
      this.#mutationTimes.of(...labels).observe((this.now() - startedAt) / 1000);
    }
  }
}
