import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock as clock } from '../base/clock.ts';
import { silentLog as log } from '../base/log.ts';
import { addressPlan } from './address-plan.ts';
import { cgroupHierarchies } from './cgroups.ts';
import { checkMachine } from './check-machine.ts';
import { createFabric, destroyFabric, guardedNow } from './fabric.ts';
import { readMounts } from './mounts.ts';
import { createNodeGround, findNodeNames, nodeGround, releaseNodeGround } from './node-ground.ts';
import { run } from './run.ts';

/** The last cluster number, which nobody's real cluster has. */
const index = 11;
const profile = `test-${process.pid}`;
const plan = addressPlan(index);
const able = checkMachine().missing.length === 0 && !existsSync(`/sys/class/net/${plan.bridge}`);

/** Everything on the machine that carries our names or addresses. */
async function traces(dataDir: string): Promise<string[]> {
  const routes = (await run(['ip', '-4', 'route', 'show', 'table', 'all'])).split('\n').filter((line) => /10\.(255|107)\.|10\.231\.11\./.test(line));
  const links = readdirSync('/sys/class/net').filter((name) => name === plan.bridge || name.startsWith(`wh${index}n`));
  const mounts = readMounts().filter((mount) => mount.target.startsWith(dataDir)).map((mount) => mount.target);
  const tables = (await run(['nft', 'list', 'tables'])).split('\n').filter((line) => line.includes(profile));
  const cgroups = cgroupHierarchies().map((mount) => join(mount, 'wherry', profile)).filter((path) => existsSync(path));
  return [...routes, ...links, ...mounts, ...tables, ...cgroups];
}

