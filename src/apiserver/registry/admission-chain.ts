import type { KubeObject } from '../../api/object.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../admission/admission.ts';

/** All admission plugins in their order. Mutation of all comes before validation of any. */
export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];

  constructor(plugins: readonly AdmissionPlugin[]) {
    this.#plugins = plugins;
  }

  /** The object as the plugins leave it; undefined on operations without one. */
  async mutate(attributes: AdmissionAttributes): Promise<KubeObject | undefined> {
    let current = attributes;
    for (const plugin of this.#plugins) {
      if (!plugin.admit || !plugin.handles(current.operation)) continue;
      const result = plugin.admit(current);
      const changed = result instanceof Promise ? await result : result;
      if (changed) current = { ...current, object: changed };
    }
    return current.object;
  }

  async validate(attributes: AdmissionAttributes): Promise<void> {
    for (const plugin of this.#plugins) {
      if (!plugin.validate || !plugin.handles(attributes.operation)) continue;
      const result = plugin.validate(attributes);
      if (result instanceof Promise) await result;
    }
  }
}
