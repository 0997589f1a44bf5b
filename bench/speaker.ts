import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Pod } from '../src/api/generated/core-v1.ts';
import type { Command } from './network-client.ts';

/** A process that speaks from some network: `network` is the command that enters it, nothing for this machine's own. */
export class Speaker implements Disposable {
  readonly #answers: AsyncIterator<string>;
  readonly #child: ChildProcess;

  constructor(network: readonly string[]) {
    const [command, ...rest] = [...network, process.execPath, fileURLToPath(new URL('network-client.ts', import.meta.url))] as unknown as [string, ...string[]];
    const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    this.#answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  async say<T>(command: Command): Promise<T> {
    this.#child.stdin!.write(`${JSON.stringify(command)}\n`);
    return JSON.parse(((await this.#answers.next()) as { value: string }).value) as T;
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

/** The command that enters the network of a pod that runs on the node whose process `nodePid` is. */
export function networkOf(pod: Pod, nodePid: number): readonly string[] {
  const nodes = readlinkSync(`/proc/${nodePid}/ns/net`);
  const process = readdirSync('/proc').find((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`pod${pod.metadata.uid}`) && readlinkSync(`/proc/${pid}/ns/net`) !== nodes;
    } catch {
      // It has ended since.
      return false;
    }
  });
  if (!process) throw new Error(`no process of pod ${pod.metadata.name} is there`);
  return ['nsenter', `--net=/proc/${process}/ns/net`, '--'];
}
