// The disk of the storage fills up: writes are refused with the reason, reads go on, what was acknowledged stays, and when there is room again writes work.
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StatusError } from '../../src/api/errors.ts';
import { configMaps } from '../../src/api/generated/resources.ts';
import { ClusterUnderTest, eventually, run } from '../../src/testing/cluster-under-test.ts';
import { freePort } from '../../src/testing/free-port.ts';
import { imageArchive, sampleImage } from '../../src/testing/sample-image.ts';
import { plainError } from './plain-error.ts';

const namespace = 'default';

test.skipIf(process.getuid?.() !== 0)('a full disk under the storage', async () => {
  const cluster = new ClusterUnderTest('full');
  const disk = join(cluster.folder, 'disk');
  mkdirSync(disk);
  expect(await run(['mount', '-t', 'tmpfs', '-o', 'size=24m', 'wherry-test', disk])).toMatchObject({ code: 0 });
  const wherry = (verb: string, ...args: string[]): ReturnType<typeof run> => run([...command(verb), ...args], { env: cluster.env, timeoutMs: 60_000 });
  const command = (verb: string): string[] => [join(import.meta.dirname, '../../bin/wherry'), verb, '--profile', cluster.profile, '--data-dir', join(disk, 'data')];
  const filler = join(disk, 'filler');
  try {
    expect(await wherry('start', '--runtime', 'simulated', '--api-port', String(await freePort()))).toMatchObject({ code: 0 });
    const { clientOf } = await import('../../src/cluster/cluster-client.ts');
    const { Profile } = await import('../../src/cluster/profile.ts');
    const profile = new Profile(cluster.profile, join(disk, 'data'));
    using client = clientOf(profile, profile.mustRead(), { timeoutMs: 10_000 });
    const put = (name: string): Promise<unknown> => client.create(configMaps, { metadata: { name, namespace }, data: { text: 'x'.repeat(100_000) } });
    await put('before');

    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(filler, Buffer.alloc(bavail * bsize - 512 * 1024));
    const written = ['before'];
    const fault = await eventually('a write is refused', async () => {
      const name = `more-${written.length}`;
      try {
        await put(name);
        written.push(name);
        return undefined;
      } catch (error) {
        return error as Error;
      }
    });
    // As upstream passes on etcd's fault: a server error, with its reason, to every client.
    expect(fault).toBeInstanceOf(StatusError);
    expect((fault as StatusError).status.code).toBe(500);
    expect(fault.message).toMatch(/no space left on (the )?device|disk is full|ENOSPC/i);
    const said = plainError(await run([...command('kubectl').slice(0, 2), 'create', 'configmap', 'refused', `--from-literal=a=${'x'.repeat(100_000)}`], { env: cluster.env }));
    expect(said).toMatch(/^(error: failed to create configmap: |Error from server)[^]*no space left/);

    const names = (await client.list(configMaps, { namespace })).items.map(({ metadata }) => metadata.name);
    for (const name of written) expect(names).toContain(name);
    expect(names).not.toContain('refused');

    // Room again, without a restart.
    rmSync(filler);
    await eventually('writes work again', async () => (await put('after')) !== undefined);
    const { stdout } = await wherry('status');
    expect(stdout).toMatch(/server {2}running/);

    // And full at the start: it says so, or it runs and still has all; never a stack trace or a hang.
    expect(await wherry('stop')).toMatchObject({ code: 0 });
    const left = statfsSync(disk);
    writeFileSync(filler, Buffer.alloc(left.bavail * left.bsize));
    const outcome = await wherry('start');
    if (outcome.code !== 0) expect(plainError(outcome)).toMatch(/no space left|ENOSPC/i);
    rmSync(filler, { force: true });
    expect(await wherry('start')).toMatchObject({ code: 0 });
    const again = (await client.list(configMaps, { namespace })).items.map(({ metadata }) => metadata.name);
    for (const name of [...written, 'after']) expect(again).toContain(name);
  } finally {
    rmSync(filler, { force: true });
    await wherry('delete');
    await run(['umount', '-l', disk]);
    expect(existsSync(join(disk, 'data'))).toBe(false);
    await cluster[Symbol.asyncDispose]();
  }
}, 120_000);

test.skipIf(process.getuid?.() !== 0)('a full disk under the images', async () => {
  const cluster = new ClusterUnderTest('fullimages');
  mkdirSync(cluster.dataDir);
  expect(await run(['mount', '-t', 'tmpfs', '-o', 'size=64m', 'wherry-test', cluster.dataDir])).toMatchObject({ code: 0 });
  const filler = join(cluster.folder, 'data/log/filler');
  const archive = join(cluster.folder, 'image.tar');
  writeFileSync(archive, await imageArchive(await sampleImage('0.1.0'), 'docker.io/msung99/maestro:0.1.0'));
  try {
    await cluster.start();
    const { bavail, bsize } = statfsSync(cluster.dataDir);
    writeFileSync(filler, Buffer.alloc(bavail * bsize - 1024 * 1024));
    expect(plainError(await cluster.wherry('image load', archive))).toMatch(/wherry: \S+image\.tar does not fit on the disk of the node fullimages: .*no space left on device\n {2}try: make room for /);
    rmSync(filler);
    expect(await cluster.wherry('image load', archive)).toMatchObject({ code: 0, stdout: 'docker.io/msung99/maestro:0.1.0\n' });
    expect(await cluster.kubectl('run', 'web', '--image=msung99/maestro:0.1.0')).toMatchObject({ code: 0 });
    await eventually('the pod runs', async () => /Running/.test((await cluster.kubectl('get', 'pod', 'web')).stdout));
  } finally {
    rmSync(filler, { force: true });
    const deleted = await cluster.wherry('delete');
    await run(['umount', '-l', cluster.dataDir]);
    expect(deleted).toMatchObject({ code: 0 });
    await cluster[Symbol.asyncDispose]();
  }
}, 90_000);
