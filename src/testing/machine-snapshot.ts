import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { CLUSTER_NUMBERS } from '../cluster/launch.ts';
import { addressPlan, commandOf, processIds } from '../machine/index.ts';

/**
 * What a cluster leaves on a machine when it leaves something: compared before and after. What belongs to other clusters of this
 * machine, which may come and go meanwhile, does not count. Linux, root for all of it.
 */
export class MachineSnapshot {
  readonly #facts: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #others: readonly RegExp[];
  /** The folders of other tests, whose clusters may have no number (simulated ones, and those of machines made of namespaces), and what the leak guard's counts with. */
  readonly #elsewhere: RegExp;

  /** `folder`: the cluster's; only processes that name it count, for others come and go on any machine. */
  constructor(folder: string) {
    const others = otherClusters(folder);
    this.#facts = new Map<string, ReadonlySet<string>>([
      ['process', new Set(processesOf(folder))],
      ['mount', new Set(readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').map((line) => line.split(' ').slice(3, 5).join(' ')))],
      ['link', new Set(lines('ip', '-o', 'link', 'show').map((line) => line.split(': ')[1]!.split('@')[0]!))],
      ['address', new Set(lines('ip', '-o', 'addr', 'show').map((line) => line.split(/\s+/).slice(1, 4).join(' ')))],
      ['route', new Set(lines('ip', 'route', 'show', 'table', 'all'))],
      ['rule', new Set(lines('ip', 'rule', 'show'))],
      ['nft table', new Set(lines('nft', 'list', 'tables'))],
      ['network namespace', new Set(lines('ip', 'netns', 'list'))],
      ['cgroup', new Set(cgroups())],
      ['folder under a cgroup mount', new Set(hiddenFolders())],
      ['forwarding', new Set([readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim()])],
    ]);
    // One that began meanwhile may have had something already: its number was claimed before.
    this.#others = [...others, ...otherClusters(folder)];
    this.#elsewhere = new RegExp(`/wherry-test-(?!${escaped(folder.split('/wherry-test-')[1] ?? '/')})|\\bleak-test$`);
  }

  /** `mount added: …`, `route gone: …`; empty when all is as before. */
  changesSince(before: MachineSnapshot): string[] {
    const changes: string[] = [];
    const withOthers = this.#others.length + before.#others.length > 0;
    for (const [what, now] of this.#facts) {
      const then = before.#facts.get(what)!;
      // The last cluster with egress turns forwarding off again, and the last one of all takes their common cgroup away.
      // That may still be under way when its number is free again, so that nobody is seen to be there.
      const isCommonCgroup = (fact: string): boolean => fact.endsWith('/wherry');
      const isShared = (fact: string): boolean => withOthers && (what === 'forwarding' || isCommonCgroup(fact));
      // What another cluster had may be ours since, with its number.
      for (const fact of now) if ((!then.has(fact) || before.#isOthers(fact)) && !this.#isOthers(fact) && !isShared(fact)) changes.push(`${what} added: ${fact}`);
      for (const fact of then.difference(now)) if (what !== 'process' && !this.#isOthers(fact) && !before.#isOthers(fact) && !isShared(fact) && !isCommonCgroup(fact)) changes.push(`${what} gone: ${fact}`);
    }
    return changes;
  }

  #isOthers(fact: string): boolean {
    return this.#elsewhere.test(fact) || this.#others.some((other) => other.test(fact));
  }
}

/** What the facts of the other clusters look like. A cluster's number is claimed before it has anything, and released when it has nothing left. */
function otherClusters(folder: string): RegExp[] {
  if (!existsSync(CLUSTER_NUMBERS)) return [];
  const real = existsSync(folder) ? realpathSync(folder) : folder;
  return readdirSync(CLUSTER_NUMBERS).flatMap((number) => {
    let data: string;
    try {
      data = readlinkSync(join(CLUSTER_NUMBERS, number));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    if (data.startsWith(folder) || data.startsWith(real)) return [];
    const plan = addressPlan(Number(number));
    const four = [plan.pods, plan.services, plan.fabric].map((range) => range.replace(/(\.0\.0\/16|\.0\/24)$/, '.'));
    const six = [plan.six.pods, plan.six.services, plan.six.fabric].map((range) => range.replace(/:\/(56|112)$|\/64$/, ''));
    const ranges = [...four, ...six].map(escaped);
    return [new RegExp(`\\bwherry${number}\\b|\\bwh${number}n\\d|\\b(${ranges.join('|')})|${escaped(data)}`)];
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function lines(program: string, ...args: string[]): string[] {
  return execFileSync(program, args, { encoding: 'utf8' }).trim().split('\n').filter(Boolean);
}

function processesOf(folder: string): string[] {
  return processIds().filter((pid) => pid !== process.pid).map((pid) => ({ pid, command: commandOf(pid).join(' ') }))
    .filter(({ command }) => command.includes(folder)).map(({ pid, command }) => `${pid} ${command}`);
}

function cgroups(): string[] {
  const roots = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[4]!);
  return roots.flatMap((root) => readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => `${root}/${entry.name}`));
}

/** What lies where cgroups of version 2 are mounted beside those of version 1: nodes do not have that mount, so what their programs write there is files, not cgroups. */
function hiddenFolders(): string[] {
  const types = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').map((line) => ({ target: line.split(' ')[4]!, type: line.split(' - ')[1]!.split(' ')[0]! }));
  const unified = types.find(({ type }) => type === 'cgroup2')?.target;
  if (!unified || !types.some(({ type }) => type === 'cgroup')) return [];
  return lines('unshare', '--mount', 'sh', '-c', 'umount "$1" && find "$1" -mindepth 1 -maxdepth 3 -type d', 'look', unified);
}
