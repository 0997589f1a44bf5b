import type { NodeRejection } from './framework.ts';

/** By the name of the node, for each node that was asked. A Map is one. */
export interface RejectionsByNode extends Iterable<readonly [node: string, rejected: NodeRejection]> {
  readonly size: number;
  get(node: string): NodeRejection | undefined;
  values(): Iterable<NodeRejection>;
}

/** Collects them: mostly they are only counted, so that who was rejected by what is sorted out when somebody asks for a node. */
export class NodeRejections implements RejectionsByNode {
  readonly #nodes: string[] = [];
  readonly #rejections: NodeRejection[] = [];
  #byNode: Map<string, NodeRejection> | undefined;

  add(node: string, rejected: NodeRejection): void {
    this.#nodes.push(node);
    this.#rejections.push(rejected);
    this.#byNode = undefined;
  }

  get size(): number {
    return this.#nodes.length;
  }

  get(node: string): NodeRejection | undefined {
    this.#byNode ??= new Map(this);
    return this.#byNode.get(node);
  }

  values(): Iterable<NodeRejection> {
    return this.#rejections;
  }

  *[Symbol.iterator](): Iterator<readonly [string, NodeRejection]> {
    for (let i = 0; i < this.#nodes.length; i++) yield [this.#nodes[i]!, this.#rejections[i]!];
  }
}
