import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { createGunzip } from 'node:zlib';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { UserError } from '../base/user-error.ts';
import { readIfThere } from '../base/read-if-there.ts';
import { containerdConfig, containerdVersion, registryHosts, type ContainerdVersion } from './containerd-config.ts';
import type { RegistryMirror } from './fabric.ts';
import { fullReference, ImageArchiveError, isGzip, readImageArchive } from './image-archive.ts';
import type { NodeGround } from './node-ground.ts';
import { mayProtectFromOom } from './oom-protection.ts';
import { chooseOciRuntime, type OciRuntime } from './oci-runtime.ts';
import { PAUSE_IMAGE, pauseImageArchive } from './pause-image.ts';
import { thisArchitecture } from './pause-program.ts';
import { findProcess, isAlive, processesEndingWith, stopProcess, type ProcessRecord } from './process-record.ts';
import { findCniPlugins, findProgram } from './program-versions.ts';
import { CommandError, run } from './run.ts';

/** A node's running containerd. It outlives the process that started it. */
export interface Runtime {
  readonly pid: number;
  /** Path of its socket (CRI and containerd's own API), the same inside and outside of the node. */
  readonly socket: string;
  readonly logFile: string;
  /** Ends containerd; the pods go on. */
  stop(): Promise<void>;
}

export interface RuntimeOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** As nodes reach them: `Fabric.mirrors`. Absent: as the last start wrote them. */
  readonly mirrors?: readonly RegistryMirror[];
  /** Whether registries without a mirror can be reached at all. */
  readonly egress: boolean;
  /** How long containerd may take to serve. */
  readonly patienceMs?: number;
}

/** Where the node's containerd serves, whether it runs or not. */
export function socketOfRuntime(ground: NodeGround): string {
  return files(ground).socket;
}

/** The node's containerd if it runs, after a restart of ours. */
export function findRuntime(ground: NodeGround, options: { readonly clock: Clock }): Runtime | undefined {
  const record = findProcess(files(ground).pid);
  return record && runtimeOf(ground, record, options.clock);
}

/** Starts the node's own containerd, or answers the one that runs. Resolves when it serves and has the sandbox image. */
export async function startRuntime(ground: NodeGround, options: RuntimeOptions): Promise<Runtime> {
  const { clock, log, mirrors, egress, patienceMs = 20_000 } = options;
  const paths = files(ground);
  if (mirrors) writeMirrors(paths.certificates, mirrors, egress);
  const running = findProcess(paths.pid);
  if (running) {
    await untilServing(running, paths, clock, patienceMs);
    // Whoever started it may have been killed on the way.
    if (readIfThere(paths.ready) !== running.startTime) await prepare(ground, paths, running, false);
    return runtimeOf(ground, running, clock);
  }
  const program = findProgram('containerd');
  const cniPlugins = findCniPlugins();
  if (!program || !cniPlugins) throw new Error(`${program ? 'the CNI plugins (ptp, host-local, loopback)' : 'containerd'} not found on this machine`);
  const containerd = run([program, '--version']);
  const [version, ociRuntime] = await Promise.all([
    containerd, chooseOciRuntime({ enter: ground.enter, scratch: join(ground.directory, 'trial'), cgroup: ground.cgroup, clock, cache: join(ground.dataDir, 'oci-runtime.json'), containerd }),
  ]);
  writeConfig(ground, { version: containerdVersion(version), ociRuntime, cniPlugins });
  mkdirSync(paths.socketDirectory, { recursive: true });
  rmSync(paths.socket, { force: true });
  const isFirst = !existsSync(join(ground.directory, 'root'));
  const configured = ['--config', paths.config];
  // A start that was killed between these lines left one that is noted nowhere, and holds the database.
  if (existsSync(paths.starting)) for (const unnoted of processesEndingWith(configured)) await stopProcess(unnoted, { clock, graceMs: 0 });
  writeFileSync(paths.starting, '');
  const record = ground.launch(['sh', '-c', RAISE_OPEN_FILES, 'containerd', program, ...configured], { logFile: paths.log, pidFile: paths.pid });
  rmSync(paths.starting);
  log.info('started containerd', { node: ground.nodeName, pid: record.pid, runtime: ociRuntime.name, ...(ociRuntime.because ? { because: ociRuntime.because } : {}) });
  await untilServing(record, paths, clock, patienceMs);
  await prepare(ground, paths, record, isFirst);
  return runtimeOf(ground, record, clock);
}

