import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, realpathSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { addressPlan, hardwareAddress, nodeAddress, nodeLink, nodePods, nodeSix, type AddressPlan } from './address-plan.ts';
import { cgroupMode, nodeCgroup, removeCgroup } from './cgroups.ts';
import { cniConfig } from './containerd-config.ts';
import { deleteLink, unlessGone } from './delete-link.ts';
import type { Fabric } from './fabric.ts';
import { makeMountPoints } from './mount-points.ts';
import { readMounts, type Mount } from './mounts.ts';
import { killNodeProcesses } from './node-processes.ts';
import { recordProcess, type ProcessRecord } from './process-record.ts';
import { ROUTE_PROTOCOL, type RouteRow } from './root-network.ts';
import { CommandError, run } from './run.ts';

export interface NodeName {
  readonly profile: string;
  readonly nodeName: string;
  /** Counts from 1. */
  readonly number: number;
  readonly index: number;
  readonly dataDir: string;
  /** Whether it has addresses of IPv6 as well; default no. */
  readonly dual?: boolean;
}

/** A node's namespaces and files, whether they are there or not. */
export interface NodeGround extends NodeName {
  readonly plan: AddressPlan;
  /** On the bridge. */
  readonly address: string;
  readonly podCidr: string;
  /** Of IPv6, where it has any. */
  readonly six?: { readonly address: string; readonly pods: string };
  /** All files of the node, kept over stop and start. */
  readonly directory: string;
  /** Memory of the running node (a tmpfs inside its mount namespace): gone when the node is released. */
  readonly state: string;
  /** The parent of the node's cgroups: the kubelet's `/kubepods` belongs under it. */
  readonly cgroup: string;
  /** The same command, inside the node's network, mount and host name namespaces. Its working directory is `/`. */
  enter(argv: readonly string[]): string[];
  /** Starts a child inside the node, which ends no later than its parent wants. */
  spawn(argv: readonly string[], options?: { readonly env?: NodeJS.ProcessEnv; readonly stdio?: 'inherit' | 'pipe' | 'ignore' }): ChildProcess;
  /** Starts a process inside the node that outlives us; output is appended to `logFile`, the process is noted in `pidFile`. */
  launch(argv: readonly string[], options: { readonly logFile: string; readonly pidFile: string; readonly env?: NodeJS.ProcessEnv }): ProcessRecord;
  /** Routes to the pods of exactly these other nodes. */
  setPeers(numbers: readonly number[]): Promise<void>;
}

export interface NodeGroundOptions extends Omit<NodeName, 'index' | 'dual'> {
  readonly fabric: Fabric;
  /** Numbers of the cluster's other nodes. */
  readonly peers?: readonly number[];
  readonly clock: Clock;
  readonly log: Log;
}

/** The node's names and how to get into it; changes nothing. With `inside`, for a process that is in the node already. */
export function nodeGround(name: NodeName, { inside = false }: { readonly inside?: boolean } = {}): NodeGround {
  const plan = addressPlan(name.index);
  const dataDir = realPath(name.dataDir);
  const directory = join(dataDir, 'nodes', name.nodeName);
  const files = namespaceFiles(dataDir, name.nodeName);
  const enter = (argv: readonly string[]): string[] => (inside ? [...argv] : ['nsenter', `--net=${files.net}`, `--uts=${files.uts}`, `--mount=${files.mnt}`, '--', ...argv]);
  return {
    ...name, dataDir, plan, directory, enter,
    address: nodeAddress(plan, name.number),
    podCidr: nodePods(plan, name.number),
    ...(name.dual && { six: nodeSix(plan, name.number) }),
    state: join(directory, 'state'),
    cgroup: nodeCgroup(name.index, name.nodeName),
    spawn(argv, { env, stdio = 'pipe' } = {}) {
      const [command, ...rest] = enter(argv) as [string, ...string[]];
      return spawn(command, rest, { stdio, ...(env ? { env } : {}) });
    },
    launch(argv, { logFile, pidFile, env }) {
      const [command, ...rest] = enter(argv) as [string, ...string[]];
      const output = openSync(logFile, 'a');
      try {
        const child = spawn(command, rest, { detached: true, stdio: ['ignore', output, output], ...(env ? { env } : {}) });
        if (child.pid === undefined) throw new CommandError(argv, undefined, `${command} could not be started`);
        child.unref();
        return recordProcess(pidFile, child.pid);
      } finally {
        closeSync(output);
      }
    },
    async setPeers(numbers) {
      await setPeers(enter, '-4', new Map(numbers.map((number) => [nodePods(plan, number), nodeAddress(plan, number)])));
      if (name.dual) await setPeers(enter, '-6', new Map(numbers.map((number) => nodeSix(plan, number)).map(({ pods, address }) => [pods, address])));
    },
  };
}

