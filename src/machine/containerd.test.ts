import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock as clock } from '../base/clock.ts';
import { silentLog as log } from '../base/log.ts';
import { addressPlan } from './address-plan.ts';
import { checkMachine } from './check-machine.ts';
import { findRuntime, importImage, startRuntime } from './containerd.ts';
import { createFabric, destroyFabric } from './fabric.ts';
import { createNodeGround, releaseNodeGround, type NodeGround } from './node-ground.ts';
import { PAUSE_IMAGE, pauseImageArchive } from './pause-image.ts';
import { pauseProgram, thisArchitecture } from './pause-program.ts';
import { run } from './run.ts';

const index = 10;
const profile = `test-runtime-${process.pid}`;
const able = checkMachine().missing.length === 0 && !existsSync(`/sys/class/net/${addressPlan(index).bridge}`);

async function tar(files: Readonly<Record<string, Buffer | string>>): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mode: 0o755 }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** An OCI layout with the sandbox program in it, under a short name. */
async function ociArchive(name: string): Promise<Buffer> {
  const blobs: Record<string, Buffer> = {};
  const blob = (content: Buffer): { digest: string; size: number } => {
    const digest = createHash('sha256').update(content).digest('hex');
    blobs[`blobs/sha256/${digest}`] = content;
    return { digest: `sha256:${digest}`, size: content.length };
  };
  const layer = await tar({ program: pauseProgram(thisArchitecture()) });
  const diff = createHash('sha256').update(layer).digest('hex');
  const config = Buffer.from(JSON.stringify({ architecture: thisArchitecture(), os: 'linux', config: { Entrypoint: ['/program'] }, rootfs: { type: 'layers', diff_ids: [`sha256:${diff}`] } }));
  const manifest = Buffer.from(JSON.stringify({
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...blob(config) },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...blob(layer) }],
  }));
  const described = { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...blob(manifest), annotations: { 'org.opencontainers.image.ref.name': name } };
  return tar({ 'oci-layout': '{"imageLayoutVersion":"1.0.0"}', 'index.json': JSON.stringify({ schemaVersion: 2, manifests: [described] }), ...blobs });
}

describe.runIf(able)('a node\'s containerd', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'wherry-runtime-'));
  const name = { profile, index, number: 1, nodeName: `${profile}-1`, dataDir };
  let ground: NodeGround;
  const ctr = (...words: string[]): Promise<string> => run(ground.enter(['ctr', '--address', join(ground.directory, 'containerd.sock'), '--namespace', 'k8s.io', ...words]));

  afterAll(async () => {
    await releaseNodeGround(name, { clock, removeData: true });
    await destroyFabric({ profile, index });
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('starts, has the sandbox image, and is found again', async () => {
    const fabric = await createFabric({ profile, index, egress: false, mirrors: [{ host: 'docker.io', url: 'http://127.0.0.1:5099' }], log });
    ground = await createNodeGround({ ...name, fabric, clock, log });
    const runtime = await startRuntime(ground, { clock, log, egress: false, mirrors: fabric.mirrors });
    expect(findRuntime(ground, { clock })?.pid).toBe(runtime.pid);
    expect((await startRuntime(ground, { clock, log, egress: false, mirrors: fabric.mirrors })).pid).toBe(runtime.pid);
    expect(await ctr('images', 'ls', '-q')).toContain(PAUSE_IMAGE);
    expect(readFileSync(join(ground.directory, 'certs.d', 'docker.io', 'hosts.toml'), 'utf8')).toContain('[host."http://10.231.10.2:5099"]');
    expect(readFileSync(join(ground.dataDir, 'oci-runtime.json'), 'utf8')).toMatch(/crun|^$/);
    expect(existsSync('/run/containerd/s')).toBe(false);
  });

  it('comes back after it was killed, with its images', async () => {
    const killed = findRuntime(ground, { clock })!;
    process.kill(killed.pid, 'SIGKILL');
    while (findRuntime(ground, { clock })) await clock.sleep(10);
    // As the node's own process does it, from inside.
    const script = `
      const { nodeGround } = await import(${JSON.stringify(new URL('node-ground.ts', import.meta.url).href)});
      const { startRuntime } = await import(${JSON.stringify(new URL('containerd.ts', import.meta.url).href)});
      const { systemClock: clock } = await import(${JSON.stringify(new URL('../base/clock.ts', import.meta.url).href)});
      const { silentLog: log } = await import(${JSON.stringify(new URL('../base/log.ts', import.meta.url).href)});
      console.log((await startRuntime(nodeGround(${JSON.stringify(name)}, { inside: true }), { clock, log, egress: false })).pid);`;
    const pid = Number(await run(ground.enter([process.execPath, '--input-type=module', '-e', script])));
    expect(pid).not.toBe(killed.pid);
    expect(findRuntime(ground, { clock })?.pid).toBe(pid);
    expect(/Max open files +(\d+) +(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))!.slice(1)).toSatisfy(([soft, hard]) => soft === hard);
    expect(await ctr('images', 'ls', '-q')).toContain(PAUSE_IMAGE);
  });

  it('takes the place of one that a killed start could not note', async () => {
    const unnoted = findRuntime(ground, { clock })!;
    rmSync(join(ground.directory, 'containerd.pid'));
    writeFileSync(join(ground.directory, 'containerd.starting'), '');
    const { pid } = await startRuntime(ground, { clock, log, egress: false });
    expect(existsSync(`/proc/${unnoted.pid}/exe`)).toBe(false);
    expect(findRuntime(ground, { clock })?.pid).toBe(pid);
    expect(existsSync(join(ground.directory, 'containerd.starting'))).toBe(false);
  });

  it('loads archives of either kind, under the names that pods use', async () => {
    const oci = join(dataDir, 'oci.tar');
    writeFileSync(oci, await ociArchive('team/app:1'));
    expect(await importImage(ground, oci)).toEqual(['docker.io/team/app:1']);
    const docker = join(dataDir, 'docker.tar.gz');
    await ctr('images', 'rm', PAUSE_IMAGE);
    writeFileSync(docker, gzipSync(await pauseImageArchive(thisArchitecture())));
    expect(await importImage(ground, docker)).toEqual([PAUSE_IMAGE]);
    const images = (await ctr('images', 'ls', '-q')).trim().split('\n');
    expect(images).toEqual(expect.arrayContaining(['docker.io/team/app:1', PAUSE_IMAGE]));
    expect(images).not.toContain('team/app:1');
  });

  it('stops', async () => {
    await findRuntime(ground, { clock })!.stop();
    expect(findRuntime(ground, { clock })).toBe(undefined);
    expect(existsSync(join(ground.directory, 'containerd.sock'))).toBe(false);
  });
});
