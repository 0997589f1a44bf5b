import type { KubeObject } from '../../api/object.ts';
import type { AdmissionAttributes, AdmissionOperation, AdmissionPlugin } from '../admission/admission.ts';
import type { AdmissionMetrics, AdmissionStep, StepTimes } from '../admission/admission-metrics.ts';
import { Rounds } from '../admission/rounds.ts';

interface TimedPlugin {
  readonly plugin: AdmissionPlugin;
  readonly times: StepTimes;
}

/** The plugins that one operation is a matter of, in their order. */
interface Stage {
  readonly plugins: readonly TimedPlugin[];
  /** Of all together. */
  readonly times: StepTimes;
}

/** All admission plugins in their order. Mutation of all comes before validation of any. Nothing here makes a promise unless a plugin does. */
export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #metrics: AdmissionMetrics;
  readonly #stages: Record<AdmissionStep, Map<AdmissionOperation, Stage>> = { admit: new Map(), validate: new Map() };

  constructor(plugins: readonly AdmissionPlugin[], metrics: AdmissionMetrics) {
    this.#plugins = plugins;
    this.#metrics = metrics;
  }

  /** The object as the plugins leave it; undefined on operations without one. */
  mutate(given: AdmissionAttributes): Promise<KubeObject | undefined> | KubeObject | undefined {
    const rounds = new Rounds();
    const passage = new Mutation(this.#stage('admit', given.operation), this.#metrics, { ...given, rounds }, rounds);
    const waiting = passage.run();
    return waiting ? waiting.then(() => passage.attributes.object) : passage.attributes.object;
  }

  validate(attributes: AdmissionAttributes): Promise<void> | void {
    return new Validation(this.#stage('validate', attributes.operation), this.#metrics, attributes).run();
  }

  #stage(step: AdmissionStep, operation: AdmissionOperation): Stage {
    let stage = this.#stages[step].get(operation);
    if (!stage) {
      const plugins = this.#plugins.filter((plugin) => plugin[step] && plugin.handles(operation));
      const timesOf = (plugin?: AdmissionPlugin): StepTimes => this.#metrics.timesOf(step, operation, plugin?.name);
      this.#stages[step].set(operation, (stage = { plugins: plugins.map((plugin) => ({ plugin, times: timesOf(plugin) })), times: timesOf() }));
    }
    return stage;
  }
}

/** One request on its way past the plugins of a stage. */
abstract class Passage {
  attributes: AdmissionAttributes;
  readonly #stage: Stage;
  readonly #metrics: AdmissionMetrics;
  readonly #rounds: Rounds | undefined;
  readonly #began: number;
  /** Which plugin's turn it is, and since when: the end of one plugin's time is the beginning of the next one's. */
  #at = 0;
  #since: number;

  constructor(stage: Stage, metrics: AdmissionMetrics, attributes: AdmissionAttributes, rounds?: Rounds) {
    this.#stage = stage;
    this.#metrics = metrics;
    this.attributes = attributes;
    this.#rounds = rounds;
    this.#began = this.#since = metrics.now();
  }

  protected abstract ask(plugin: AdmissionPlugin): Promise<void> | void;

  /** Throws what the plugin that refuses throws. */
  run(): Promise<void> | void {
    const { plugins, times } = this.#stage;
    do {
      while (this.#at < plugins.length) {
        let waiting: Promise<void> | void;
        try {
          waiting = this.ask(plugins[this.#at]!.plugin);
        } catch (error) {
          this.#refused(error);
        }
        if (waiting) return waiting.then(() => this.#passed(), (error: unknown) => this.#refused(error)).then(() => this.run());
        this.#passed();
      }
      this.#at = 0;
    } while (this.#rounds?.next());
    times.observe(this.#since - this.#began, false);
  }

  #passed(): void {
    this.#note(false);
    this.#at++;
  }

  #refused(error: unknown): never {
    this.#note(true);
    this.#stage.times.observe(this.#since - this.#began, true);
    throw error;
  }

  #note(isRejected: boolean): void {
    const now = this.#metrics.now();
    this.#stage.plugins[this.#at]!.times.observe(now - this.#since, isRejected);
    this.#since = now;
  }
}

class Mutation extends Passage {
  protected ask(plugin: AdmissionPlugin): Promise<void> | void {
    const result = plugin.admit!(this.attributes);
    if (result instanceof Promise) return result.then((changed) => this.#take(changed));
    this.#take(result);
  }

  #take(changed: KubeObject | void): void {
    if (changed) this.attributes = { ...this.attributes, object: changed };
  }
}

class Validation extends Passage {
  protected ask(plugin: AdmissionPlugin): Promise<void> | void {
    return plugin.validate!(this.attributes);
  }
}
