import type { HealthCheck } from './health.ts';

/**
 * Steps of the server's start, as health checks under the names that kube-apiserver has for what does the same there: `poststarthook/<name>`.
 * Here the steps are over before the server listens, so a client never sees one that is still to come; what a step promises, the checks keep saying by name.
 * Upstream: apiserver pkg/server/hooks.go.
 */
export class StartHooks {
  readonly #pending = new Map<string, boolean>();

  /** Waits for a step and takes it as done under these names. Throws what the step throws. */
  async done<T>(step: T | Promise<T>, ...names: readonly string[]): Promise<T> {
    for (const name of names) this.#pending.set(name, true);
    const outcome = await step;
    this.has(...names);
    return outcome;
  }

  /** Takes a step that waits for nothing as done. */
  has(...names: readonly string[]): void {
    for (const name of names) this.#pending.set(name, false);
  }

  /** One check a name, in the order of the steps. */
  checks(): readonly HealthCheck[] {
    return [...this.#pending.keys()].map((name) => ({
      name: name === 'autoregister-completion' ? name : `poststarthook/${name}`,
      check: () => {
        if (this.#pending.get(name)) throw new Error('not finished');
      },
    }));
  }
}
