import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hardwareAddress, type AddressPlan } from './address-plan.ts';
import { unlessGone } from './delete-link.ts';
import {
  hostOf, isLinkLocal, linkPlan, OVERHEAD, vxlanDevice, VXLAN_PORT, vxlanNumber, wireguardConfiguration, wireguardDevice, type LinkKind, type LinkPlan, type Machine,
} from './machine-links.ts';
import { findProgram } from './program-versions.ts';
import { isWithinSix, LINK_PROTOCOL, overlaps, type RouteRow } from './root-network.ts';
import { CommandError, run } from './run.ts';

/** Puts before a command what runs it in the network of the machine; as it is for who is there already. */
export type EnterNetwork = (argv: readonly string[]) => string[];
const stay: EnterNetwork = (argv) => [...argv];

/** Why this machine cannot make such links; undefined: it can. */
export async function linkFault(kind: LinkKind, enter: EnterNetwork = stay): Promise<{ readonly fault: string; readonly remedy: string } | undefined> {
  if (kind === 'host-gw') return undefined;
  if (kind === 'wireguard' && !findProgram('wg')) return { fault: 'the program wg is not there', remedy: 'apt-get install wireguard-tools' };
  const name = `wherry-try-${process.pid % 10_000}`;
  try {
    await run(enter(['ip', 'link', 'add', name, 'type', kind, ...(kind === 'vxlan' ? ['id', '16777215', 'dstport', String(VXLAN_PORT)] : [])]));
  } catch (error) {
    // Somebody else tries at this moment, and could.
    if (error instanceof CommandError && /already exists/.test(error.stderr)) return undefined;
    if (!isUnknownKind(error)) throw error;
    if (kind === 'wireguard' && userspaceWireguard()) return undefined;
    return { fault: `its kernel has no ${kind === 'vxlan' ? 'VXLAN' : 'WireGuard'} (${error.stderr.trim()})`, remedy: `a kernel that has it (modprobe ${kind})${kind === 'wireguard' ? ', or apt-get install wireguard-go' : ''}, or another --backend` };
  }
  await unlessGone(run(enter(['ip', 'link', 'del', name])));
  return undefined;
}

/** The kernel lacks what a device of this kind needs. */
function isUnknownKind(error: unknown): error is CommandError {
  return error instanceof CommandError && /Unknown device type|not supported/i.test(error.stderr);
}

/** WireGuard as a program, for kernels that have none, as wg-quick uses it; the program ends with its device. */
function userspaceWireguard(): string | undefined {
  return existsSync('/dev/net/tun') ? findProgram('wireguard-go') : undefined;
}

/** What this machine can do. */
export async function offeredLinks(enter: EnterNetwork = stay): Promise<LinkKind[]> {
  const kinds: LinkKind[] = ['host-gw'];
  for (const kind of ['vxlan', 'wireguard'] as const) if (!(await linkFault(kind, enter))) kinds.push(kind);
  return kinds;
}

/** The address as `192.168.50.2/24`, where it is one of this machine's. */
export async function machineAddress(host: string, enter: EnterNetwork = stay): Promise<string | undefined> {
  const [found] = await addresses(enter, ['to', `${host}/32`]);
  const own = found?.addr_info.find(({ local }) => local === host);
  return own && `${host}/${own.prefixlen}`;
}

/** Where neighbours may route IPv6 to: the link-local address of the interface that has `host`. */
export async function linkLocalAddress(host: string, enter: EnterNetwork = stay): Promise<string | undefined> {
  const [found] = await addresses(enter, ['to', `${host}/32`]);
  const rows = found ? await addresses(enter, ['dev', found.ifname, 'scope', 'link'], '-6') : [];
  return rows.flatMap(({ addr_info }) => addr_info).map(({ local }) => local).find(isLinkLocal);
}

type Family = '-4' | '-6';