async function prepare(ground: NodeGround, paths: RuntimeFiles, record: ProcessRecord, isFirst: boolean): Promise<void> {
  await Promise.all([isFirst ? importPauseImage(ground, paths.socket) : ensurePauseImage(ground, paths.socket), requireCri(ground, paths)]);
  writeFileSync(paths.ready, record.startTime);
}

/**
 * Loads a `docker save` or OCI archive into the node; answers the full names of its images. Rejects with an ImageArchiveError
 * that says what is wrong with a file that is no such archive.
 */
export async function importImage(ground: NodeGround, file: string): Promise<readonly string[]> {
  const { images, shortNames } = await readImageArchive(file);
  const { socket } = files(ground);
  try {
    await importArchive(ground, socket, resolve(file));
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== 1) throw error;
    const fault = error.stderr.trim().split('\n').at(-1)!.replace(/^ctr: |: unknown$/g, '');
    if (/no space left on device/.test(fault)) throw new UserError(`${file} does not fit on the disk of the node ${ground.nodeName}: ${fault}`, `make room for ${ground.dataDir}`);
    throw new ImageArchiveError(`${file} is broken: ${fault}`);
  }
  for (const name of shortNames) {
    await run(ground.enter(['ctr', '--address', socket, '--namespace', 'k8s.io', 'images', 'tag', '--force', name, fullReference(name)]));
    await run(ground.enter(['ctr', '--address', socket, '--namespace', 'k8s.io', 'images', 'rm', name]));
  }
  return images;
}

/**
 * Containers inherit how many files may be open. The usual 1024 is too few for many a program; without a limit, those that close
 * all files they might have spend minutes on it.
 */
const RAISE_OPEN_FILES = 'n=$(ulimit -H -n); if [ "$n" = unlimited ] || [ "$n" -gt 1048576 ]; then n=1048576; fi; ulimit -n "$n"; exec "$@"';

interface RuntimeFiles {
  readonly config: string;
  readonly log: string;
  readonly pid: string;
  /** There while a containerd is started and not yet noted in `pid`. */
  readonly starting: string;
  /** Holds the start time of the containerd that has all it needs. */
  readonly ready: string;
  readonly socketDirectory: string;
  readonly socket: string;
  readonly certificates: string;
}

function files(ground: NodeGround): RuntimeFiles {
  const inside = join(ground.directory, 'containerd.sock');
  // A socket's path has at most 107 bytes, and containerd makes a second one with `.ttrpc` at the end.
  const socketDirectory = Buffer.byteLength(inside) <= 100 ? ground.directory : `/run/wherry/${createHash('sha256').update(ground.directory).digest('hex').slice(0, 16)}`;
  return {
    config: join(ground.directory, 'containerd.toml'),
    log: join(ground.directory, 'containerd.log'),
    pid: join(ground.directory, 'containerd.pid'),
    starting: join(ground.directory, 'containerd.starting'),
    ready: join(ground.directory, 'containerd.ready'),
    socketDirectory,
    socket: join(socketDirectory, 'containerd.sock'),
    certificates: join(ground.directory, 'certs.d'),
  };
}

function runtimeOf(ground: NodeGround, record: ProcessRecord, clock: Clock): Runtime {
  const paths = files(ground);
  return {
    pid: record.pid,
    socket: paths.socket,
    logFile: paths.log,
    async stop() {
      await stopProcess(record, { clock, graceMs: 5_000, file: paths.pid });
      for (const socket of [paths.socket, `${paths.socket}.ttrpc`]) rmSync(socket, { force: true });
      if (paths.socketDirectory !== ground.directory) rmSync(paths.socketDirectory, { recursive: true, force: true });
    },
  };
}

