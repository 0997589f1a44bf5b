import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { run, type Outcome } from './cluster-under-test.ts';

/**
 * What makes a process believe that it is on a machine of its own: network, mounts and host name, with its own /sys, /run and /var/lib. Cgroups, files and
 * processes stay the real machine's. Nothing leads from there to outside. (Namespaces that are mounted may go meanwhile, with clusters of other tests.)
 */
const SETUP = `
set -e
hostname "$1"
grep nsfs /proc/self/mountinfo | cut -d' ' -f5 | while read mounted; do umount -l "$mounted" || ! grep -qF " $mounted " /proc/self/mountinfo; done
mount -t tmpfs tmpfs /run
mkdir /run/cgroup
mount --rbind /sys/fs/cgroup /run/cgroup
mount -t sysfs sysfs /sys
mount --rbind /run/cgroup /sys/fs/cgroup
umount -l /run/cgroup
rmdir /run/cgroup
mount -t tmpfs tmpfs /var/lib
ip link set lo up
echo ready
exec sleep infinity
`;

/** A machine made of namespaces, which end with it. */
export class MachineUnderTest implements AsyncDisposable {
  readonly name: string;
  readonly #holder: ChildProcess;

  private constructor(name: string, holder: ChildProcess) {
    this.name = name;
    this.#holder = holder;
  }

  static async make(name: string): Promise<MachineUnderTest> {
    const holder = spawn('unshare', ['--net', '--mount', '--uts', 'sh', '-c', SETUP, 'machine', name], { stdio: ['ignore', 'pipe', 'inherit'] });
    await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit').then(() => { throw new Error(`the machine ${name} could not be made`); })]);
    return new MachineUnderTest(name, holder);
  }

  get pid(): number {
    return this.#holder.pid!;
  }

  /** The command, on this machine. */
  enter(argv: readonly string[]): string[] {
    return ['nsenter', `--target=${this.pid}`, '--net', '--mount', '--uts', '--', ...argv];
  }

  run(argv: readonly string[], options?: Parameters<typeof run>[1]): Promise<Outcome> {
    return run(this.enter(argv), options);
  }

  /** The same, and its output; throws where it fails. */
  async must(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(argv);
    if (code !== 0) throw new Error(`on ${this.name}: ${argv.join(' ')}: ${stderr}`);
    return stdout;
  }

  /** What wherry may leave on a machine when it leaves something, a sentence each. */
  async facts(): Promise<string[]> {
    const [links, addresses, routes, tables, mounts, forwarding] = await Promise.all([
      this.must('ip', '-o', 'link', 'show'), this.must('ip', '-o', '-4', 'addr', 'show'), this.must('ip', '-4', 'route', 'show', 'table', 'all'), this.must('nft', 'list', 'tables'),
      this.must('cut', '-d', ' ', '-f', '4,5', '/proc/self/mountinfo'), this.must('cat', '/proc/sys/net/ipv4/ip_forward'),
    ]);
    const names = links.trim().split('\n').map((line) => line.split(': ')[1]!.split('@')[0]!);
    // What the kernel makes by itself for each interface comes late.
    const six = await this.run(['sh', '-c', 'test -e /proc/net/if_inet6 || exit 0; ip -o -6 addr show scope global; ip -6 route show table all | grep -vE "fe80|ff00|multicast"; cd /proc/sys/net/ipv6/conf; grep . all/forwarding eth0/accept_ra']);
    return [...six.stdout.trim().split('\n').map((line) => `of IPv6: ${line}`), ...names, ...addresses.trim().split('\n').map((line) => line.split(/\s+/).slice(1, 4).join(' ')), ...routes.trim().split('\n'), tables, ...mounts.trim().split('\n'), `forwarding ${forwarding.trim()}`];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    this.#holder.kill('SIGKILL');
    await once(this.#holder, 'exit');
  }
}