/**
 * Makes the node: namespaces that live as long as nobody takes them away (bind-mounted under `DATADIR/run`), the cable to the
 * bridge, addresses and routes. What is there already is left in place, so a restarted server finds its running nodes.
 */
export async function createNodeGround(options: NodeGroundOptions): Promise<NodeGround> {
  const { fabric, clock, log, peers = [] } = options;
  const ground = nodeGround({ profile: options.profile, nodeName: options.nodeName, number: options.number, index: fabric.plan.index, dataDir: options.dataDir, dual: fabric.dual });
  mkdirSync(join(ground.directory, 'cni', 'net.d'), { recursive: true });
  mkdirSync(ground.state, { recursive: true });
  mkdirSync(join(ground.directory, 'local-path'), { recursive: true });
  writeFileSync(join(ground.directory, 'cni', 'net.d', '10-wherry.conflist'), cniConfig({ podCidr: ground.podCidr, ...(ground.six && { podCidrSix: ground.six.pods }), leases: join(ground.state, 'leases') }));
  writeFileSync(join(ground.directory, 'resolv.conf'), `# Written by wherry: what this node asks for names outside of the cluster.\n${fabric.resolvers.map((address) => `nameserver ${address}\n`).join('')}`);
  if (!(await isComplete(ground))) {
    await clearNode(ground, clock);
    await makeNamespaces(ground);
    log.info('made the namespaces of a node', { node: ground.nodeName, address: ground.address, pods: ground.podCidr });
  }
  await connect(ground, fabric);
  await ground.setPeers(peers);
  return ground;
}

/**
 * Takes the node's processes, namespaces, cable, routes and cgroups away, in whatever state they are; its files stay unless
 * `removeData`. Works without any memory of how the node came to be.
 */
export async function releaseNodeGround(name: NodeName, options: { readonly clock: Clock; readonly removeData?: boolean }): Promise<void> {
  const ground = nodeGround(name);
  await clearNode(ground, options.clock);
  for (const parent of [dirname(ground.cgroup), '/wherry']) {
    await removeCgroup(parent, { clock: options.clock, patienceMs: 0 }).catch(() => 'another node or cluster still uses it');
  }
  removeRunDirectory(ground.dataDir);
  if (options.removeData) rmSync(ground.directory, { recursive: true, force: true });
}

/** What is the node's alone; several nodes may be cleared at once. */
async function clearNode(ground: NodeGround, clock: Clock): Promise<void> {
  const { plan, dataDir, nodeName } = ground;
  await killNodeProcesses({ namespaces: namespaceFiles(dataDir, nodeName), cgroup: ground.cgroup }, clock);
  const mounted = readMounts().map((mount) => mount.target);
  for (const file of Object.values(namespaceFiles(dataDir, nodeName))) {
    for (const target of mounted) if (target === file) await run(['umount', '-l', file]);
    rmSync(file, { force: true });
  }
  await deleteLink(nodeLink(plan, ground.number));
  const routes = JSON.parse((await run(['ip', '-j', '-4', 'route', 'show', 'exact', ground.podCidr])) || '[]') as RouteRow[];
  for (const route of routes) if (route.protocol === String(ROUTE_PROTOCOL) && route.gateway) await unlessGone(run(['ip', 'route', 'del', ground.podCidr, 'via', route.gateway]));
  // Whether it was of both families is not asked: nobody may remember.
  const { pods } = nodeSix(plan, ground.number);
  if (existsSync('/proc/net/if_inet6')) {
    const six = JSON.parse((await run(['ip', '-j', '-6', 'route', 'show', 'exact', pods])) || '[]') as RouteRow[];
    if (six.some(({ protocol }) => protocol === String(ROUTE_PROTOCOL))) await unlessGone(run(['ip', '-6', 'route', 'del', pods, 'proto', String(ROUTE_PROTOCOL)]));
  }
  await removeCgroup(ground.cgroup, { clock });
}

/** Without awaiting anything in between, so that nodes made or removed at the same time cannot come between look and deed. */
function makeRunDirectory(dataDir: string): void {
  const directory = join(dataDir, 'run');
  mkdirSync(directory, { recursive: true });
  if (readMounts().some((mount) => mount.target === directory)) return;
  // A mount namespace can be bound only where mounts do not spread to others.
  execFileSync('mount', ['--bind', directory, directory]);
  execFileSync('mount', ['--make-private', directory]);
}

