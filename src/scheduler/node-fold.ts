import type { ClusterView } from './cluster-cache.ts';
import type { NodeInfo } from './node-info.ts';

export interface Fold<Part> {
  /** What the node adds; undefined: nothing. Must not change afterwards. */
  part(node: NodeInfo): Part | undefined;
  add(part: Part, sign: 1 | -1): void;
  /** Back to the empty sum. */
  reset(): void;
}

/**
 * A sum over all nodes that is kept up by looking only at the nodes that changed since it was asked for last. What pods of one template ask for
 * again and again (how many of them are in which zone, say) costs a look at one or two nodes instead of all.
 */
export class NodeFold<Part, F extends Fold<Part>> {
  readonly #cluster: ClusterView;
  readonly #fold: F;
  readonly #parts = new Map<NodeInfo, Part>();
  #version = -1;

  constructor(cluster: ClusterView, fold: F) {
    this.#cluster = cluster;
    this.#fold = fold;
  }

  /** The sum as of now; good until something changes. */
  current(): F {
    const { version } = this.#cluster;
    if (version === this.#version) return this.#fold;
    const changed = this.#version < 0 ? undefined : this.#cluster.changedSince(this.#version);
    if (changed) {
      for (const node of changed) this.#retake(node);
    } else {
      this.#fold.reset();
      this.#parts.clear();
      for (const node of this.#cluster.nodes()) this.#retake(node);
    }
    this.#version = version;
    return this.#fold;
  }

  #retake(node: NodeInfo): void {
    const before = this.#parts.get(node);
    if (before !== undefined) this.#fold.add(before, -1);
    const part = node.node && this.#fold.part(node);
    if (part === undefined) {
      if (before !== undefined) this.#parts.delete(node);
      return;
    }
    this.#parts.set(node, part);
    this.#fold.add(part, 1);
  }
}

/** The sums asked for last, by what they are about. */
export class FoldCache<Part, F extends Fold<Part>> {
  readonly #folds = new Map<string, NodeFold<Part, F>>();
  readonly #cluster: ClusterView;

  constructor(cluster: ClusterView) {
    this.#cluster = cluster;
  }

  current(key: string, make: () => F): F {
    let fold = this.#folds.get(key);
    if (fold) this.#folds.delete(key);
    else fold = new NodeFold(this.#cluster, make());
    this.#folds.set(key, fold);
    if (this.#folds.size > FOLDS_KEPT) this.#folds.delete(this.#folds.keys().next().value!);
    return fold.current();
  }
}

const FOLDS_KEPT = 64;
