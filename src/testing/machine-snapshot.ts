import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** What clusters leave on a machine when they leave something: compared before and after. Linux, root for all of it. */
export class MachineSnapshot {
  readonly #facts: ReadonlyMap<string, ReadonlySet<string>>;

  /** `folder`: the cluster's; only processes that name it count, for others come and go on any machine. */
  constructor(folder: string) {
    this.#facts = new Map([
      ['process', new Set(processesOf(folder))],
      ['mount', new Set(readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').map((line) => line.split(' ').slice(3, 5).join(' ')))],
      ['link', lines('ip', '-o', 'link', 'show').map((line) => line.split(': ')[1]!.split('@')[0]!)],
      ['address', lines('ip', '-o', 'addr', 'show').map((line) => line.split(/\s+/).slice(1, 4).join(' '))],
      ['route', lines('ip', 'route', 'show', 'table', 'all')],
      ['rule', lines('ip', 'rule', 'show')],
      ['nft table', lines('nft', 'list', 'tables')],
      ['network namespace', lines('ip', 'netns', 'list')],
      ['cgroup', cgroups()],
      ['forwarding', [readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim()]],
    ].map(([what, found]) => [what as string, found instanceof Set ? found : new Set(found as string[])]));
  }

  /** `mount added: …`, `route gone: …`; empty when all is as before. */
  changesSince(before: MachineSnapshot): string[] {
    const changes: string[] = [];
    for (const [what, now] of this.#facts) {
      const then = before.#facts.get(what)!;
      for (const fact of now.difference(then)) changes.push(`${what} added: ${fact}`);
      for (const fact of then.difference(now)) if (what !== 'process') changes.push(`${what} gone: ${fact}`);
    }
    return changes;
  }
}

function lines(program: string, ...args: string[]): string[] {
  return execFileSync(program, args, { encoding: 'utf8' }).trim().split('\n').filter(Boolean);
}

function processesOf(folder: string): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return command.includes(folder) ? [`${pid} ${command}`] : [];
    } catch (error) {
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code!)) return [];
      throw error;
    }
  });
}

function cgroups(): string[] {
  const roots = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[4]!);
  return roots.flatMap((root) => readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => `${root}/${entry.name}`));
}
