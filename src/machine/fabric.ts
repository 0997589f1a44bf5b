import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Log } from '../base/log.ts';
import { readIfThere } from '../base/read-if-there.ts';
import { addressPlan, hardwareAddress, type AddressPlan } from './address-plan.ts';
import { deleteLink } from './delete-link.ts';
import { closeFirewall, openFirewall } from './firewall-openings.ts';
import { removeLinks } from './link-devices.ts';
import { removeMountPoints } from './mount-points.ts';
import {
  conflictingRoute, EGRESS_CHAIN, fabricRules, fabricRulesSix, fabricTable, FORWARDING_WAS_OFF, guardedRanges, isGuard, leakGuard, leakGuardSix, MACHINES_CHAIN, parseNameservers, type LoopbackForward, type OtherMachines, type RouteRow, overlaps,
} from './root-network.ts';
import { CommandError, run } from './run.ts';

/** Where images of one registry come from instead. */
export interface RegistryMirror {
  /** As in image names, `docker.io`; `_default` for all that have no mirror of their own. */
  readonly host: string;
  readonly url: string;
}

export interface FabricOptions {
  readonly profile: string;
  readonly index: number;
  /** Whether nodes and pods may reach what is outside of this machine. */
  readonly egress: boolean;
  /** Whether it has addresses of IPv6 as well. */
  readonly dual?: boolean;
  /** A registry on the host's loopback is made reachable from the nodes. */
  readonly mirrors?: readonly RegistryMirror[];
  /** Present: other machines have, or may get, nodes of the cluster. */
  readonly machines?: OtherMachines;
  readonly log: Log;
}

/** What all nodes of a cluster stand on: the bridge and what guards it. */
export interface Fabric {
  readonly profile: string;
  readonly plan: AddressPlan;
  readonly egress: boolean;
  readonly dual: boolean;
  /** The mirrors under the addresses that nodes use. */
  readonly mirrors: readonly RegistryMirror[];
  /** Nameservers for names outside of the cluster, as nodes reach them; none without egress. */
  readonly resolvers: readonly string[];
  /** What had to be done, one sentence each; empty when all was there. */
  readonly did: readonly string[];
  /** Takes all of it away again. Nodes must be gone. */
  destroy(): Promise<void>;
}

/**
 * Lays the ground that all nodes share: first the leak guard, then the bridge, then the host's rules. Everything is found by
 * name, so it may be called again at any time, by any process. Rejects when something else uses the addresses.
 */
export async function createFabric(options: FabricOptions): Promise<Fabric> {
  const { profile, index, egress, dual = false, machines, log } = options;
  const mustForward = egress || machines !== undefined;
  const plan = addressPlan(index);
  const did: string[] = [];
  await refuseConflicts(profile, plan);
  if (dual && !hasIPv6()) throw new Error('this machine has no IPv6, which a cluster of both families needs');
  if (dual) await run(['ip', '-6', '-batch', '-'], { input: leakGuardSix(plan, 'replace') });

  const isNew = !existsSync(`/sys/class/net/${plan.bridge}`);
  if (isNew) did.push(`made bridge ${plan.bridge} with ${plan.host}`);
  // In this order: the guard stands before there is anything to guard.
  await run(['ip', '-batch', '-'], { input: leakGuard(plan, 'replace') + [
    ...(isNew ? [`link add ${plan.bridge} address ${hardwareAddress(plan.host)} type bridge stp_state 0 forward_delay 0`] : []),
    `link set ${plan.bridge} alias ${bridgeAlias(profile)}`,
    `addr replace ${plan.host}/24 dev ${plan.bridge}`,
    `addr replace ${plan.hostLoopback}/24 dev ${plan.bridge}`,
    `link set ${plan.bridge} up`,
    '',
  ].join('\n') });

  if (dual) {
    await run(['ip', '-6', 'addr', 'replace', `${plan.six.host}/64`, 'dev', plan.bridge, 'nodad']);
    did.push(...(await guardSix(plan, machines !== undefined)));
  }
  const { mirrors, forwards, resolvers } = reachableFromNodes(plan, options.mirrors ?? [], egress ? hostNameservers() : []);
  if (forwards.length > 0) writeFileSync(`/proc/sys/net/ipv4/conf/${plan.bridge}/route_localnet`, '1');
  const known = await listChains(plan);
  let forwardingWasOff = known?.includes(FORWARDING_WAS_OFF) ?? false;
  if (mustForward && readFileSync(FORWARDING, 'utf8').trim() === '0') forwardingWasOff = true;
  // The remark is in place before the change it remembers.
  await run(['nft', '-f', '-'], { input: fabricRules({ plan, egress, forwards, forwardingWasOff, ...(machines && { machines }) }) });
  if (mustForward && readFileSync(FORWARDING, 'utf8').trim() === '0') {
    writeFileSync(FORWARDING, '1');
    did.push('turned on forwarding of IPv4');
  }
  if (!known) did.push(`made nft table ${fabricTable(plan)} (egress ${egress ? 'on' : 'off'})`);
  did.push(...(await openFirewall(plan.bridge)));
  for (const sentence of did) log.info(sentence);
  return { profile, plan, egress, dual, mirrors, resolvers, did, destroy: () => destroyFabric({ profile, index }) };
}

