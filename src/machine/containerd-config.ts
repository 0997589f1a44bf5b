import { PAUSE_IMAGE } from './pause-image.ts';

export interface OciProgram {
  readonly name: 'crun' | 'runc';
  readonly path: string;
}

/** What a node's containerd must be told. All paths absolute. */
export interface ContainerdSettings {
  /** containerd 1.6 and 1.7 read configuration version 2, containerd 2.x version 3. */
  readonly version: ContainerdVersion;
  readonly root: string;
  readonly state: string;
  readonly socket: string;
  /** For pods that ask for none by a RuntimeClass. */
  readonly ociRuntime: OciProgram;
  /** What else they may ask for by its name. */
  readonly otherRuntimes?: readonly OciProgram[];
  readonly cniPlugins: string;
  readonly cniConfig: string;
  readonly certificates: string;
  readonly snapshotter: 'overlayfs' | 'native';
  readonly apparmor: boolean;
  /** Whether processes may be protected from the kernel's killer when memory runs out: guaranteed pods are. */
  readonly oomProtection: boolean;
}

export interface ContainerdVersion {
  readonly major: number;
  readonly minor: number;
}

/** `containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3` → 1.6. */
export function containerdVersion(versionOutput: string): ContainerdVersion {
  const match = /\sv?(\d+)\.(\d+)/.exec(versionOutput);
  if (!match) throw new Error(`containerd --version says ${JSON.stringify(versionOutput.trim())}, which names no version`);
  return { major: Number(match[1]), minor: Number(match[2]) };
}

/** Plugins that would look for file systems and services no node of ours has. */
const DISABLED = [
  'io.containerd.snapshotter.v1.aufs', 'io.containerd.snapshotter.v1.btrfs', 'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs', 'io.containerd.internal.v1.tracing', 'io.containerd.tracing.processor.v1.otlp',
];

/** The configuration file of a node's own containerd. */
export function containerdConfig(settings: ContainerdSettings): string {
  const tables = settings.version.major >= 2 ? tablesOfVersion3(settings) : tablesOfVersion2(settings);
  const head: Table[] = [
    ['', {
      version: settings.version.major >= 2 ? 3 : 2,
      root: settings.root,
      state: settings.state,
      disabled_plugins: DISABLED,
    }],
    ['grpc', { address: settings.socket }],
    // Otherwise /opt/containerd appears on the host.
    [plugin('io.containerd.internal.v1.opt'), { path: `${settings.root}/opt` }],
  ];
  return [...head, ...tables].map(tomlTable).join('\n');
}

function tablesOfVersion2(settings: ContainerdSettings): Table[] {
  const cri = plugin('io.containerd.grpc.v1.cri');
  return [
    // Devices of resource claims get into containers by it; from version 2 on it is on by itself.
    [cri, { sandbox_image: PAUSE_IMAGE, stats_collect_period: 60, ...(settings.version.minor >= 7 && { enable_cdi: true }), ...streaming, ...runtimeSettings(settings), ...unprivileged }],
    [`${cri}.cni`, { bin_dir: settings.cniPlugins, conf_dir: settings.cniConfig, max_conf_num: 1 }],
    [`${cri}.containerd`, { snapshotter: settings.snapshotter, default_runtime_name: settings.ociRuntime.name }],
    ...ociRuntimeTables(`${cri}.containerd`, settings),
    [`${cri}.registry`, { config_path: settings.certificates }],
  ];
}

function tablesOfVersion3(settings: ContainerdSettings): Table[] {
  const runtime = plugin('io.containerd.cri.v1.runtime');
  const images = plugin('io.containerd.cri.v1.images');
  return [
    [plugin('io.containerd.grpc.v1.cri'), streaming],
    [images, { snapshotter: settings.snapshotter, stats_collect_period: 60 }],
    [`${images}.pinned_images`, { sandbox: PAUSE_IMAGE }],
    [`${images}.registry`, { config_path: settings.certificates }],
    [runtime, { ...runtimeSettings(settings), ...unprivileged }],
    [`${runtime}.cni`, { ...cniPrograms(settings), conf_dir: settings.cniConfig, max_conf_num: 1 }],
    [`${runtime}.containerd`, { default_runtime_name: settings.ociRuntime.name }],
    ...ociRuntimeTables(`${runtime}.containerd`, settings),
  ];
}

