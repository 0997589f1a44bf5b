import type { KubeObject } from '../../api/object.ts';
import { deepEqual } from '../registry/deep-equal.ts';

/**
 * The rounds in which plugins change one request's object. Where a webhook or policy changed it, all plugins are asked once more: those of the
 * server always (a container that a webhook added gets its token and its defaults, too), webhooks and policies only where they want it.
 * Upstream: apiserver pkg/admission/reinvocation.go.
 */
export class Rounds {
  /** 0 or 1. */
  round = 0;
  #repeats = false;
  readonly #memories = new Map<string, Memory>();

  /** What a plugin remembers from the first round to the second. */
  of(plugin: string): Memory {
    let memory = this.#memories.get(plugin);
    if (!memory) this.#memories.set(plugin, (memory = new Memory(this)));
    return memory;
  }

  repeat(): void {
    this.#repeats = true;
  }

  /** Whether there is another round; it has then begun. */
  next(): boolean {
    if (!this.#repeats || this.round > 0) return false;
    this.round = 1;
    return true;
  }
}

class Memory {
  readonly #rounds: Rounds;
  /** Who was asked and wants to be asked again when a later one changes the object. */
  #reinvocable: string[] = [];
  readonly #again = new Set<string>();
  #left: KubeObject | undefined;

  constructor(rounds: Rounds) {
    this.#rounds = rounds;
  }

  /** The plugin's turn begins. What others changed since it ended is to be seen by all that want it. */
  begin(object: KubeObject | undefined): void {
    if (this.#rounds.round > 0 && !deepEqual(this.#left, object)) this.#callAgain();
  }

  isWanted(one: string): boolean {
    return this.#rounds.round === 0 || this.#again.has(one);
  }

  asked(one: string, { changed, reinvocable }: { readonly changed: boolean; readonly reinvocable: boolean }): void {
    if (changed) {
      this.#callAgain();
      this.#rounds.repeat();
    }
    if (reinvocable) this.#reinvocable.push(one);
  }

  end(object: KubeObject | undefined): void {
    this.#left = object;
  }

  #callAgain(): void {
    for (const one of this.#reinvocable) this.#again.add(one);
    this.#reinvocable = [];
  }
}