/**
 * Removes what `createFabric` made, in whatever state it is; finds it by name. With `keepGuard` all but the leak guard: a cluster that is stopped has
 * its addresses still, and who goes on asking for them (a browser, a script) must not ask the network outside.
 */
export async function destroyFabric(options: { readonly profile: string; readonly index: number; readonly keepGuard?: boolean }): Promise<void> {
  const { profile, index, keepGuard = false } = options;
  const plan = addressPlan(index);
  const chains = await listChains(plan);
  if (chains) {
    if (chains.includes(FORWARDING_WAS_OFF)) await handOverForwarding(plan);
    await run(['nft', 'delete', 'table', 'ip', fabricTable(plan)]);
  }
  if (hasIPv6()) {
    const six = await listChains(plan, 'ip6');
    if (six?.includes(FORWARDING_WAS_OFF)) await handOverForwardingSix(plan, six);
    if (six) await run(['nft', 'delete', 'table', 'ip6', fabricTable(plan)]);
  }
  if (readAlias(plan.bridge) === bridgeAlias(profile)) {
    await closeFirewall(plan.bridge);
    const links = readdirSync('/sys/class/net').filter((name) => name.startsWith(`wh${index}n`));
    await removeLinks(plan);
    for (const link of [...links, plan.bridge]) await deleteLink(link);
  }
  if (!readdirSync('/sys/class/net').some((name) => /^wherry\d+$/.test(name))) removeMountPoints();
  if (keepGuard) return;
  const guards = await readRoutes(['show', 'type', 'unreachable']);
  const ours = guardedRanges(plan);
  if (guards.some((route) => ours.includes(route.dst)) && !existsSync(`/sys/class/net/${plan.bridge}`)) {
    await run(['ip', '-force', '-batch', '-'], { input: leakGuard(plan, 'del') });
  }
  if (hasIPv6() && !existsSync(`/sys/class/net/${plan.bridge}`)) {
    const six = await readRoutes(['show', 'type', 'unreachable'], '-6');
    if (six.some((route) => route.dst === plan.six.pods && isGuard(route))) await run(['ip', '-6', '-force', '-batch', '-'], { input: leakGuardSix(plan, 'del') });
  }
}

/** The ranges of the cluster that the leak guard keeps on this machine: all of them, or none after the machine was started anew. */
export async function guardedNow(index: number): Promise<string[]> {
  const ours = guardedRanges(addressPlan(index));
  return (await readRoutes(['show', 'type', 'unreachable'])).filter((route) => isGuard(route) && ours.includes(route.dst)).map(({ dst }) => dst);
}

/** Whether the kernel knows IPv6. */
export function hasIPv6(): boolean {
  return existsSync('/proc/net/if_inet6');
}

