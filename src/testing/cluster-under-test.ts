import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HttpClient } from '../client/http-client.ts';
import { clientOf } from '../cluster/cluster-client.ts';
import { Profile } from '../cluster/profile.ts';
import { freePort } from './free-port.ts';
import { imageArchive, sampleImage } from './sample-image.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const WHERRY = join(root, 'bin/wherry');

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `wherry status -o json` says. */
export interface ClusterStatus {
  readonly running: boolean;
  readonly problem?: string;
  readonly server: { readonly pid: number; readonly url: string } | null;
  readonly nodes: readonly { readonly name: string; readonly status: string; readonly pid?: number; readonly runtimePid?: number; readonly address?: string }[];
}

/** Runs a program to its end, at most `timeoutMs`; never throws for an exit code. */
export function run(argv: readonly string[], options: { readonly env?: NodeJS.ProcessEnv; readonly input?: string; readonly timeoutMs?: number } = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0]!, argv.slice(1), { env: { ...process.env, ...options.env }, stdio: ['pipe', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? 128, stdout, stderr: signal ? `${stderr}\n(ended by ${signal})` : stderr });
    });
    child.stdin.on('error', () => { /* The program may end without reading its input. */ });
    child.stdin.end(options.input ?? '');
  });
}

/** A cluster in a temporary folder with a kubeconfig of its own, as a user makes it: by the command line. Deleted on disposal. */
export class ClusterUnderTest implements AsyncDisposable {
  readonly profile: string;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #enter: (argv: readonly string[]) => string[];

  /** `enter`: puts a command on another machine than this. */
  constructor(profile: string, enter: (argv: readonly string[]) => string[] = (argv) => [...argv]) {
    this.profile = profile;
    this.#enter = enter;
    this.folder = mkdtempSync(join(tmpdir(), 'wherry-test-'));
    this.env = { KUBECONFIG: join(this.folder, 'kubeconfig'), HOME: this.folder };
  }

  get dataDir(): string {
    return join(this.folder, 'data');
  }

  /** `wherry VERB … --profile … --data-dir …` */
  wherry(verb: string, ...args: string[]): Promise<Outcome> {
    return run(this.#enter([WHERRY, ...verb.split(' '), ...args, '--profile', this.profile, '--data-dir', this.dataDir]), { env: this.env, timeoutMs: 180_000 });
  }

  /**
   * `wherry start`, whatever comes of it. A new cluster gets a port of its own: the first free one, which it would choose, a cluster of another test may
   * choose as well while this one's server is down, and it could not start again.
   */
  async launch(...args: string[]): Promise<Outcome> {
    const isNew = !existsSync(join(this.dataDir, 'cluster.json'));
    const port = isNew && !args.includes('--api-port') ? ['--api-port', String(await freePort())] : [];
    return this.wherry('start', '--egress', 'off', ...port, ...args);
  }

  /** `wherry start`, to its end. */
  async start(...args: string[]): Promise<Outcome> {
    const outcome = await this.launch(...args);
    if (outcome.code !== 0) throw new Error(`wherry start failed:\n${outcome.stderr}`);
    return outcome;
  }

  /** Puts the sample application into every node, as `wherry image load` does; its version is the tag of `reference`. */
  async loadSampleImage(reference = 'docker.io/msung99/maestro:0.1.0'): Promise<void> {
    const archive = join(this.folder, 'image.tar');
    writeFileSync(archive, await imageArchive(await sampleImage(reference.split(':').at(-1)!), reference));
    const outcome = await this.wherry('image load', archive);
    if (outcome.code !== 0) throw new Error(`wherry image load failed:\n${outcome.stderr}`);
  }

  /** `wherry kubectl …` */
  kubectl(...args: string[]): Promise<Outcome> {
    return run(this.#enter([WHERRY, 'kubectl', ...args]), { env: this.env });
  }

  async status(): Promise<ClusterStatus> {
    return JSON.parse((await this.wherry('status', '-o', 'json')).stdout) as ClusterStatus;
  }

  /** Acts as the administrator; good until the port changes. */
  client(): HttpClient {
    const profile = new Profile(this.profile, this.dataDir);
    return clientOf(profile, profile.mustRead(), { userAgent: 'test' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const outcome = await this.wherry('delete');
    // What could not be deleted may be mounted in the folder.
    if (outcome.code !== 0) throw new Error(`wherry delete failed:\n${outcome.stderr}`);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Asks again until `check` answers something, at most `timeoutMs`; the last fault is in the message. For what happens in other processes. */
export async function eventually<T>(what: string, check: () => Promise<T | undefined | false>, timeoutMs = 30_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last = 'it is not so';
  for (;;) {
    try {
      const found = await check();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      last = (error as Error).message;
    }
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what} (${last})`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