/** Others may keep files in there: those stay, for a folder mounted upon itself has the same contents when it is not. */
function removeRunDirectory(dataDir: string): void {
  const directory = join(dataDir, 'run');
  if (!existsSync(directory) || findNodeNames(dataDir).length > 0) return;
  for (const mount of readMounts()) if (mount.target === directory) execFileSync('umount', ['-l', directory]);
  if (readdirSync(directory).length === 0) rmdirSync(directory);
}

/** The nodes whose namespaces are in the data directory, by name: for taking away what a killed process left. */
export function findNodeNames(dataDir: string): string[] {
  const runDirectory = join(realPath(dataDir), 'run');
  if (!existsSync(runDirectory)) return [];
  return [...new Set(readdirSync(runDirectory).filter((name) => /\.(net|uts|mnt)$/.test(name)).map((name) => name.replace(/\.(net|uts|mnt)$/, '')))];
}

/** As the kernel writes it in its list of mounts. What is not there yet is taken as it is. */
function realPath(path: string): string {
  const absolute = resolve(path);
  if (existsSync(absolute)) return realpathSync(absolute);
  const parent = dirname(absolute);
  return parent === absolute ? absolute : join(realPath(parent), basename(absolute));
}

function namespaceFiles(dataDir: string, nodeName: string): { net: string; uts: string; mnt: string } {
  const path = (kind: string): string => join(dataDir, 'run', `${nodeName}.${kind}`);
  return { net: path('net'), uts: path('uts'), mnt: path('mnt') };
}

async function isComplete(ground: NodeGround): Promise<boolean> {
  const mounted = new Set(readMounts().filter((mount) => mount.type === 'nsfs').map((mount) => mount.target));
  if (!Object.values(namespaceFiles(ground.dataDir, ground.nodeName)).every((file) => mounted.has(file))) return false;
  try {
    await run(ground.enter(['test', '-e', join(ground.state, COMPLETE)]));
    return true;
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === 1) return false;
    throw error;
  }
}

/** Written last into the node's tmpfs. */
const COMPLETE = '.ground';

const SETUP = `
set -e
state=$1 name=$2 dns=$3 resolv=$4 volumes=$5 unified=$6 instead=$7; shift 7
mount --make-rshared /
for other in "$@"; do umount -l "$other" 2>/dev/null || true; done
mount -t tmpfs -o mode=0755 wherry "$state"
mkdir "$state/containerd" "$state/cni" "$state/leases"
mount --bind "$state/containerd" /run/containerd
mount --bind "$state/cni" /var/lib/cni
mount --bind "$volumes" /var/lib/wherry/local-path
if [ -e /etc/resolv.conf ]; then mount --bind "$resolv" /etc/resolv.conf; fi
if [ -n "$unified" ]; then umount "$unified"; mount --bind "$instead" "$unified"; fi
hostname "$name"
set_sysctl() { if [ -e "/proc/sys/$1" ]; then echo "$2" > "/proc/sys/$1"; fi; }
set_sysctl net/ipv4/ip_forward 1
set_sysctl net/ipv4/conf/all/rp_filter 0
set_sysctl net/ipv4/conf/default/rp_filter 0
set_sysctl net/ipv4/conf/all/route_localnet 1
set_sysctl net/bridge/bridge-nf-call-iptables 0
ip link set lo up
ip addr add "$dns/32" dev lo
touch "$state/${COMPLETE}"
`;

async function makeNamespaces(ground: NodeGround): Promise<void> {
  const { dataDir, nodeName } = ground;
  const runDirectory = join(dataDir, 'run');
  makeRunDirectory(dataDir);
  const mounts = readMounts();
  const files = namespaceFiles(dataDir, nodeName);
  for (const file of Object.values(files)) writeFileSync(file, '');
  makeMountPoints();
  const [unified, instead] = hybridCgroups(mounts) ?? ['', ''];
  // A copy of someone's namespace file would keep that namespace alive as long as this node.
  const foreign = mounts.filter((mount) => mount.type === 'nsfs').map((mount) => mount.target);
  const make = [
    'unshare', `--net=${files.net}`, `--uts=${files.uts}`, `--mount=${files.mnt}`, '--propagation', 'slave', 'sh', '-c', SETUP, 'node-ground',
    ground.state, nodeName, ground.plan.dnsService, join(ground.directory, 'resolv.conf'), join(ground.directory, 'local-path'), unified, instead, ...foreign, runDirectory,
  ];
  try {
    await run(make);
  } catch (error) {
    if (!isOutOfOrder(error)) throw error;
    await makeOnSomeProcessor(make, files, error);
  }
}

