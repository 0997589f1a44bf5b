import { spawn } from 'node:child_process';
import type { PresentTable } from './rule-store.ts';
import { TABLE } from './skeleton.ts';

/** The kernel's side of the service proxy, in the network namespace it runs in. */
export interface NftRunner {
  /** Applies the text as one transaction: all of it, or nothing and a rejection with nft's words. */
  apply(transaction: string): Promise<void>;
  /** The names in our table; undefined when there is no such table. */
  present(): Promise<PresentTable | undefined>;
}

/** Runs the `nft` program; `prefix` is put before it, as for another network namespace. */
export function nftRunner(prefix: readonly string[] = []): NftRunner {
  const nft = (words: readonly string[], input = ''): Promise<Output> => runProgram([...prefix, 'nft', ...words], input);
  return {
    async apply(transaction) {
      const { code, stderr } = await nft(['-f', '-'], transaction);
      if (code !== 0) throw new Error(`nft refused a change of the service rules: ${stderr.trim().slice(0, 2000)}`);
    },
    async present() {
      const { code, stdout, stderr } = await nft(['-j', '-t', 'list', 'table', 'ip', TABLE]);
      if (code !== 0) {
        if (/No such file or directory/.test(stderr)) return undefined;
        throw new Error(`nft cannot list the service rules: ${stderr.trim()}`);
      }
      const listed = JSON.parse(stdout) as { nftables: { chain?: { name: string }; set?: { name: string }; map?: { name: string } }[] };
      return {
        chains: listed.nftables.flatMap(({ chain }) => chain?.name ?? []),
        sets: listed.nftables.flatMap(({ set, map }) => set?.name ?? map?.name ?? []),
      };
    },
  };
}

/** In the network namespace of this process. */
export const runNft: NftRunner = nftRunner();

/** Deletes flows the kernel still tracks; see conntrack-cleanup.ts. */
export interface ConntrackRunner {
  deleteFlows(words: readonly string[]): Promise<void>;
}

export function conntrackRunner(prefix: readonly string[] = []): ConntrackRunner {
  return {
    async deleteFlows(words) {
      const { code, stderr } = await runProgram([...prefix, 'conntrack', '-D', ...words], '');
      // It also answers 1 when there was nothing to delete.
      if (code !== 0 && !/ 0 flow entries have been deleted/.test(stderr)) throw new Error(`conntrack: ${stderr.trim()}`);
    },
  };
}

/** In the network namespace of this process. */
export const runConntrack: ConntrackRunner = conntrackRunner();

interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runProgram(argv: readonly string[], input: string): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0]!, argv.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // It may end before it has read all; its exit code tells.
    child.stdin.on('error', () => undefined);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8') }));
    child.stdin.end(input);
  });
}
