import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { removeCgroup } from './cgroups.ts';
import { pauseProgram, thisArchitecture } from './pause-program.ts';
import { findProgram } from './program-versions.ts';
import { CommandError, run } from './run.ts';

export interface OciRuntime {
  readonly name: 'crun' | 'runc';
  readonly path: string;
  /** Why it is not the faster one. */
  readonly because?: string;
}

export interface TrialOptions {
  /** The command line that runs `argv` in the node's own namespaces. */
  readonly enter: (argv: readonly string[]) => string[];
  readonly scratch: string;
  readonly cgroup: string;
  readonly clock: Clock;
}

/**
 * crun where it works, for it starts a pod a quarter faster; else runc. Whether it works is found by running a container with
 * it, in the node's own namespaces; the finding is kept in `cache` until crun, containerd (as its `--version` says it) or the kernel changes.
 */
export async function chooseOciRuntime(options: TrialOptions & { readonly cache: string; readonly containerd: Promise<string> }): Promise<OciRuntime> {
  const runc = findProgram('runc');
  const crun = findProgram('crun');
  if (!crun) {
    if (!runc) throw new Error('neither crun nor runc is installed');
    return { name: 'runc', path: runc, because: 'crun is not installed' };
  }
  const [version, containerd] = await Promise.all([run([crun, '--version']), options.containerd]);
  const subject = `${version.split('\n')[0]!}, ${containerd.trim()}, kernel ${release()}`;
  const known = readCache(options.cache, subject);
  const fault = known ? known.fault : await tryRuntime(crun, options);
  if (!known) writeFileSync(options.cache, `${JSON.stringify({ subject, ...(fault === undefined ? {} : { fault }) })}\n`);
  if (fault === undefined) return { name: 'crun', path: crun };
  if (!runc) throw new Error(`crun does not work here (${fault}) and runc is not installed`);
  return { name: 'runc', path: runc, because: fault };
}

function readCache(file: string, subject: string): { readonly fault?: string } | undefined {
  try {
    const cached = JSON.parse(readFileSync(file, 'utf8')) as { subject: string; fault?: string };
    return cached.subject === subject ? cached : undefined;
  } catch {
    // No finding yet, or a broken one: try again.
    return undefined;
  }
}

/** Starts and removes a container of the sandbox program. Answers what went wrong, or undefined. */
async function tryRuntime(path: string, options: TrialOptions): Promise<string | undefined> {
  const { enter, scratch, clock } = options;
  const cgroup = `${options.cgroup}/trial`;
  const id = `wherry-trial-${process.pid}`;
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(join(scratch, 'rootfs'), { recursive: true });
  writeFileSync(join(scratch, 'rootfs', 'pause'), pauseProgram(thisArchitecture()), { mode: 0o755 });
  writeFileSync(join(scratch, 'config.json'), JSON.stringify(trialBundle(cgroup, await ociVersion())));
  const output = join(scratch, 'output');
  // The container inherits what the runtime writes to: with pipes of ours the command would seem to last as long as the container.
  const runtime = (...words: string[]): Promise<string> =>
    run(enter(['sh', '-c', 'out=$1; shift; exec "$@" < /dev/null > "$out" 2>&1', 'trial', output, path, '--root', join(scratch, 'root'), ...words]));
  try {
    await runtime('create', '--bundle', scratch, id);
    await runtime('start', id);
    return undefined;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return readFileSync(output, 'utf8').trim().split('\n').at(-1) || error.message;
  } finally {
    await runtime('delete', '--force', id).catch(() => 'it never came to be');
    rmSync(scratch, { recursive: true, force: true });
    await removeCgroup(cgroup, { clock });
  }
}

/** Of the bundles that the installed containerd writes: an older crun refuses a version that it does not know (1.8 with containerd 2.2). */
async function ociVersion(): Promise<string> {
  return (JSON.parse(await run(['ctr', 'oci', 'spec'])) as { readonly ociVersion: string }).ociVersion;
}

function trialBundle(cgroup: string, ociVersion: string): object {
  return {
    ociVersion,
    process: { terminal: false, user: { uid: 0, gid: 0 }, args: ['/pause'], cwd: '/', noNewPrivileges: true },
    root: { path: 'rootfs', readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', 'nosuid', 'noexec', 'nodev'] },
    ],
    linux: {
      cgroupsPath: cgroup,
      resources: { memory: { limit: 64 * 2 ** 20 }, pids: { limit: 32 }, cpu: { shares: 64 } },
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })),
    },
  };
}