function writeConfig(ground: NodeGround, found: { readonly version: ContainerdVersion; readonly ociRuntime: OciRuntime; readonly cniPlugins: string }): void {
  const paths = files(ground);
  const runc = findProgram('runc');
  writeFileSync(paths.config, containerdConfig({
    ...found,
    // crun is chosen where it works at all; where it is not, it must not be asked for either.
    otherRuntimes: found.ociRuntime.name === 'crun' && runc ? [{ name: 'runc', path: runc }] : [],
    root: join(ground.directory, 'root'),
    state: join(ground.state, 'runtime'),
    socket: paths.socket,
    cniConfig: join(ground.directory, 'cni', 'net.d'),
    certificates: paths.certificates,
    snapshotter: isOverlay(ground.directory) ? 'native' : 'overlayfs',
    apparmor: existsSync('/sys/module/apparmor/parameters/enabled') && readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y') && findProgram('apparmor_parser') !== undefined,
    oomProtection: mayProtectFromOom(),
  }));
}

/** One overlay cannot lie upon another (as when we run inside a container). */
function isOverlay(directory: string): boolean {
  return statfsSync(directory).type === 0x794c7630;
}

/** containerd reads these files at every pull, so a changed mirror needs no restart. */
function writeMirrors(directory: string, mirrors: readonly RegistryMirror[], egress: boolean): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const mirror of mirrors) {
    mkdirSync(join(directory, mirror.host), { recursive: true });
    writeFileSync(join(directory, mirror.host, 'hosts.toml'), registryHosts({ ...mirror, only: !egress }));
  }
}

async function untilServing(record: ProcessRecord, paths: RuntimeFiles, clock: Clock, patienceMs: number): Promise<void> {
  const deadline = clock.monotonic() + patienceMs;
  while (!(await answers(paths.socket))) {
    const fault = isAlive(record) ? undefined : 'ended';
    if (fault || clock.monotonic() > deadline) {
      const last = existsSync(paths.log) ? readFileSync(paths.log, 'utf8').trim().split('\n').slice(-3).join('\n') : '';
      throw new Error(`containerd ${fault ?? `does not serve after ${patienceMs / 1000} s`}; the end of ${paths.log}:\n${last}`);
    }
    await clock.sleep(10);
  }
}

function answers(socket: string): Promise<boolean> {
  return new Promise((answer) => {
    const connection = connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      answer(true);
    });
    // Not there yet, or left by a dead one: both mean not yet.
    connection.once('error', () => answer(false));
  });
}

/** containerd serves on without a plugin that did not load. */
async function requireCri(ground: NodeGround, paths: RuntimeFiles): Promise<void> {
  const plugins = await run(ground.enter(['ctr', '--address', paths.socket, 'plugins', 'ls']));
  const broken = plugins.split('\n').find((line) => /\bio\.containerd\.(grpc|cri)\S*\s+(cri|runtime|images)\s.*\berror\s*$/.test(line));
  if (!broken) return;
  const why = readFileSync(paths.log, 'utf8').trim().split('\n').filter((line) => /failed to load plugin .*cri/.test(line)).at(-1);
  throw new Error(`containerd runs without its Kubernetes interface: ${why ?? broken}`);
}

async function ensurePauseImage(ground: NodeGround, socket: string): Promise<void> {
  const present = await run(ground.enter(['ctr', '--address', socket, '--namespace', 'k8s.io', 'images', 'ls', '-q', `name==${PAUSE_IMAGE}`]));
  if (!present.trim()) await importPauseImage(ground, socket);
}

async function importPauseImage(ground: NodeGround, socket: string): Promise<void> {
  // Two starts at once may both find the image missing.
  const archive = join(ground.directory, `pause-image-${process.pid}.tar`);
  writeFileSync(archive, await pauseImageArchive(thisArchitecture()));
  await importArchive(ground, socket, archive);
  await run(ground.enter(['ctr', '--address', socket, '--namespace', 'k8s.io', 'images', 'label', PAUSE_IMAGE, 'io.cri-containerd.pinned=pinned']));
  rmSync(archive, { force: true });
}

async function importArchive(ground: NodeGround, socket: string, file: string): Promise<void> {
  const command = (source: string): string[] => ground.enter(['ctr', '--address', socket, '--namespace', 'k8s.io', 'images', 'import', source]);
  if (await isGzip(file)) await run(command('-'), { input: createReadStream(file).pipe(createGunzip()) });
  else await run(command(file));
}
