import type { NodeRejection, Rejection } from './rejection.ts';

type Counts = ReadonlyMap<Rejection, { readonly plugin: string; readonly count: number }>;

/** Why nodes were rejected, by the name of the node. Of thousands of nodes mostly few reasons are told, each by one object. */
export class NodeRejections implements Iterable<readonly [node: string, rejected: NodeRejection]> {
  /** In the order in which they came, until somebody asks for one of them: mostly they are only counted. */
  #nodes: string[] = [];
  #rejections: NodeRejection[] = [];
  #byNode: Map<string, NodeRejection> | undefined;
  #counts: Map<Rejection, { readonly plugin: string; count: number }> | undefined;

  constructor(entries: Iterable<readonly [node: string, rejected: NodeRejection]> = []) {
    for (const [node, rejected] of entries) this.add(node, rejected);
  }

  add(node: string, rejected: NodeRejection): void {
    if (this.#byNode) return this.set(node, rejected);
    this.#nodes.push(node);
    this.#rejections.push(rejected);
    this.#counts = undefined;
  }

  /** Undefined: it is rejected no more. */
  set(node: string, rejected: NodeRejection | undefined): void {
    const byNode = this.#sorted();
    const before = byNode.get(node);
    if (before === rejected) return;
    if (before) this.#count(before, -1);
    if (rejected) {
      byNode.set(node, rejected);
      this.#count(rejected, 1);
    } else byNode.delete(node);
  }

  get(node: string): NodeRejection | undefined {
    return this.#sorted().get(node);
  }

  get size(): number {
    return this.#byNode?.size ?? this.#nodes.length;
  }

  /** How many nodes were rejected for what. */
  counts(): Counts {
    if (!this.#counts) {
      this.#counts = new Map();
      for (const rejected of this.#byNode?.values() ?? this.#rejections) this.#count(rejected, 1);
    }
    return this.#counts;
  }

  #count({ plugin, rejection }: NodeRejection, by: 1 | -1): void {
    const counted = this.#counts?.get(rejection);
    if (!counted) this.#counts?.set(rejection, { plugin, count: by });
    else if ((counted.count += by) === 0) this.#counts!.delete(rejection);
  }

  *[Symbol.iterator](): Iterator<readonly [string, NodeRejection]> {
    if (this.#byNode) yield* this.#byNode;
    else for (let i = 0; i < this.#nodes.length; i++) yield [this.#nodes[i]!, this.#rejections[i]!];
  }

  #sorted(): Map<string, NodeRejection> {
    if (!this.#byNode) {
      this.#byNode = new Map(this);
      this.#nodes = [];
      this.#rejections = [];
    }
    return this.#byNode;
  }
}
