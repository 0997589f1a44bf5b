import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { seededRandom } from '../base/random.ts';
import { systemClock } from '../base/clock.ts';
import { connectRuntime } from '../cri/connect.ts';
import type { CriRuntime, RuntimeEvent } from '../cri/runtime.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { serveRuntime } from '../testing/serve-runtime.ts';
import { SimulatedRuntime } from './simulated-runtime.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function direct(clock: FakeClock, folder: string): Promise<CriRuntime> {
  void folder;
  return new SimulatedRuntime({ clock, random: seededRandom(1), podCidr: '10.244.1.0/24' });
}

async function overSocket(clock: FakeClock, folder: string): Promise<CriRuntime> {
  const served = await serveRuntime(await direct(clock, folder), join(folder, 'cri.sock'));
  const client = connectRuntime(join(folder, 'cri.sock'), systemClock);
  undo.push(() => served[Symbol.asyncDispose](), () => client[Symbol.asyncDispose]());
  return client;
}

const sandboxConfig = (folder: string) => ({ metadata: { name: 'kubia', uid: 'u1', namespace: 'default', attempt: 0 }, hostname: 'kubia', logDirectory: folder, labels: { app: 'kubia' } });

describe.each([['called directly', direct], ['over gRPC', overSocket]])('a simulated runtime %s', (_, make) => {
  test('runs a pod through its life', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sim-'));
    undo.push(() => rmSync(folder, { recursive: true }));
    const clock = new FakeClock();
    const runtime = await make(clock, folder);
    const seen: RuntimeEvent[] = [];
    const stop = new AbortController();
    undo.push(() => stop.abort());
    void (async () => {
      for await (const event of runtime.events(stop.signal)) seen.push(event);
    })();
    await expect.poll(() => seen).toEqual([{ type: 'resync' }]);
    const config = sandboxConfig(folder);
    const sandbox = await runtime.runPodSandbox(config);
    expect((await runtime.podSandboxStatus(sandbox)).network!.ip).toBe('10.244.1.2');

    await expect(runtime.createContainer(sandbox, { metadata: { name: 'c', attempt: 0 }, image: { image: 'busybox' } }, config)).rejects.toMatchObject({ code: 'NotFound' });
    expect(await runtime.imageStatus({ image: 'busybox' })).toBeUndefined();
    const image = await runtime.pullImage({ image: 'busybox' });
    expect(await runtime.imageStatus({ image: 'busybox:latest' })).toMatchObject({ id: image, repoTags: ['docker.io/library/busybox:latest'] });

    const id = await runtime.createContainer(sandbox, {
      metadata: { name: 'c', attempt: 0 }, image: { image: 'busybox' }, command: ['sh', '-c', 'echo hello $NAME; sleep 5; exit 3'], envs: [{ key: 'NAME', value: 'you' }], logPath: 'c.log',
    }, config);
    await runtime.startContainer(id);
    await clock.advance(4999);
    expect(await runtime.containerStatus(id)).toMatchObject({ state: 'CONTAINER_RUNNING', exitCode: 0 });
    await clock.advance(1);
    expect(await runtime.containerStatus(id)).toMatchObject({ state: 'CONTAINER_EXITED', exitCode: 3, reason: 'Error' });
    const silent = await runtime.createContainer(sandbox, { metadata: { name: 's', attempt: 0 }, image: { image: 'busybox' }, command: ['sleep', '9'], logPath: 's.log' }, config);
    await runtime.startContainer(silent);
    expect(readFileSync(join(folder, 's.log'), 'utf8')).toBe('');
    await runtime.removeContainer(silent);
    expect(readFileSync(join(folder, 'c.log'), 'utf8')).toBe('2026-01-01T00:00:00.000000000Z stdout F hello you\n');
    await expect.poll(() => seen).toContainEqual({ type: 'stopped', id });
    expect(await runtime.listContainers({ podSandboxId: sandbox })).toHaveLength(1);

    await runtime.stopPodSandbox(sandbox);
    await runtime.removePodSandbox(sandbox);
    expect(await runtime.listPodSandbox()).toEqual([]);
    await expect(runtime.containerStatus(id)).rejects.toMatchObject({ code: 'NotFound', message: expect.stringContaining('rpc error: code = NotFound desc = ') });
  });

  test('fails pulls from hosts that do not exist, with the text of containerd', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sim-'));
    undo.push(() => rmSync(folder, { recursive: true }));
    const runtime = await make(new FakeClock(), folder);
    await expect(runtime.pullImage({ image: 'registry.invalid/none:1' })).rejects.toThrow(
      'rpc error: code = Unknown desc = failed to pull and unpack image "registry.invalid/none:1": failed to resolve reference "registry.invalid/none:1": dial tcp: lookup registry.invalid: no such host');
  });
});
