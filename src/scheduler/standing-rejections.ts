import type { ClusterView } from './cluster-cache.ts';
import type { NodeInfo } from './node-info.ts';
import type { NodeRejections } from './node-rejections.ts';
import type { Nominator } from './nominator.ts';
import type { PodTwins } from './pod-info.ts';

interface Standing {
  readonly priority: number;
  readonly rejections: NodeRejections;
  /** Those that fitted when it was last looked. */
  readonly fitting: readonly NodeInfo[];
  readonly version: number;
  readonly nominatorVersion: number;
}

const KEPT = 64;
/** To look at more than this part of the nodes is no gain over looking at enough of all. */
const WORTH = 1 / 8;

/**
 * Why no node took a pod of which only nodes and those who wait for them decide. Its twins of the same priority need to ask those nodes alone
 * that changed since: a thousand pods that wait for room cost a thousand looks at what changed, not a thousand looks at all nodes.
 */
export class StandingRejections {
  readonly #cluster: ClusterView;
  readonly #nominator: Pick<Nominator, 'version' | 'changedSince'>;
  readonly #standing = new Map<PodTwins, Standing>();

  constructor(cluster: ClusterView, nominator: Pick<Nominator, 'version' | 'changedSince'>) {
    this.#cluster = cluster;
    this.#nominator = nominator;
  }

  /** What held for all nodes but the suspects, which are to be asked again; the rejections are to be brought up to date and handed to `remember`. */
  recall(twins: PodTwins, priority: number): { readonly rejections: NodeRejections; readonly suspects: ReadonlySet<NodeInfo> } | undefined {
    const standing = this.#standing.get(twins);
    this.#standing.delete(twins);
    if (standing?.priority !== priority) return undefined;
    const { rejections, fitting, version, nominatorVersion } = standing;
    const changed = this.#cluster.changedSince(version);
    const awaited = this.#nominator.changedSince(nominatorVersion);
    const most = this.#cluster.nodes().length * WORTH;
    if (!changed || !awaited) return undefined;
    const suspects = new Set([...fitting, ...changed]);
    for (const name of awaited) {
      const node = this.#cluster.node(name);
      if (node) suspects.add(node);
    }
    if (suspects.size > most) return undefined;
    for (const node of suspects) {
      if (this.#cluster.node(node.name) === node) continue;
      suspects.delete(node);
      if (!this.#cluster.node(node.name)) rejections.set(node.name, undefined);
    }
    return { rejections, suspects };
  }

  /** As of now, of all nodes. */
  remember(twins: PodTwins, priority: number, rejections: NodeRejections, fitting: readonly NodeInfo[]): void {
    if (this.#standing.size >= KEPT) this.#standing.delete(this.#standing.keys().next().value!);
    this.#standing.set(twins, { priority, rejections, fitting, version: this.#cluster.version, nominatorVersion: this.#nominator.version });
  }
}
