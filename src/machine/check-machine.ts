import { existsSync, readFileSync } from 'node:fs';
import { findCniPlugins, findProgram } from './program-versions.ts';

/** One thing that real containers need and this machine lacks. */
export interface MissingPiece {
  readonly what: string;
  readonly why: string;
  /** The Debian package that brings it, where a package can. */
  readonly package?: string;
}

export interface MachineCheck {
  readonly missing: readonly MissingPiece[];
  /** The one command that installs what packages can bring; absent when nothing can be installed or we do not know how. */
  readonly install?: string;
}

/** How this machine looks from the few places that matter; tests hand in another. */
export interface MachineView {
  readonly platform: string;
  readonly uid: number | undefined;
  program(name: string): string | undefined;
  cniPlugins(): string | undefined;
  exists(path: string): boolean;
  /** Contents of a file, empty when it cannot be read. */
  read(path: string): string;
}

const PROGRAMS: readonly MissingPiece[] = [
  { what: 'containerd', package: 'containerd', why: 'runs the containers' },
  { what: 'ctr', package: 'containerd', why: 'loads images into containerd' },
  { what: 'ip', package: 'iproute2', why: 'makes the network of the nodes' },
  { what: 'nft', package: 'nftables', why: 'spreads the traffic of services over their pods' },
  { what: 'conntrack', package: 'conntrack', why: 'forgets UDP connections to pods that are gone' },
  { what: 'nsenter', package: 'util-linux', why: 'enters a node' },
  { what: 'unshare', package: 'util-linux', why: 'makes a node' },
  { what: 'mount', package: 'mount', why: 'makes a node' },
];

/**
 * What is missing for `--runtime containerd` on this machine, each with its reason. Nothing is changed and nothing is run.
 * An empty list does not promise that everything works: a container with no right to mount finds out later.
 */
export function checkMachine(view: MachineView = thisMachine): MachineCheck {
  if (view.platform !== 'linux') return { missing: [{ what: 'Linux', why: `real containers need its kernel, and this machine runs ${view.platform}` }] };
  const missing: MissingPiece[] = [];
  if (view.uid !== 0) missing.push({ what: 'root', why: 'namespaces, routes and cgroups are the administrator\'s to make' });
  missing.push(...PROGRAMS.filter(({ what }) => !view.program(what)));
  if (!view.program('runc') && !view.program('crun')) missing.push({ what: 'runc', package: 'runc crun', why: 'starts the processes of a container' });
  if (!view.cniPlugins()) missing.push({ what: 'the CNI plugins ptp, host-local and loopback', package: 'containernetworking-plugins', why: 'connect a pod to its node' });
  missing.push(...missingKernelFeatures(view));
  const packages = [...new Set(missing.flatMap((piece) => piece.package?.split(' ') ?? []))];
  const install = packages.length > 0 ? installCommand(view, packages) : undefined;
  return { missing, ...(install ? { install } : {}) };
}

/** The text for a person: what is missing, why, and the way out. Empty when nothing is missing. */
export function explainMissing(check: MachineCheck): string {
  if (check.missing.length === 0) return '';
  const lines = check.missing.map(({ what, why }) => `  ${what}: ${why}`);
  return `Real containers cannot run on this machine yet. Missing:\n${lines.join('\n')}\n${check.install ? `Install it with: ${check.install}\n` : ''}`;
}

function missingKernelFeatures(view: MachineView): MissingPiece[] {
  const missing: MissingPiece[] = [];
  for (const kind of ['net', 'mnt', 'uts', 'pid', 'ipc']) {
    if (!view.exists(`/proc/self/ns/${kind}`)) missing.push({ what: `${kind} namespaces`, why: 'the kernel was built without them' });
  }
  const filesystems = view.read('/proc/filesystems');
  if (!/\bcgroup2?\b/.test(filesystems)) missing.push({ what: 'cgroups', why: 'the kernel was built without them' });
  else if (!/ - cgroup2? /.test(view.read('/proc/self/mountinfo'))) missing.push({ what: 'mounted cgroups', why: 'nothing is mounted at /sys/fs/cgroup' });
  if (!/\boverlay\b/.test(filesystems) && !view.exists(`/lib/modules/${view.read('/proc/sys/kernel/osrelease').trim()}/kernel/fs/overlayfs`)) {
    missing.push({ what: 'overlayfs', why: 'images are layers upon each other' });
  }
  return missing;
}

/** In the words of the distribution; names of packages differ a little. */
function installCommand(view: MachineView, packages: readonly string[]): string | undefined {
  const names = (renamed: Readonly<Record<string, string>>): string => [...new Set(packages.map((name) => renamed[name] ?? name))].join(' ');
  const sudo = view.uid === 0 ? '' : 'sudo ';
  if (view.program('apt-get')) return `${sudo}apt-get install -y ${names({})}`;
  if (view.program('dnf')) return `${sudo}dnf install -y ${names({ conntrack: 'conntrack-tools', iproute2: 'iproute', mount: 'util-linux' })}`;
  if (view.program('pacman')) return `${sudo}pacman -S --noconfirm ${names({ 'containernetworking-plugins': 'cni-plugins', conntrack: 'conntrack-tools', mount: 'util-linux' })}`;
  if (view.program('zypper')) return `${sudo}zypper install -y ${names({ 'containernetworking-plugins': 'cni-plugins', conntrack: 'conntrack-tools', mount: 'util-linux' })}`;
  if (view.program('apk')) return `${sudo}apk add ${names({ 'containernetworking-plugins': 'cni-plugins', conntrack: 'conntrack-tools', mount: 'util-linux' })}`;
  return undefined;
}

export const thisMachine: MachineView = {
  platform: process.platform,
  uid: process.getuid?.(),
  program: (name) => findProgram(name),
  cniPlugins: () => findCniPlugins(),
  exists: existsSync,
  read(path) {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      // Not there or not for us: either way there is nothing to read.
      return '';
    }
  },
};