interface AddressRow {
  readonly ifname: string;
  readonly mtu: number;
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

async function addresses(enter: EnterNetwork, words: readonly string[], family: Family = '-4'): Promise<AddressRow[]> {
  const rows = JSON.parse((await run(enter(['ip', '-j', family, 'addr', 'show', ...words]))) || '[]') as Partial<AddressRow>[];
  // Interfaces without a match are there as empty objects.
  return rows.filter((row): row is AddressRow => row.ifname !== undefined);
}

/**
 * Makes the machine's links to the others as they should be, and takes away those that should not be; idempotent. Resolves to the machines that cannot be reached.
 * `wireguardKey` is the private one, base64.
 */
export async function applyLinks(plan: AddressPlan, own: Machine, others: readonly Machine[], options: { readonly wireguardKey?: string; readonly enter?: EnterNetwork } = {}): Promise<readonly Machine[]> {
  const { wireguardKey, enter = stay } = options;
  const underlay = (await addresses(enter, ['to', `${hostOf(own)}/32`]))[0];
  const wanted = linkPlan(plan, own, others, underlay?.ifname ?? '');
  if (!underlay) throw new Error(`this machine has lost its address ${hostOf(own)}, under which the cluster's other machines know it`);
  await setGateway(plan, wanted.gateway, enter);
  if (wanted.gatewaySix !== undefined) await setGatewaySix(plan, wanted.gatewaySix, enter);
  await setVxlan(plan, own, wanted.vxlan, underlay.mtu, enter);
  await setWireguard(plan, wireguardKey, wanted.wireguard, underlay.mtu, enter);
  await setLinkRoutes(plan, wanted.routes, enter);
  if (wanted.gatewaySix !== undefined) await setLinkRoutes(plan, wanted.routesSix, enter, '-6');
  return wanted.unlinked;
}

/** Takes all links of the cluster away, of this network namespace. */
export async function removeLinks(plan: AddressPlan): Promise<void> {
  await setLinkRoutes(plan, new Map(), stay);
  if (existsSync('/proc/net/if_inet6')) await setLinkRoutes(plan, new Map(), stay, '-6');
  for (const device of [vxlanDevice(plan), wireguardDevice(plan)]) if (existsSync(`/sys/class/net/${device}`)) await unlessGone(run(['ip', 'link', 'del', device]));
}

async function setGateway(plan: AddressPlan, gateway: string | undefined, enter: EnterNetwork): Promise<void> {
  const present = (await addresses(enter, ['dev', plan.bridge])).flatMap((row) => row.addr_info).filter(({ local }) => overlaps(local, plan.pods)).map(({ local }) => local);
  if (gateway !== undefined && !present.includes(gateway)) await run(enter(['ip', 'addr', 'add', `${gateway}/32`, 'dev', plan.bridge]));
  for (const stale of present) if (stale !== gateway) await unlessGone(run(enter(['ip', 'addr', 'del', `${stale}/32`, 'dev', plan.bridge])));
}

async function setGatewaySix(plan: AddressPlan, gateway: string, enter: EnterNetwork): Promise<void> {
  const present = (await addresses(enter, ['dev', plan.bridge], '-6')).flatMap((row) => row.addr_info).map(({ local }) => local).filter((local) => isWithinSix(plan.six.pods, local));
  if (!present.includes(gateway)) await run(enter(['ip', '-6', 'addr', 'add', `${gateway}/128`, 'dev', plan.bridge, 'nodad']));
  for (const stale of present) if (stale !== gateway) await unlessGone(run(enter(['ip', '-6', 'addr', 'del', `${stale}/128`, 'dev', plan.bridge])));
}

/** Routes to other machines' nodes and pods: destination → the rest of the command. Those of other clusters stay. */
export async function setLinkRoutes(plan: AddressPlan, wanted: ReadonlyMap<string, string>, enter: EnterNetwork, family: Family = '-4'): Promise<void> {
  const rows = JSON.parse((await run(enter(['ip', '-j', family, 'route', 'show', 'proto', String(LINK_PROTOCOL)]))) || '[]') as RouteRow[];
  const stale = rows.filter(({ dst }) => !wanted.has(dst) && (family === '-4' ? overlaps(dst, plan.pods) || overlaps(dst, plan.fabric) : isWithinSix(plan.six.pods, dst) || isWithinSix(plan.six.fabric, dst)));
  for (const { dst } of stale) await unlessGone(run(enter(['ip', family, 'route', 'del', dst, 'proto', String(LINK_PROTOCOL)])));
  const lines = [...wanted].map(([destination, way]) => `route replace ${destination} ${way} proto ${LINK_PROTOCOL}\n`);
  if (lines.length > 0) await run(enter(['ip', family, '-batch', '-']), { input: lines.join('') });
}

async function exists(device: string, enter: EnterNetwork): Promise<boolean> {
  try {
    await run(enter(['ip', 'link', 'show', 'dev', device]));
    return true;
  } catch (error) {
    if (error instanceof CommandError && /does not exist/.test(error.stderr)) return false;
    throw error;
  }
}

async function setVxlan(plan: AddressPlan, own: Machine, wanted: LinkPlan['vxlan'], underlayMtu: number, enter: EnterNetwork): Promise<void> {
  const device = vxlanDevice(plan);
  const present = await exists(device, enter);
  if (wanted.size === 0) {
    if (present) await unlessGone(run(enter(['ip', 'link', 'del', device])));
    return;
  }
  const host = hostOf(own);
  if (!present) {
    await run(enter(['ip', 'link', 'add', device, 'address', hardwareAddress(host), 'type', 'vxlan', 'id', String(vxlanNumber(plan)), 'local', host, 'dstport', String(VXLAN_PORT), 'nolearning']));
  }
  await run(enter(['ip', 'link', 'set', device, 'mtu', String(underlayMtu - OVERHEAD.vxlan), 'up']));
  const entries = JSON.parse((await run(enter(['bridge', '-j', 'fdb', 'show', 'dev', device]))) || '[]') as { readonly mac: string; readonly dst?: string }[];
  for (const { mac, dst } of entries) if (dst !== undefined && wanted.get(mac)?.host !== dst) await unlessGone(run(enter(['bridge', 'fdb', 'del', mac, 'dev', device, 'dst', dst, 'self'])));
  const neighbours = JSON.parse((await run(enter(['ip', '-j', 'neigh', 'show', 'dev', device, 'nud', 'permanent']))) || '[]') as { readonly dst: string; readonly lladdr?: string }[];
  const gateways = new Set([...wanted.values()].flatMap(({ gateway, gatewaySix }) => [gateway, gatewaySix]));
  for (const { dst } of neighbours) if (!gateways.has(dst)) await unlessGone(run(enter(['ip', 'neigh', 'del', dst, 'dev', device])));
  for (const [mac, { host: far, gateway, gatewaySix }] of wanted) {
    await run(enter(['bridge', 'fdb', 'replace', mac, 'dev', device, 'dst', far, 'self', 'permanent']));
    for (const one of [gateway, ...(gatewaySix === undefined ? [] : [gatewaySix])]) await run(enter(['ip', 'neigh', 'replace', one, 'lladdr', mac, 'dev', device, 'nud', 'permanent']));
  }
}

async function setWireguard(plan: AddressPlan, privateKey: string | undefined, peers: LinkPlan['wireguard'], underlayMtu: number, enter: EnterNetwork): Promise<void> {
  const device = wireguardDevice(plan);
  const present = await exists(device, enter);
  if (peers.length === 0 || privateKey === undefined) {
    if (present) await unlessGone(run(enter(['ip', 'link', 'del', device])));
    return;
  }
  if (!present) {
    await run(enter(['ip', 'link', 'add', device, 'type', 'wireguard'])).catch(async (error: unknown) => {
      const program = userspaceWireguard();
      if (!program || !isUnknownKind(error)) throw error;
      await run(enter([program, device]));
    });
  }
  // A file, for the key must not be read in the list of processes; syncconf leaves the sessions of peers that stay alone.
  const folder = mkdtempSync(join(tmpdir(), 'wherry-wg-'));
  try {
    const file = join(folder, 'wg.conf');
    writeFileSync(file, wireguardConfiguration(plan, privateKey, peers), { mode: 0o600 });
    await run(enter(['wg', present ? 'syncconf' : 'setconf', device, file]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  await run(enter(['ip', 'link', 'set', device, 'mtu', String(underlayMtu - OVERHEAD.wireguard), 'up']));
}