describe.runIf(able)('two nodes on this machine', () => {
  const realDataDir = mkdtempSync(join(tmpdir(), 'wherry-ground-'));
  // People put their home on other disks.
  const dataDir = `${realDataDir}-link`;
  symlinkSync(realDataDir, dataDir);
  const forwarding = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8');
  const name = (number: number) => ({ profile, index, number, nodeName: `${profile}-${number}`, dataDir });

  afterAll(async () => {
    for (const number of [1, 2]) await releaseNodeGround(name(number), { clock });
    await destroyFabric({ profile, index });
    rmSync(dataDir, { force: true });
    rmSync(realDataDir, { recursive: true, force: true });
  });

  it('stand on the fabric, reach each other and the host, and nothing else', async () => {
    const fabric = await createFabric({ profile, index, egress: false, log });
    const grounds = await Promise.all([1, 2].map((number) => createNodeGround({ ...name(number), fabric, peers: [3 - number], clock, log })));
    expect((await run(grounds[0]!.enter(['hostname']))).trim()).toBe(`${profile}-1`);
    const routeTo = (address: string): Promise<string> => run(grounds[0]!.enter(['ip', 'route', 'get', address]));
    expect(await routeTo('10.255.2.7')).toContain('via 10.231.11.12');
    expect(await routeTo(plan.host)).toContain('dev eth0');
    expect(await routeTo('10.107.3.4')).toContain('src 10.231.11.11');
    await expect(routeTo('192.0.2.1')).rejects.toThrow(/unreachable/i);
    await expect(routeTo('10.255.9.9')).rejects.toThrow(/unreachable|No route/i);
    expect(await run(['ip', 'route', 'get', '10.255.1.5'])).toContain('via 10.231.11.11');
    await expect(run(['ip', 'route', 'get', '10.107.0.1'])).rejects.toThrow(/unreachable|No route/i);
    // Neighbours remember these: they stay the same while nodes come and go, and when one is made again.
    expect(readFileSync(`/sys/class/net/${plan.bridge}/address`, 'utf8')).toBe('02:77:0a:e7:0b:01\n');
    expect(await run(grounds[0]!.enter(['ip', 'link', 'show', 'eth0']))).toContain('02:77:0a:e7:0b:0b');
    expect(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')).toBe(forwarding);
    const cgroups = (await run(grounds[0]!.enter(['cat', '/proc/self/mountinfo']))).split('\n').filter((line) => / - cgroup2? /.test(line));
    expect(new Set(cgroups.map((line) => / - (\w+)/.exec(line)![1])).size, 'one version of cgroups').toBe(1);
  });

  it('are left alone when all is asked for again', async () => {
    const process = nodeGround(name(1)).launch(['sleep', '100'], { logFile: '/dev/null', pidFile: join(dataDir, 'sleep.pid') });
    const fabric = await createFabric({ profile, index, egress: false, log });
    expect(fabric.did).toEqual([]);
    const ground = await createNodeGround({ ...name(1), fabric, peers: [2, 3], clock, log });
    expect(existsSync(`/proc/${process.pid}`)).toBe(true);
    expect(await run(ground.enter(['ip', 'route']))).toContain('10.255.3.0/24 via 10.231.11.13');
    await ground.setPeers([3]);
    expect(await run(ground.enter(['ip', 'route']))).not.toContain('10.255.2.0/24');
  });

  it('refuse addresses that another cluster has', async () => {
    await expect(createFabric({ profile: 'other', index, egress: false, log })).rejects.toThrow(/taken/);
  });

  it('reach the outside with egress, for which the host forwards only so long', async () => {
    const fabric = await createFabric({ profile, index, egress: true, mirrors: [{ host: 'docker.io', url: 'http://localhost:5123' }], log });
    expect(fabric.mirrors).toEqual([{ host: 'docker.io', url: 'http://10.231.11.2:5123' }]);
    const ground = await createNodeGround({ ...name(1), fabric, peers: [2], clock, log });
    expect(await run(ground.enter(['ip', 'route', 'show', 'default']))).toContain('default via 10.231.11.1');
    expect(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim()).toBe('1');
  });

  it('go out under the host\'s address, and reach of its loopback only what they were given', async () => {
    const outside = spawn('unshare', ['--net', 'sleep', '60']);
    const say = "require('net').createServer((socket) => socket.end(socket.remoteAddress.replace('::ffff:', ''))).listen(80, () => console.log('on'))";
    const given = createServer((socket) => socket.end('registry')).listen(5123, '127.0.0.1');
    const hidden = createServer((socket) => socket.end('secret')).listen(0, '127.0.0.1');
    const { enter } = nodeGround(name(1));
    const ask = async (address: string, port: number, patienceMs = 5000): Promise<string> => (await run(enter([process.execPath, '-e',
      `require('net').connect({ host: '${address}', port: ${port}, timeout: ${patienceMs} }).on('timeout', () => process.exit(2)).on('error', () => process.exit(1)).pipe(process.stdout)`]))).trim();
    try {
      while (readFileSync(`/proc/${outside.pid}/comm`, 'utf8').trim() !== 'sleep') await clock.sleep(5);
      await run(['ip', 'link', 'add', 'wh11out', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(outside.pid)]);
      await run(['sh', '-ec', 'ip addr add 198.51.100.1/24 dev wh11out; ip link set wh11out up']);
      await run(['nsenter', `--net=/proc/${outside.pid}/ns/net`, '--', 'sh', '-ec', 'ip addr add 198.51.100.2/24 dev eth0; ip link set eth0 up']);
      const server = spawn('nsenter', [`--net=/proc/${outside.pid}/ns/net`, process.execPath, '-e', say]);
      await once(server.stdout, 'data');
      expect(await ask('198.51.100.2', 80)).toBe('198.51.100.1');
      expect(await ask('10.231.11.2', 5123)).toBe('registry');
      await expect(ask('10.231.11.2', (hidden.address() as AddressInfo).port)).rejects.toThrow();
      await createFabric({ profile, index, egress: false, log });
      await expect(ask('198.51.100.2', 80, 700)).rejects.toThrow();
      server.kill('SIGKILL');
    } finally {
      await run(['ip', 'link', 'del', 'wh11out']);
      outside.kill('SIGKILL');
      given.close();
      hidden.close();
    }
  });

  it('leave nothing, by whoever takes them away', async () => {
    expect(findNodeNames(dataDir)).toEqual([`${profile}-1`, `${profile}-2`]);
    writeFileSync(join(dataDir, 'run', 'left.pid'), '1');
    for (const number of [1, 2]) await releaseNodeGround(name(number), { clock, removeData: true });
    await destroyFabric({ profile, index, keepGuard: true });
    expect((await guardedNow(index)).toSorted()).toEqual(['10.107.0.0/16', '10.231.11.0/24', '10.255.0.0/16']);
    await expect(run(['ip', 'route', 'get', '10.107.0.1'])).rejects.toThrow(/unreachable|No route/i);
    await destroyFabric({ profile, index });
    expect(await traces(realDataDir)).toEqual([]);
    expect(readdirSync(join(dataDir, 'nodes'))).toEqual([]);
    expect(readdirSync(join(dataDir, 'run'))).toEqual(['left.pid']);
    rmSync(join(dataDir, 'run'), { recursive: true });
    expect(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')).toBe(forwarding);
    await destroyFabric({ profile, index });
  });
});
