import { runProgram } from '../base/run-program.ts';

/** Deletes flows the kernel still tracks; see conntrack-cleanup.ts. */
export interface ConntrackRunner {
  deleteFlows(words: readonly string[]): Promise<void>;
}

/** Runs the `conntrack` program; `prefix` is put before it, as for another network namespace. */
export function conntrackRunner(prefix: readonly string[] = []): ConntrackRunner {
  return {
    async deleteFlows(words) {
      const { code, stderr } = await runProgram([...prefix, 'conntrack', '-D', ...words]);
      // It also answers 1 when there was nothing to delete.
      if (code !== 0 && !/ 0 flow entries have been deleted/.test(stderr)) throw new Error(`conntrack: ${stderr.trim()}`);
    },
  };
}

/** In the network namespace of this process. */
export const runConntrack: ConntrackRunner = conntrackRunner();
