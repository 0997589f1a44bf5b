import type { RequestInfo } from '../request.ts';

type Watched = Pick<RequestInfo, 'group' | 'resource' | 'namespace' | 'name'>;

const keyOf = ({ group, resource }: Watched, namespace: string, name: string): string => `${group}/${resource}/${namespace}/${name}`;

/** How many watches there are on what, to guess what a write costs. Upstream: apiserver pkg/util/flowcontrol.WatchTracker. */
export class WatchCounts {
  readonly #counts = new Map<string, number>();

  /** Disposing forgets the watch. A watch of one node's pods hears of few, and does not count. */
  add(watched: Watched, query: URLSearchParams): Disposable {
    if (watched.resource === 'pods' && /(^|,)spec\.nodeName==?[^,]/.test(query.get('fieldSelector') ?? '')) return { [Symbol.dispose]: () => {} };
    const key = keyOf(watched, watched.namespace, watched.name);
    this.#change(key, 1);
    let counted = true;
    return {
      [Symbol.dispose]: () => {
        if (counted) this.#change(key, -1);
        counted = false;
      },
    };
  }

  /** How many may hear of a write to what `info` names. */
  of(info: Watched): number {
    if (this.#counts.size === 0) return 0;
    const count = (namespace: string, name: string): number => this.#counts.get(keyOf(info, namespace, name)) ?? 0;
    return count('', '') + (info.namespace ? count(info.namespace, '') : 0) + (info.name ? count(info.namespace, info.name) : 0);
  }

  #change(key: string, by: number): void {
    const next = (this.#counts.get(key) ?? 0) + by;
    if (next > 0) this.#counts.set(key, next);
    else this.#counts.delete(key);
  }
}
