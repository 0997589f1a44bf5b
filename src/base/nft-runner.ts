import { runProgram, type ProgramOutput } from './run-program.ts';

/** The names in an nftables table. */
export interface NftNames {
  readonly chains: readonly string[];
  /** Sets and maps. */
  readonly sets: readonly string[];
}

/** The kernel's packet filter, in the network namespace it runs in. */
export interface NftRunner {
  /** Applies the text as one transaction: all of it, or nothing and a rejection with nft's words. */
  apply(transaction: string): Promise<void>;
  /** The names in a table of the family, `ip`; undefined when there is no such table. */
  present(family: string, table: string): Promise<NftNames | undefined>;
}

/** Runs the `nft` program; `prefix` is put before it, as for another network namespace. */
export function nftRunner(prefix: readonly string[] = []): NftRunner {
  const nft = (words: readonly string[], input = ''): Promise<ProgramOutput> => runProgram([...prefix, 'nft', ...words], input);
  return {
    async apply(transaction) {
      const { code, stderr } = await nft(['-f', '-'], transaction);
      if (code !== 0) throw new Error(`nft refused a change: ${stderr.trim().slice(0, 2000)}`);
    },
    async present(family, table) {
      const { code, stdout, stderr } = await nft(['-j', '-t', 'list', 'table', family, table]);
      if (code !== 0) {
        if (/No such file or directory/.test(stderr)) return undefined;
        throw new Error(`nft cannot list table ${table}: ${stderr.trim()}`);
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
