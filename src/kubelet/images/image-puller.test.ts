import { expect, test } from 'vitest';
import type { Pod } from '../../api/generated/core-v1.ts';
import type { AuthConfig } from '../../cri/runtime.ts';
import { nodeUnderTest } from '../../testing/node-under-test.ts';
import { noSink } from '../../ledger/entry.ts';
import { ImagePuller } from './image-puller.ts';

const pod = (name: string, secret?: string): Pod => ({ metadata: { name, namespace: 'd', uid: name }, spec: { containers: [], ...(secret && { imagePullSecrets: [{ name: secret }] }) } } as unknown as Pod);
const config = { metadata: { name: 'p', uid: 'u', namespace: 'd', attempt: 0 } };

async function pullerUnderTest() {
  const { clock, runtime } = await nodeUnderTest({ pullMs: 1000, pullRules: [{ image: /broken/, error: 'unauthorized' }] });
  const auths: (AuthConfig | undefined)[] = [];
  const pull = runtime.pullImage.bind(runtime);
  runtime.pullImage = (image, auth, ...rest) => {
    auths.push(auth as AuthConfig | undefined);
    return pull(image, auth, ...rest);
  };
  const docker = { auths: { 'https://index.docker.io/v1/': { auth: Buffer.from('me:pass:word').toString('base64') }, 'ghcr.io': { username: 'x', password: 'y' } } };
  const puller = new ImagePuller({
    runtime, clock, work: noSink, changed: () => undefined,
    objects: { configMap: async () => undefined, secret: async () => ({ data: { '.dockerconfigjson': Buffer.from(JSON.stringify(docker)).toString('base64') } }) as never },
  });
  const events: string[] = [];
  const ensure = (image: string, policy: string, forPod = pod('a'), signal = new AbortController().signal) =>
    puller.ensure({ pod: forPod, container: { image, imagePullPolicy: policy }, sandboxConfig: config, event: (type, reason) => events.push(`${type} ${reason}`), signal });
  return { clock, runtime, ensure, events, auths };
}

test('pods that want the same image share a pull', async () => {
  const { clock, runtime, ensure } = await pullerUnderTest();
  const both = Promise.all([ensure('nginx', 'Always', pod('a')), ensure('nginx:latest', 'IfNotPresent', pod('b'))]);
  await clock.advance(1000);
  const [first, second] = await both;
  expect(first.id).toBe(second.id);
  expect(runtime.calls['pullImage']).toBe(1);
  await ensure('nginx', 'IfNotPresent');
  await ensure('nginx', 'Never');
  expect(runtime.calls['pullImage']).toBe(1);
});

test('policies and names that allow no pull say so', async () => {
  const { ensure, events } = await pullerUnderTest();
  await expect(ensure('nginx', 'Never')).rejects.toMatchObject({ reason: 'ErrImageNeverPull', message: 'Container image "nginx" is not present with pull policy of Never' });
  await expect(ensure('Nginx', 'Always')).rejects.toMatchObject({ reason: 'InvalidImageName', message: 'Failed to apply default image tag "Nginx": couldn\'t parse image name "Nginx": invalid reference format: repository name must be lowercase' });
  expect(events).toEqual(['Warning ErrImageNeverPull', 'Warning InspectFailed']);
});

test('pull secrets are used for their registry', async () => {
  const { clock, ensure, auths } = await pullerUnderTest();
  for (const image of ['nginx', 'quay.io/a/b']) {
    const pulled = ensure(image, 'Always', pod('a', 'secret'));
    await clock.advance(1000);
    await pulled;
  }
  expect(auths).toEqual([{ username: 'me', password: 'pass:word' }, undefined]);
});

test('who no longer wants the image is not kept waiting', async () => {
  const { ensure } = await pullerUnderTest();
  const end = new AbortController();
  const pulled = ensure('nginx', 'Always', pod('a'), end.signal);
  end.abort(new Error('enough'));
  await expect(pulled).rejects.toThrow('enough');
});

test('a failing pull backs off', async () => {
  const { clock, ensure, runtime } = await pullerUnderTest();
  const first = expect(ensure('broken', 'Always')).rejects.toMatchObject({ reason: 'ErrImagePull' });
  await clock.advance(1000);
  await first;
  await expect(ensure('broken', 'Always')).rejects.toMatchObject({ reason: 'ImagePullBackOff', retryAtMs: clock.now() + 10_000 });
  await clock.advance(10_000);
  const second = expect(ensure('broken', 'Always')).rejects.toMatchObject({ reason: 'ErrImagePull' });
  await clock.advance(1000);
  await second;
  expect(runtime.calls['pullImage']).toBe(2);
  await expect(ensure('broken', 'Always')).rejects.toMatchObject({ retryAtMs: clock.now() + 20_000 });
});
