import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { addressPlan, nodeAddress, nodeLink, nodePods } from './address-plan.ts';
import { checkMachine, explainMissing, type MachineView } from './check-machine.ts';
import { cniConfig, containerdConfig, containerdVersion, registryHosts } from './containerd-config.ts';
import { wantedRules } from './firewall-openings.ts';
import { fullReference, readImageArchive } from './image-archive.ts';
import { memoryTotal, prettyName } from './machine-facts.ts';
import { parseMountInfo } from './mounts.ts';
import { PAUSE_IMAGE, pauseImageArchive } from './pause-image.ts';
import { pauseProgram } from './pause-program.ts';
import { describeProcess, findProcess, isAlive, recordProcess, stopProcess } from './process-record.ts';
import { conflictingRoute, fabricRules, guardedRanges, leakGuard, overlaps, parseNameservers } from './root-network.ts';
import { systemClock } from '../base/clock.ts';

const scratch = mkdtempSync(join(tmpdir(), 'wherry-machine-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('addresses', () => {
  it('keeps clusters and nodes apart', () => {
    const plan = addressPlan(2);
    expect([plan.pods, plan.services, plan.fabric, plan.dnsService]).toEqual(['10.246.0.0/16', '10.98.0.0/16', '10.231.2.0/24', '10.98.0.10']);
    expect([nodeAddress(plan, 3), nodePods(plan, 3), nodeLink(plan, 3)]).toEqual(['10.231.2.13', '10.246.3.0/24', 'wh2n3']);
    for (let a = 0; a <= 11; a++) {
      for (let b = 0; b <= 11; b++) {
        for (const x of guardedRanges(addressPlan(a))) for (const y of guardedRanges(addressPlan(b))) expect(overlaps(x, y)).toBe(a === b && x === y);
      }
    }
  });

  it('refuses numbers whose addresses would be another\'s', () => {
    expect(() => addressPlan(12)).toThrow('not in 0..11');
    expect(() => nodeAddress(addressPlan(0), 190)).toThrow('not in 1..189');
    expect(nodeAddress(addressPlan(0), 189)).toBe('10.231.0.199');
  });
});

describe('the host\'s network', () => {
  const plan = addressPlan(0);

  it('guards every range of the cluster with the last route there is', () => {
    expect(leakGuard(plan, 'replace')).toBe([
      'route replace unreachable 10.244.0.0/16 metric 4294967295 proto 231',
      'route replace unreachable 10.96.0.0/16 metric 4294967295 proto 231',
      'route replace unreachable 10.231.0.0/24 metric 4294967295 proto 231', ''].join('\n'));
  });

  it.each([
    ['a VPN over all of 10/8', { dst: '10.0.0.0/8', dev: 'tun0' }, true],
    ['another bridge in the pod range', { dst: '10.244.3.0/24', dev: 'cni0' }, true],
    ['the default route', { dst: 'default', dev: 'eth0' }, false],
    ['our own guard', { type: 'unreachable', dst: '10.244.0.0/16', protocol: '231', metric: 4294967295 }, false],
    ['our own bridge', { dst: '10.231.0.0/24', dev: 'wherry0', protocol: 'kernel' }, false],
    ['a neighbour', { dst: '10.245.0.0/16', dev: 'cni0' }, false],
  ])('sees whether %s is in the way', (_, route, expected) => {
    expect(conflictingRoute([route], plan) !== undefined).toBe(expected);
  });

  it('writes the host\'s rules', () => {
    const forwards = [{ port: 5000, to: '127.0.0.1', toPort: 5000, protocols: ['tcp'] as const }];
    const off = fabricRules({ plan, egress: false, forwards, forwardingWasOff: false });
    expect(off).toContain('iifname "wherry0" oifname != "wherry0" drop');
    expect(off).not.toContain('masquerade');
    expect(off).toContain('ip daddr 10.231.0.2 tcp dport 5000 dnat to 127.0.0.1:5000');
    const on = fabricRules({ plan, egress: true, forwards: [], forwardingWasOff: true });
    expect(on).toContain('ip daddr != { 10.244.0.0/16, 10.96.0.0/16, 10.231.0.0/24 } oifname != "wherry0" masquerade');
    expect(on).toContain('chain ip-forward-was-off');
  });

  it.each([
    ['no firewall', ['-P INPUT ACCEPT', '-P FORWARD ACCEPT'], []],
    ['Docker\'s', ['-P INPUT ACCEPT', '-P FORWARD DROP', '-N DOCKER'], ['FORWARD -i wherry0 -j ACCEPT', 'FORWARD -o wherry0 -j ACCEPT']],
    ['one that lets nothing in', ['-P INPUT DROP', '-P FORWARD DROP'], ['INPUT -i wherry0 -j ACCEPT', 'FORWARD -i wherry0 -j ACCEPT', 'FORWARD -o wherry0 -j ACCEPT']],
    ['nothing at all', [], []],
  ])('makes exceptions in the machine\'s firewall: %s', (_, present, expected) => expect(wantedRules('wherry0', present)).toEqual(expected));

  it('reads nameservers', () => {
    expect(parseNameservers('# x\nnameserver 1.1.1.1\nsearch a\n nameserver  127.0.0.53 # local\n;nameserver 9.9.9.9\n')).toEqual(['1.1.1.1', '127.0.0.53']);
  });
});

