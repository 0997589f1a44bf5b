import type { Node } from '../../api/generated/core-v1.ts';
import { hostOf, isLinkLocal, isMachineAddress, LINK_KINDS, nodeAddress, nodePods, nodeSix, HIGHEST_NODE_NUMBER, type AddressPlan, type LinkKind, type Machine, type MachineNode } from '../../machine/index.ts';

/** What a node says of the machine it is on, for the other machines: each node of itself. */
export const MACHINE = 'wherry.dev/machine';
const LINKS = 'wherry.dev/machine-links';
const BACKEND = 'wherry.dev/machine-backend';
const WIREGUARD_KEY = 'wherry.dev/wireguard-key';
const LINK_LOCAL = 'wherry.dev/machine-link-local';
/** A node that goes for good says so with this, for it may not remove itself. */
export const LEAVING = 'wherry.dev/leaving';

/** A machine without its nodes. */
export type MachineSelf = Omit<Machine, 'nodes'>;

export function annotationsOf({ address, offers, wants, wireguardKey, linkLocal }: MachineSelf): Record<string, string | null> {
  return { [MACHINE]: address, [LINKS]: offers.join(','), [BACKEND]: wants ?? null, [WIREGUARD_KEY]: wireguardKey ?? null, [LINK_LOCAL]: linkLocal ?? null };
}

/** What the node's annotations lack of these, as a merge patch; undefined when nothing. */
export function missingAnnotations({ metadata }: Node, wanted: Readonly<Record<string, string | null>>): Record<string, string | null> | undefined {
  const missing = Object.entries(wanted).filter(([name, value]) => (metadata.annotations?.[name] ?? null) !== value);
  return missing.length > 0 ? Object.fromEntries(missing) : undefined;
}

/** The number that the node's pod range gives it, and with it all its addresses; undefined while it has none of this cluster's. */
export function numberOf({ spec }: Node, plan: AddressPlan): number | undefined {
  const number = Number(/^\d+\.\d+\.(\d+)\.0\/24$/.exec(spec?.podCIDR ?? '')?.[1] ?? 0);
  return number >= 1 && number <= HIGHEST_NODE_NUMBER && spec?.podCIDR === nodePods(plan, number) ? number : undefined;
}

export function machineNode(node: Node, plan: AddressPlan): MachineNode | undefined {
  const number = numberOf(node, plan);
  if (number === undefined) return undefined;
  const six = nodeSix(plan, number);
  return { address: nodeAddress(plan, number), podCidr: nodePods(plan, number), ...(node.spec?.podCIDRs?.includes(six.pods) && { six }) };
}

/** The machine's own address, as the node says it, where it is one. */
export function machineAddressOf({ metadata }: Node): string | undefined {
  const address = metadata.annotations?.[MACHINE];
  return address !== undefined && isMachineAddress(address) ? address : undefined;
}

/** Whether the node is on the machine with this address, or says of no machine; `host` absent: there is but one machine. */
export function isOnMachine(node: Node, host: string | undefined): boolean {
  const address = machineAddressOf(node);
  return address === undefined || host === undefined || hostOf({ address }) === host;
}

/** The machines of the cluster, by their nodes. What is no address or key is as if it were not said: it goes into commands. */
export function machinesOf(nodes: readonly Node[], plan: AddressPlan): Machine[] {
  const machines = new Map<string, Machine>();
  for (const node of nodes.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    const address = machineAddressOf(node);
    const place = machineNode(node, plan);
    if (address === undefined || !place) continue;
    const { [LINKS]: links = '', [BACKEND]: backend, [WIREGUARD_KEY]: key, [LINK_LOCAL]: linkLocal } = node.metadata.annotations!;
    const known = machines.get(address);
    machines.set(address, known ? { ...known, nodes: [...known.nodes, place] } : {
      address, offers: links.split(',').filter(isLinkKind), ...(backend !== undefined && isLinkKind(backend) && { wants: backend }),
      ...(key !== undefined && /^[A-Za-z0-9+/]{43}=$/.test(key) && { wireguardKey: key }), ...(linkLocal !== undefined && isLinkLocal(linkLocal) && { linkLocal }), nodes: [place],
    });
  }
  return [...machines.values()];
}

export function isLinkKind(text: string): text is LinkKind {
  return (LINK_KINDS as readonly string[]).includes(text);
}

/** The nodes of other machines than the one with this address. */
export function nodesElsewhere(nodes: readonly Node[], plan: AddressPlan, host: string): MachineNode[] {
  return machinesOf(nodes, plan).filter((machine) => hostOf(machine) !== host).flatMap((machine) => machine.nodes);
}
