import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pods } from '../../api/generated/resources.ts';
import { nodeUnderTest } from '../../testing/node-under-test.ts';

test('a sandbox whose kubelet was killed before it wrote the hosts file still gets one', async () => {
  const { admin, clock, runtime, rootDir, start } = await nodeUnderTest({ pullMs: 60_000 });
  const first = await start();
  const { metadata: { uid } } = await admin.create(pods, { metadata: { name: 'kubia', namespace: 'default' }, spec: { nodeName: 'boat', automountServiceAccountToken: false, containers: [{ name: 'main', image: 'busybox:1', command: ['sleep', 'infinity'] }] } });
  await expect.poll(async () => {
    await clock.advance(100);
    return (await runtime.listPodSandbox()).length;
  }, { timeout: 10_000, interval: 5 }).toBe(1);
  await first.stop();
  const file = join(rootDir, 'pods', uid, 'etc-hosts');
  rmSync(file, { force: true });
  // What a runtime makes of a missing file that it is to mount.
  mkdirSync(file);
  await start();
  await expect.poll(async () => {
    await clock.advance(1000);
    return (await admin.get(pods, { namespace: 'default', name: 'kubia' })).status?.phase;
  }, { timeout: 15_000, interval: 5 }).toBe('Running');
  expect(await runtime.listPodSandbox()).toHaveLength(1);
  expect(readFileSync(file, 'utf8')).toMatch(/^10\.244\.1\.2\tkubia$/m);
});