/** containerd 2.1 brought the list, 2.3 knows nothing else. */
const cniPrograms = ({ version: { major, minor }, cniPlugins }: ContainerdSettings): Record<string, TomlValue> =>
  (major > 2 || minor >= 1 ? { bin_dirs: [cniPlugins] } : { bin_dir: cniPlugins });

const streaming = { stream_server_address: '127.0.0.1', stream_server_port: '0' };

/** As on every newer cluster: containers may bind ports under 1024 and ping without being root. */
const unprivileged = { enable_unprivileged_ports: true, enable_unprivileged_icmp: true };

function runtimeSettings(settings: ContainerdSettings): Record<string, TomlValue> {
  return {
    // Without CAP_SYS_RESOURCE no container starts otherwise: the sandbox's own is to be protected.
    restrict_oom_score_adj: !settings.oomProtection,
    disable_apparmor: !settings.apparmor,
    netns_mounts_under_state_dir: true,
    tolerate_missing_hugetlb_controller: true,
    disable_hugetlb_controller: true,
  };
}

/** A table for each handler that a RuntimeClass may name; `test-handler` is the one that the conformance tests expect on every node. */
function ociRuntimeTables(parent: string, { ociRuntime, otherRuntimes = [] }: ContainerdSettings): Table[] {
  const handlers = [ociRuntime, ...otherRuntimes, { name: 'test-handler', path: ociRuntime.path }];
  return handlers.flatMap(({ name, path }): Table[] => [
    [`${parent}.runtimes.${name}`, { runtime_type: 'io.containerd.runc.v2', privileged_without_host_devices: false }],
    [`${parent}.runtimes.${name}.options`, { BinaryName: path, SystemdCgroup: false }],
  ]);
}

/** The node's pod network: a point-to-point cable for each pod, addresses from the node's range. */
/** `podCidrSix`: pods get an address of IPv6 as well. */
export function cniConfig(options: { readonly podCidr: string; readonly podCidrSix?: string; readonly leases: string }): string {
  const ranges = [options.podCidr, ...(options.podCidrSix ? [options.podCidrSix] : [])];
  return `${JSON.stringify({
    cniVersion: '0.4.0',
    name: 'wherry',
    plugins: [{
      type: 'ptp',
      ipMasq: false,
      ipam: { type: 'host-local', dataDir: options.leases, ranges: ranges.map((subnet) => [{ subnet }]), routes: ranges.map((range) => ({ dst: range.includes(':') ? '::/0' : '0.0.0.0/0' })) },
    }],
  }, null, 2)}\n`;
}

/** A `certs.d/HOST/hosts.toml`: images of `host` come from `url`, and from nowhere else when `only`. */
export function registryHosts(mirror: { readonly host: string; readonly url: string; readonly only: boolean }): string {
  const upstream = mirror.host === 'docker.io' ? 'https://registry-1.docker.io' : `https://${mirror.host}`;
  const server = mirror.only || mirror.host === '_default' ? mirror.url : upstream;
  return [['', { server }] as Table, [`host.${toml(mirror.url)}`, { capabilities: ['pull', 'resolve'] }] as Table].map(tomlTable).join('\n');
}

type TomlValue = string | number | boolean | readonly string[];
type Table = readonly [path: string, values: Readonly<Record<string, TomlValue>>];

function plugin(id: string): string {
  return `plugins.${toml(id)}`;
}

function tomlTable([path, values]: Table): string {
  const lines = Object.entries(values).map(([key, value]) => `${key} = ${toml(value)}\n`);
  return `${path ? `[${path}]\n` : ''}${lines.join('')}`;
}

/** TOML's basic strings, numbers, booleans and arrays are written as JSON's. */
function toml(value: TomlValue): string {
  return JSON.stringify(value);
}
