import type { KubeObject } from '../../api/object.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission/admission.ts';
import type { AdmissionMetrics, AdmissionStep, StepTimes } from '../admission/admission-metrics.ts';
import { Rounds } from '../admission/rounds.ts';

interface TimedPlugin {
  readonly plugin: AdmissionPlugin;
  readonly times: StepTimes;
}

/** All admission plugins in their order. Mutation of all comes before validation of any. */
export class AdmissionChain {
  readonly #metrics: AdmissionMetrics;
  readonly #admitting: readonly TimedPlugin[];
  readonly #validating: readonly TimedPlugin[];
  readonly #admitTimes: StepTimes;
  readonly #validateTimes: StepTimes;

  constructor(plugins: readonly AdmissionPlugin[], metrics: AdmissionMetrics) {
    this.#metrics = metrics;
    const timed = (step: AdmissionStep) => (plugin: AdmissionPlugin): TimedPlugin => ({ plugin, times: metrics.timesOf(step, plugin.name) });
    this.#admitting = plugins.filter(({ admit }) => admit).map(timed('admit'));
    this.#validating = plugins.filter(({ validate }) => validate).map(timed('validate'));
    this.#admitTimes = metrics.timesOf('admit');
    this.#validateTimes = metrics.timesOf('validate');
  }

  /** The object as the plugins leave it; undefined on operations without one. */
  async mutate(given: AdmissionAttributes): Promise<KubeObject | undefined> {
    const rounds = new Rounds();
    let attributes: AdmissionAttributes = { ...given, rounds };
    await this.#step('admit', this.#admitting, this.#admitTimes, given, (plugin) => {
      const result = plugin.admit!(attributes);
      if (result instanceof Promise) return result.then((changed) => changed && void (attributes = { ...attributes, object: changed }));
      if (result) attributes = { ...attributes, object: result };
      return undefined;
    }, rounds);
    return attributes.object;
  }

  async validate(attributes: AdmissionAttributes): Promise<void> {
    await this.#step('validate', this.#validating, this.#validateTimes, attributes, (plugin) => plugin.validate!(attributes));
  }

  async #step(step: AdmissionStep, plugins: readonly TimedPlugin[], all: StepTimes, { operation }: AdmissionAttributes, ask: (plugin: AdmissionPlugin) => Promise<unknown> | void, rounds?: Rounds): Promise<void> {
    const metrics = this.#metrics;
    const startedAt = metrics.now();
    let at = startedAt;
    let asked: TimedPlugin | undefined;
    let rejected = true;
    /** The end of one plugin's time is the beginning of the next one's. */
    const tell = (): void => {
      const now = metrics.now();
      metrics.observe(asked!.times, step, asked!.plugin.name, operation, now - at, rejected);
      at = now;
    };
    try {
      do {
        for (asked of plugins) {
          if (!asked.plugin.handles(operation)) continue;
          rejected = true;
          const waiting = ask(asked.plugin);
          if (waiting) await waiting;
          rejected = false;
          tell();
        }
      } while (rounds?.next());
      rejected = false;
    } finally {
      if (rejected && asked) tell();
      metrics.observe(all, step, undefined, operation, metrics.now() - startedAt, rejected);
    }
  }
}
