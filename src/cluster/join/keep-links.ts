import type { Node } from '../../api/generated/core-v1.ts';
import { nodes as nodeResource } from '../../api/generated/resources.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { Informer, InformerFactory } from '../../client/informer.ts';
import { startReconciler } from '../../client/start-reconciler.ts';
import { applyLinks, hostOf, setLinkRoutes, type AddressPlan, type EnterNetwork } from '../../machine/index.ts';
import { annotationsOf, machinesOf, missingAnnotations, nodesElsewhere, type MachineSelf } from './annotations.ts';

export interface LinksOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly plan: AddressPlan;
  readonly clock: Clock;
  readonly log: Log;
  readonly self: MachineSelf;
  /** Names of the nodes on this machine, as of now. */
  names(): readonly string[];
  /** The private half of the machine's key, base64. */
  readonly wireguardKey?: string;
  /** Into the machine's own network. */
  readonly enter?: EnterNetwork;
}

/** Says of this machine's nodes which machine they are on, and keeps its links to all others. Disposing leaves the links: pods go on without us. */
export function keepMachineLinks(options: LinksOptions): AsyncDisposable {
  const { client, informers, plan, clock, log, self, wireguardKey, enter } = options;
  const nodes = informers.informer(nodeResource);
  const wanted = annotationsOf(self);
  const told = new Set<string>();
  return onNodes('machine-links', nodes, { clock, log }, async () => {
    for (const name of options.names()) {
      const node = nodes.get(name);
      const missing = node && missingAnnotations(node, wanted);
      if (missing) await client.patch(nodeResource, { name }, { type: 'application/merge-patch+json', body: { metadata: { annotations: missing } } });
    }
    const machines = machinesOf(nodes.list(), plan);
    const others = machines.filter((machine) => hostOf(machine) !== hostOf(self));
    const own = machines.find((machine) => hostOf(machine) === hostOf(self));
    const unlinked = await applyLinks(plan, { ...self, nodes: own?.nodes ?? [] }, others, { ...(wireguardKey !== undefined && { wireguardKey }), ...(enter && { enter }) });
    const lost = new Set(unlinked.map(hostOf));
    for (const { address, wants, offers } of unlinked) {
      if (!told.has(hostOf({ address }))) log.warn('no way to another machine of the cluster', { machine: address, wants: wants ?? self.wants, offers: offers.join(), ours: self.offers.join() });
    }
    told.clear();
    for (const host of lost) told.add(host);
  });
}

/** Within a node: what is on other machines goes by the host. */
export function keepNodeRoutes(options: Pick<LinksOptions, 'informers' | 'plan' | 'clock' | 'log'> & { readonly machineHost: string; readonly dual: boolean }): AsyncDisposable {
  const { informers, plan, clock, log, machineHost, dual } = options;
  const nodes = informers.informer(nodeResource);
  return onNodes('node-routes', nodes, { clock, log }, async () => {
    const elsewhere = nodesElsewhere(nodes.list(), plan, machineHost);
    const stay = (argv: readonly string[]): string[] => [...argv];
    await setLinkRoutes(plan, new Map(elsewhere.flatMap(({ address, podCidr }) => [podCidr, address]).map((range) => [range, `via ${plan.host}`])), stay);
    const six = elsewhere.flatMap((node) => (node.six ? [node.six.pods, node.six.address] : []));
    if (dual) await setLinkRoutes(plan, new Map(six.map((range) => [range, `via ${plan.six.host}`])), stay, '-6');
  });
}

const ALL = 'all';
/** Nodes that come together are one change. */
const GATHER_MS = 20;

/** Looks at all nodes together whenever one changes, be it only that it reports: what an interface lost that was down for a moment comes back by that. */
function onNodes(name: string, nodes: Informer<Node>, { clock, log }: { readonly clock: Clock; readonly log: Log }, reconcile: () => Promise<void>): AsyncDisposable {
  const reconciler = startReconciler({
    name, clock, log: log.child(name), workers: 1,
    async reconcile(_key, signal) {
      await nodes.untilSynced(signal);
      await reconcile();
    },
  });
  const again = (): void => reconciler.enqueueAfter(ALL, GATHER_MS);
  const subscription = nodes.subscribe({ add: again, update: again, delete: again });
  again();
  return {
    async [Symbol.asyncDispose]() {
      subscription[Symbol.dispose]();
      await reconciler[Symbol.asyncDispose]();
    },
  };
}
