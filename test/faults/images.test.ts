// What goes wrong on the way of an image to a container is told on the pod, and archives that are none are refused.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pods } from '../../src/api/generated/resources.ts';
import type { HttpClient } from '../../src/client/http-client.ts';
import { ClusterUnderTest, eventually } from '../../src/testing/cluster-under-test.ts';
import { freePort } from '../../src/testing/free-port.ts';
import { startRegistry, type Registry } from '../../src/testing/registry.ts';
import { imageArchive, pushImage, sampleImage } from '../../src/testing/sample-image.ts';
import { plainError } from './plain-error.ts';

const namespace = 'default';
const cluster = new ClusterUnderTest('images');
let registry: Registry;
let deadPort: number;
let client: HttpClient;

beforeAll(async () => {
  registry = await startRegistry();
  deadPort = await freePort();
  await cluster.start('--registry-mirror', `docker.io=${registry.url}`, '--registry-mirror', `dead.example=http://127.0.0.1:${deadPort}`);
  client = cluster.client();
}, 120_000);
afterAll(async () => {
  client[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
}, 60_000);

describe('a pod whose image does not come', () => {
  test.each([
    ['wrong-name', 'msung99/no-such-image:1', 'ErrImagePull', /^Failed to pull image "msung99\/no-such-image:1": .*docker\.io\/msung99\/no-such-image:1.*not found/],
    ['unreachable', 'dead.example/web:1', 'ErrImagePull', /^Failed to pull image "dead\.example\/web:1": .*(connection refused|dial tcp)/],
    // Without egress nothing is asked that has no mirror.
    ['no-mirror', 'nowhere.example/web:1', 'ErrImagePull', /^Failed to pull image "nowhere\.example\/web:1": /],
    ['not-a-name', 'Web:::1', 'InvalidImageName', /^Failed to apply default image tag "Web:::1": couldn't parse image name "Web:::1": invalid reference format/],
    ['never-pulled', 'msung99/not-here:1', 'ErrImageNeverPull', /^Container image "msung99\/not-here:1" is not present with pull policy of Never$/],
  ])('%s', async (name, image, reason, message) => {
    await client.create(pods, { metadata: { name, namespace }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image, ...(name === 'never-pulled' && { imagePullPolicy: 'Never' }) }] } });
    const seen = new Set<string>();
    await eventually(`${reason} on the pod`, async () => {
      const waiting = (await client.get(pods, { namespace, name })).status?.containerStatuses?.[0]?.state?.waiting;
      if (waiting?.reason) seen.add(waiting.reason);
      return seen.has(reason) || (reason === 'ErrImagePull' && seen.has('ImagePullBackOff'));
    });
    await eventually('the event says what was tried and why it failed', async () => {
      const { stdout } = await cluster.kubectl('get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', 'jsonpath={range .items[*]}{.message}{"\\n"}{end}');
      if (stdout.split('\n').some((line) => message.test(line))) return true;
      throw new Error(stdout);
    });
    expect((await client.get(pods, { namespace, name })).status?.phase).toBe('Pending');
    // The rest of the node goes on.
    expect((await cluster.status()).running).toBe(true);
    await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 });
  });
});

test('a registry that comes back is used', async () => {
  await client.create(pods, { metadata: { name: 'late', namespace }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image: 'msung99/maestro:0.3.0' }] } });
  await eventually('the pull has failed', async () => /Failed to pull/.test((await cluster.kubectl('get', 'events', '--field-selector', 'involvedObject.name=late', '-o', 'jsonpath={.items[*].message}')).stdout));
  await pushImage(registry.url, 'msung99/maestro', '0.3.0', await sampleImage('0.3.0'));
  await eventually('the pod runs', async () => (await client.get(pods, { namespace, name: 'late' })).status?.phase === 'Running', 45_000);
});

describe('image load', () => {
  const load = (name: string, content: Uint8Array | string): ReturnType<ClusterUnderTest['wherry']> => {
    const path = join(cluster.folder, name);
    writeFileSync(path, content);
    return cluster.wherry('image load', path);
  };

  test('a missing file, a folder', async () => {
    expect(plainError(await cluster.wherry('image load', join(cluster.folder, 'missing.tar')))).toMatch(/wherry: \S+missing\.tar does not exist\n/);
    expect(plainError(await cluster.wherry('image load', cluster.folder))).toMatch(/wherry: \S+ is not a file\n/);
  });

  test('what is no archive, an archive without an image, one that is cut off, one that was changed', async () => {
    const good = await imageArchive(await sampleImage('0.1.0'), 'docker.io/msung99/maestro:0.1.0');
    const changed = Buffer.from(good);
    // In the middle lies the layer.
    changed.fill(0x55, good.length / 2, good.length / 2 + 512);
    for (const [name, content] of [['empty.tar', ''], ['text.tar', 'no archive at all\n'.repeat(100)], ['text.tar.gz', gzipSync('no archive')], ['cut.tar', good.subarray(0, good.length / 2)], ['cut.tar.gz', gzipSync(good).subarray(0, 50_000)], ['changed.tar', changed]] as const) {
      const said = plainError(await load(name, content));
      expect(said, name).toContain(name);
      expect(said, name).toMatch(/\n {2}try: docker save IMAGE -o FILE writes an archive that can be loaded\n$/);
    }
    // None of it spoiled the node.
    expect(await load('good.tar', good)).toMatchObject({ code: 0, stdout: 'docker.io/msung99/maestro:0.1.0\n' });
    expect(await load('good.tar.gz', gzipSync(good))).toMatchObject({ code: 0, stdout: 'docker.io/msung99/maestro:0.1.0\n' });
    await client.create(pods, { metadata: { name: 'loaded', namespace }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image: 'msung99/maestro:0.1.0', imagePullPolicy: 'Never' }] } });
    await eventually('the pod runs', async () => (await client.get(pods, { namespace, name: 'loaded' })).status?.phase === 'Running');
  }, 60_000);
});