/**
 * crun refuses a machine with both versions of cgroups, and without the second it makes plain folders in its place, one for each container, which nobody would see or remove.
 * So the node sees one of the first version there: what crun makes is a cgroup that it makes anyway, and goes with it.
 */
function hybridCgroups(mounts: readonly Mount[]): readonly [unified: string, instead: string] | undefined {
  if (cgroupMode(mounts) !== 'hybrid') return undefined;
  return [mounts.find(({ type }) => type === 'cgroup2')!.target, mounts.findLast(({ type }) => type === 'cgroup')!.target];
}

/**
 * A mount namespace can be bound only within an older one. Since Linux 6.18 age is told by numbers of which each processor has a batch of its own, so that a new
 * namespace may look older than the one that we are in, where that is not the machine's first (in a container): then it takes the right processor.
 */
function isOutOfOrder(error: unknown): error is CommandError {
  return error instanceof CommandError && /\/ns\/mnt on .* failed: Invalid argument/.test(error.stderr);
}

async function makeOnSomeProcessor(make: readonly string[], files: Readonly<Record<string, string>>, first: CommandError): Promise<void> {
  for (let processor = 0; processor < cpus().length; processor++) {
    const mounted = readMounts().map((mount) => mount.target);
    for (const file of Object.values(files)) if (mounted.includes(file)) await run(['umount', '-l', file]);
    try {
      await run(['taskset', '--cpu-list', String(processor), ...make]);
      return;
    } catch (error) {
      // Also a processor that we may not use.
      if (!isOutOfOrder(error) && !(error instanceof CommandError && /taskset/.test(error.stderr))) throw error;
    }
  }
  throw first;
}

async function connect(ground: NodeGround, fabric: Fabric): Promise<void> {
  const { plan, number, address, podCidr } = ground;
  const { net } = namespaceFiles(ground.dataDir, ground.nodeName);
  const link = nodeLink(plan, number);
  if (!existsSync(`/sys/class/net/${link}`)) await run(['ip', 'link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'address', hardwareAddress(address), 'netns', net]);
  await run(['ip', '-batch', '-'], { input: `link set ${link} master ${plan.bridge} up\n` });
  await run(['nsenter', `--net=${net}`, '--', 'ip', '-batch', '-'], { input: [
    `addr replace ${address}/24 dev eth0`,
    'link set eth0 up',
    // connect() looks for a route before the output hook gets to translate the address.
    `route replace ${plan.services} dev eth0 src ${address}`,
    `route replace unreachable ${plan.pods} metric 4294967295`,
    'route flush exact 0.0.0.0/0',
    ...(fabric.egress ? [`route replace default via ${plan.host}`] : []),
    '',
  ].join('\n') });
  await run(['ip', 'route', 'replace', podCidr, 'via', address, 'dev', plan.bridge, 'proto', String(ROUTE_PROTOCOL)]);
  if (ground.six) await connectSix(ground, ground.six, net);
}

/** No default route: addresses of IPv6 are for within the cluster. */
async function connectSix({ plan }: NodeGround, { address, pods }: { readonly address: string; readonly pods: string }, net: string): Promise<void> {
  const inside = ['nsenter', `--net=${net}`, '--'];
  await run([...inside, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding']);
  await run([...inside, 'ip', '-6', '-batch', '-'], { input: [
    `addr replace ${address}/64 dev eth0 nodad`,
    `route replace ${plan.six.services} dev eth0 src ${address}`,
    `route replace unreachable ${plan.six.pods} metric 4294967295`,
    '',
  ].join('\n') });
  await run(['ip', '-6', 'route', 'replace', pods, 'via', address, 'dev', plan.bridge, 'proto', String(ROUTE_PROTOCOL)]);
}

/** Routes to other nodes' pods: range → the node's address. */
async function setPeers(enter: NodeGround['enter'], family: '-4' | '-6', wanted: ReadonlyMap<string, string>): Promise<void> {
  const present = JSON.parse((await run(enter(['ip', '-j', family, 'route', 'show', 'proto', String(ROUTE_PROTOCOL)]))) || '[]') as RouteRow[];
  const lines = [
    ...present.filter((route) => !wanted.has(route.dst)).map((route) => `route del ${route.dst} proto ${ROUTE_PROTOCOL}\n`),
    ...[...wanted].map(([range, address]) => `route replace ${range} via ${address} proto ${ROUTE_PROTOCOL}\n`),
  ];
  if (lines.length > 0) await run(enter(['ip', family, '-batch', '-']), { input: lines.join('') });
}