const FORWARDING = '/proc/sys/net/ipv4/ip_forward';

/** The last cluster that needs forwarding turns it off; as long as there is another, that one gets the duty. */
async function handOverForwarding(plan: AddressPlan): Promise<void> {
  const heir = await heirOf(plan, 'ip', [EGRESS_CHAIN, MACHINES_CHAIN]);
  if (heir) await run(['nft', 'add', 'chain', 'ip', heir, FORWARDING_WAS_OFF]);
  else writeFileSync(FORWARDING, '0');
}

const CONF_SIX = '/proc/sys/net/ipv6/conf';
const FORWARDING_SIX = `${CONF_SIX}/all/forwarding`;
/** A chain of this name says of an interface that it took router advertisements because the machine did not forward. */
const ADVERTISED = 'advertised-';

/**
 * The rules for IPv6, and forwarding where there are other machines. A machine that forwards takes no router advertisements any more, and would lose its own way out by that: interfaces
 * that did are told to go on. Resolves to what was changed, a sentence each.
 */
async function guardSix(plan: AddressPlan, machines: boolean): Promise<string[]> {
  const isOff = machines && readFileSync(FORWARDING_SIX, 'utf8').trim() === '0';
  const known = (await listChains(plan, 'ip6')) ?? [];
  const advertised = isOff ? readdirSync(CONF_SIX).filter((name) => /^[\w-]+$/.test(name) && name !== 'all' && name !== 'default' && readIfThere(`${CONF_SIX}/${name}/accept_ra`)?.trim() === '1' && !/^(lo|wherry|wh\d)/.test(name)) : [];
  const remarks = new Set([...known.filter((name) => name === FORWARDING_WAS_OFF || name.startsWith(ADVERTISED)), ...(isOff ? [FORWARDING_WAS_OFF] : []), ...advertised.map((name) => `${ADVERTISED}${name}`)]);
  // The remarks are in place before the changes that they remember.
  await run(['nft', '-f', '-'], { input: fabricRulesSix(plan, { machines, remarks: [...remarks] }) });
  if (!isOff) return [];
  for (const name of advertised) writeFileSync(`${CONF_SIX}/${name}/accept_ra`, '2');
  writeFileSync(FORWARDING_SIX, '1');
  return ['turned on forwarding of IPv6'];
}

/** As `handOverForwarding`. */
async function handOverForwardingSix(plan: AddressPlan, chains: readonly string[]): Promise<void> {
  const remarks = chains.filter((name) => name === FORWARDING_WAS_OFF || name.startsWith(ADVERTISED));
  const heir = await heirOf(plan, 'ip6', [MACHINES_CHAIN]);
  if (heir) {
    for (const name of remarks) await run(['nft', 'add', 'chain', 'ip6', heir, name]);
    return;
  }
  writeFileSync(FORWARDING_SIX, '0');
  for (const name of remarks.filter((one) => one.startsWith(ADVERTISED))) {
    const file = `${CONF_SIX}/${name.slice(ADVERTISED.length)}/accept_ra`;
    if (existsSync(file)) writeFileSync(file, '1');
  }
}

/** The table of another cluster that needs the host to forward, as one of these chains in it says. */
async function heirOf(plan: AddressPlan, family: 'ip' | 'ip6', chains: readonly string[]): Promise<string | undefined> {
  const listed = JSON.parse(await run(['nft', '-j', 'list', 'chains'])) as { nftables: { chain?: { family: string; table: string; name: string } }[] };
  return listed.nftables.find(({ chain }) => chain?.family === family && chains.includes(chain.name) && /^wherry\d+$/.test(chain.table) && chain.table !== fabricTable(plan))?.chain?.table;
}

