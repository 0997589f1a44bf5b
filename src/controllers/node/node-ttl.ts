import { nodes as nodeResource } from '../../api/generated/resources.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';

const TTL = 'node.alpha.kubernetes.io/ttl';

/** With how many nodes, at least and at most, kubelets may keep a secret for how many seconds before they ask anew. They overlap, so that one node more or less does not rewrite all. */
const STEPS: readonly { readonly from: number; readonly to: number; readonly seconds: number }[] = [
  { from: 0, to: 100, seconds: 0 },
  { from: 90, to: 500, seconds: 15 },
  { from: 450, to: 1000, seconds: 30 },
  { from: 900, to: 2000, seconds: 60 },
  { from: 1800, to: Infinity, seconds: 300 },
];

/** Tells nodes how long they may keep secrets and config maps: the longer, the more nodes there are. Upstream: pkg/controller/ttl. */
export const nodeTtlController: Controller = {
  name: 'ttl-controller',
  start(context) {
    const { client, informers } = context;
    const nodes = informers.informer(nodeResource);
    let count = 0;
    let step = 0;

    const wanted = (): string => String(STEPS[step]!.seconds);

    function counted(change: 1 | -1): void {
      count += change;
      if (count > STEPS[step]!.to) step++;
      if (count < STEPS[step]!.from) step--;
    }

    async function reconcile(name: string): Promise<void> {
      const node = nodes.get(name);
      if (!node || node.metadata.annotations?.[TTL] === wanted()) return;
      await client.patch(nodeResource, { name }, { type: 'application/strategic-merge-patch+json', body: { metadata: { annotations: { [TTL]: wanted() } } } });
    }

    const loop = startLoop(context, { name: 'ttlcontroller', needs: [nodes], workers: 5, reconcile });
    loop.own(nodes.subscribe({ add: () => counted(1), delete: () => counted(-1) }));
    // Those that are there already learn of another number of nodes with their next sign of life.
    loop.follow(nodes, (node) => (node.metadata.annotations?.[TTL] === wanted() ? [] : itself(node)));
    return loop;
  },
};