describe('what containerd is told', () => {
  const settings = {
    root: '/d/root', state: '/d/state', socket: '/d/containerd.sock', ociRuntime: { name: 'crun', path: '/usr/bin/crun' }, cniPlugins: '/usr/lib/cni',
    cniConfig: '/d/cni', certificates: '/d/certs.d', snapshotter: 'overlayfs', apparmor: false, oomProtection: false,
  } as const;

  it.each([
    ['containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3\n', 1, 6],
    ['containerd github.com/containerd/containerd/v2 v2.1.3 c787fb98911740dd3ff2d0e45ce88cdf01410486\n', 2, 1],
    ['containerd containerd.io 1.7.27 05044ec0a9a75232cad458027ca83437aae3f4da\n', 1, 7],
  ])('reads the version of %s', (text, major, minor) => expect(containerdVersion(text)).toEqual({ major, minor }));

  it('speaks the language of the version', () => {
    const two = containerdConfig({ ...settings, version: { major: 1, minor: 6 } });
    expect(two).toContain('version = 2');
    expect(two).toContain('[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun.options]\nBinaryName = "/usr/bin/crun"');
    expect(two).toContain('restrict_oom_score_adj = true');
    expect(containerdConfig({ ...settings, version: { major: 1, minor: 6 }, oomProtection: true })).toContain('restrict_oom_score_adj = false');
    expect(containerdConfig({ ...settings, version: { major: 1, minor: 6 }, otherRuntimes: [{ name: 'runc', path: '/usr/bin/runc' }] })).toContain('runtimes.runc.options]\nBinaryName = "/usr/bin/runc"');
    expect(two).toContain('containerd.runtimes.test-handler]');
    expect(two).not.toContain('io.containerd.runtime.v1.linux');
    const three = containerdConfig({ ...settings, version: { major: 2, minor: 0 } });
    expect(three).toContain('version = 3');
    expect(three).toContain(`[plugins."io.containerd.cri.v1.images".pinned_images]\nsandbox = "${PAUSE_IMAGE}"`);
    expect(three).toContain('[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.crun.options]');
    expect(three).toContain('bin_dir = "/usr/lib/cni"');
    expect(containerdConfig({ ...settings, version: { major: 2, minor: 3 } })).toContain('bin_dirs = ["/usr/lib/cni"]');
  });

  it('sends a registry to its mirror, and nowhere else without egress', () => {
    expect(registryHosts({ host: 'docker.io', url: 'http://10.231.0.2:5000', only: false }))
      .toBe('server = "https://registry-1.docker.io"\n\n[host."http://10.231.0.2:5000"]\ncapabilities = ["pull","resolve"]\n');
    expect(registryHosts({ host: 'docker.io', url: 'http://10.231.0.2:5000', only: true })).toContain('server = "http://10.231.0.2:5000"');
  });

  it('gives each node its own pod range', () => {
    expect(JSON.parse(cniConfig({ podCidr: '10.244.2.0/24', leases: '/l' }))).toMatchObject({ plugins: [{ type: 'ptp', ipMasq: false, ipam: { ranges: [[{ subnet: '10.244.2.0/24' }]] } }] });
  });
});