async function refuseConflicts(profile: string, plan: AddressPlan): Promise<void> {
  const alias = readAlias(plan.bridge);
  if (alias !== undefined && alias !== '' && alias !== bridgeAlias(profile)) {
    throw new Error(`cluster number ${plan.index} is taken: bridge ${plan.bridge} belongs to ${JSON.stringify(alias)}`);
  }
  const other = conflictingRoute(await readRoutes(['show', 'table', 'main']), plan);
  if (other) {
    throw new Error(`addresses of cluster number ${plan.index} are in use on this machine: there is a route to ${other.dst}${other.dev ? ` by ${other.dev}` : ''}; a cluster of another number would use others`);
  }
}

async function readRoutes(words: readonly string[], family: '-4' | '-6' = '-4'): Promise<RouteRow[]> {
  return JSON.parse((await run(['ip', '-j', family, 'route', ...words])) || '[]') as RouteRow[];
}

/** One word: `ip -batch` splits at blanks. */
function bridgeAlias(profile: string): string {
  return `wherry-profile-${profile}`;
}

function readAlias(link: string): string | undefined {
  try {
    return readFileSync(`/sys/class/net/${link}/ifalias`, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Names of the chains of the cluster's table; undefined when there is no table. */
async function listChains(plan: AddressPlan, family: 'ip' | 'ip6' = 'ip'): Promise<string[] | undefined> {
  try {
    const listed = JSON.parse(await run(['nft', '-j', 'list', 'table', family, fabricTable(plan)])) as { nftables: { chain?: { name: string } }[] };
    return listed.nftables.flatMap(({ chain }) => chain?.name ?? []);
  } catch (error) {
    if (error instanceof CommandError && /No such file or directory/.test(error.stderr)) return undefined;
    throw error;
  }
}

/** Whether the ranges of the cluster would hide a nameserver of this machine behind the leak guard. */
export function hidesNameserver(plan: AddressPlan): boolean {
  return hostNameservers().some((address) => isIP(address) === 4 && guardedRanges(plan).some((range) => overlaps(address, range)));
}

/** The resolvers of this machine. Where those are only systemd's stub, which answers nobody but the host, the ones behind it. */
function hostNameservers(): string[] {
  const configured = parseNameservers(readIfThere('/etc/resolv.conf') ?? '');
  if (!configured.every((address) => address === '127.0.0.53' || address === '127.0.0.54')) return configured;
  const behind = parseNameservers(readIfThere('/run/systemd/resolve/resolv.conf') ?? '');
  return behind.length > 0 ? behind : configured;
}

/**
 * What listens on one of the host's own addresses (a registry, systemd's resolver) is given to the nodes under a port of
 * `hostLoopback`; the kernel forwards, so that it works while no process of ours runs.
 */
function reachableFromNodes(plan: AddressPlan, mirrors: readonly RegistryMirror[], nameservers: readonly string[]):
{ mirrors: RegistryMirror[]; forwards: LoopbackForward[]; resolvers: string[] } {
  const own = new Set(Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? []));
  const forwards: LoopbackForward[] = [];
  const forward = (to: string, toPort: number, protocols: readonly ('tcp' | 'udp')[]): number => {
    const same = forwards.find((other) => other.to === to && other.toPort === toPort);
    if (same) return same.port;
    let port = toPort;
    while (forwards.some((other) => other.port === port)) port = port === 65535 ? 1024 : port + 1;
    forwards.push({ port, to, toPort, protocols });
    return port;
  };
  const resolvers = nameservers.flatMap((address) => {
    if (isIP(address) !== 4) return [];
    if (!address.startsWith('127.')) return [address];
    forward(address, 53, ['udp', 'tcp']);
    return [plan.hostLoopback];
  });
  const reachable = mirrors.map((mirror) => {
    const url = new URL(mirror.url);
    const address = url.hostname === 'localhost' ? '127.0.0.1' : url.hostname;
    if (!address.startsWith('127.') && !own.has(address)) return mirror;
    const port = forward(address, Number(url.port) || (url.protocol === 'https:' ? 443 : 80), ['tcp']);
    return { host: mirror.host, url: `${url.protocol}//${plan.hostLoopback}:${port}${url.pathname.replace(/\/$/, '')}` };
  });
  return { mirrors: reachable, forwards, resolvers: [...new Set(resolvers)] };
}
