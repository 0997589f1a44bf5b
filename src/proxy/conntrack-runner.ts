import { runProgram } from '../base/run-program.ts';
import { IPV4, type AddressFamily } from '../base/address-family.ts';
import type { UdpFlow } from './conntrack-cleanup.ts';

/** Flows the kernel tracks; see conntrack-cleanup.ts. */
export interface ConntrackRunner {
  listUdp(): Promise<readonly UdpFlow[]>;
  /** Forgets them, whichever clients they are of. */
  deleteUdp(flow: UdpFlow): Promise<void>;
}

/** Runs the `conntrack` program; `prefix` is put before it, as for another network namespace. */
export function conntrackRunner(prefix: readonly string[] = [], { kind }: AddressFamily = IPV4): ConntrackRunner {
  const family = ['-f', kind.toLowerCase()];
  const conntrack = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runProgram([...prefix, 'conntrack', ...words]);
    // It also answers 1 when there was nothing to delete.
    if (code !== 0 && !/ 0 flow entries have been deleted/.test(stderr)) throw new Error(`conntrack: ${stderr.trim()}`);
    return stdout;
  };
  return {
    listUdp: async () => (await conntrack('-L', ...family, '-p', 'udp')).split('\n').flatMap((line) => parseFlow(line) ?? []),
    async deleteUdp({ destination, port, answerer, answererPort }) {
      await conntrack('-D', ...family, '-p', 'udp', '--orig-dst', destination, '--orig-port-dst', String(port), '--reply-src', answerer, '--reply-port-src', String(answererPort));
    },
  };
}

/** `udp 17 29 src=A dst=B sport=1 dport=2 [UNREPLIED] src=C dst=A sport=3 dport=1 …`: first the client's way, then the answer's. */
export function parseFlow(line: string): UdpFlow | undefined {
  const all = (word: string): string[] => [...line.matchAll(new RegExp(` ${word}=(\\S+)`, 'g'))].map((match) => match[1]!);
  const [[, answerer], [destination], [, answererPort], [port]] = [all('src'), all('dst'), all('sport'), all('dport')] as [string[], string[], string[], string[]];
  if (!answerer || !destination || !answererPort || !port) return undefined;
  return { destination, port: Number(port), answerer, answererPort: Number(answererPort) };
}