describe('the sandbox image', () => {
  it('is an archive we would accept ourselves, the same each time', async () => {
    const archive = await pauseImageArchive('amd64');
    expect(archive.equals(await pauseImageArchive('amd64'))).toBe(true);
    const file = join(scratch, 'pause.tar');
    writeFileSync(file, archive);
    expect(await readImageArchive(file)).toEqual({ format: 'docker', images: [PAUSE_IMAGE], shortNames: [] });
    truncateSync(file, 1500);
    await expect(readImageArchive(file)).rejects.toThrow(/incomplete|not a complete tar/);
  });

  it.runIf(process.platform === 'linux' && process.arch === 'x64')('holds a program that waits, and ends when asked', async () => {
    const file = join(scratch, 'pause');
    writeFileSync(file, pauseProgram('amd64'), { mode: 0o755 });
    const child = spawn(file);
    const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve) => child.once('exit', (code, signal) => resolve([code, signal])));
    await systemClock.sleep(50);
    child.kill('SIGCHLD');
    await systemClock.sleep(50);
    expect(child.exitCode).toBe(null);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  it('has arm64 code whose branches stay inside', () => {
    const code = pauseProgram('arm64').subarray(120);
    const words = Array.from({ length: code.length / 4 }, (_, i) => code.readUInt32LE(i * 4));
    const targets = words.slice(0, -2).flatMap((word, at) => {
      const signed = (value: number, bits: number): number => (value >= 2 ** (bits - 1) ? value - 2 ** bits : value);
      if ((word & 0xff000010) >>> 0 === 0x54000000) return [at + signed((word >>> 5) & 0x7ffff, 19)];
      if ((word & 0x7f000000) >>> 0 === 0x37000000) return [at + signed((word >>> 5) & 0x3fff, 14)];
      if ((word & 0xfc000000) >>> 0 === 0x14000000) return [at + signed(word & 0x3ffffff, 26)];
      return [];
    });
    // b.eq reap, tbnz wait, b.gt reap, b wait
    expect(targets).toHaveLength(4);
    expect(targets[0]).toBe(targets[2]);
    expect(targets[1]).toBe(targets[3]);
    expect(words[targets[0]!]).toBe(0x92800000);
    expect(words.at(-2)).toBe(0x14002);
  });
});

describe('image archives', () => {
  it.each([
    ['busybox', 'docker.io/library/busybox:latest'],
    ['msung99/maestro:0.1.0', 'docker.io/msung99/maestro:0.1.0'],
    ['localhost:5000/a', 'localhost:5000/a:latest'],
    ['quay.io/a/b@sha256:00', 'quay.io/a/b@sha256:00'],
  ])('reads the name %s', (name, full) => expect(fullReference(name)).toBe(full));

  it('says what is wrong with a file', async () => {
    const text = join(scratch, 'notes.txt');
    writeFileSync(text, 'no image here');
    await expect(readImageArchive(text)).rejects.toThrow(/not a (complete )?tar file/);
    await expect(readImageArchive(join(scratch, 'absent'))).rejects.toThrow('does not exist');
    await expect(readImageArchive(scratch)).rejects.toThrow('is not a file');
    writeFileSync(text, '');
    await expect(readImageArchive(text)).rejects.toThrow('is empty');
  });
});

describe.runIf(process.platform === 'linux')('processes that outlive us', () => {
  it('are found again, and never mistaken for another', async () => {
    const file = join(scratch, 'process.pid');
    const child = spawn('sleep', ['60']);
    const record = recordProcess(file, child.pid!);
    expect(findProcess(file)).toEqual(record);
    const other = { ...record, startTime: '1' };
    expect(isAlive(other)).toBe(false);
    await stopProcess(other, { clock: new FakeClock() });
    expect(describeProcess(child.pid!)).toEqual(record);
    await stopProcess(record, { clock: systemClock, file });
    expect(findProcess(file)).toBe(undefined);
    writeFileSync(file, '{"pid":1,"sta');
    expect(findProcess(file)).toBe(undefined);
  });

  it('are killed when they do not listen', async () => {
    const child = spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 0.05; done']);
    await systemClock.sleep(100);
    const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    await stopProcess(describeProcess(child.pid!)!, { clock: systemClock, graceMs: 100 });
    expect(await ended).toBe('SIGKILL');
  });
});

describe('the machine', () => {
  const bare: MachineView = {
    platform: 'linux', uid: 1000, program: (name) => (name === 'apt-get' ? '/usr/bin/apt-get' : undefined), cniPlugins: () => undefined, exists: () => true,
    read: (path) => (path === '/proc/filesystems' ? 'nodev\tcgroup2\nnodev\toverlay\n' : path === '/proc/self/mountinfo' ? '1 2 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n' : ''),
  };

  it('says what is missing and the one command that brings it', () => {
    const check = checkMachine(bare);
    expect(check.install).toBe('sudo apt-get install -y containerd iproute2 nftables conntrack util-linux mount runc crun containernetworking-plugins');
    expect(explainMissing(check)).toContain('  root: ');
    expect(checkMachine({ ...bare, uid: 0, program: () => '/bin/x', cniPlugins: () => '/usr/lib/cni' })).toEqual({ missing: [] });
    expect(explainMissing(checkMachine({ ...bare, platform: 'darwin' }))).toContain('this machine runs darwin');
  });

  it('reads what the kernel and the distribution tell', () => {
    expect(memoryTotal('MemTotal:       24684084 kB\nMemFree: 1 kB\n')).toBe(24684084 * 1024);
    expect(prettyName('NAME="x"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')).toBe('Debian GNU/Linux 12 (bookworm)');
    expect(parseMountInfo('36 35 98:0 / /mnt/a\\040b rw,noatime shared:1 - ext4 /dev/root rw\n')).toEqual([{ target: '/mnt/a b', type: 'ext4' }]);
  });
});
