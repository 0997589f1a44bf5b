import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pods } from '../../api/generated/resources.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { nodeUnderTest } from '../../testing/node-under-test.ts';
import { defaultConfiguration } from '../configuration.ts';
import { staticPod } from './manifest.ts';

const manifest = (command: string): string => `apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: main, image: "busybox:1", command: [${command}, infinity]}]
`;

test('a manifest becomes a pod of this node', () => {
  const pod = staticPod(manifest('sleep'), '/manifests/web.yaml', 'boat');
  expect(pod).toMatchObject({
    metadata: { name: 'web-boat', namespace: 'default', annotations: { 'kubernetes.io/config.source': 'file', 'kubernetes.io/config.hash': pod.metadata.uid } },
    spec: { nodeName: 'boat', restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] },
  });
  expect(staticPod(manifest('sleep'), '/manifests/web.yaml', 'boat').metadata.uid).toBe(pod.metadata.uid);
  expect(staticPod(manifest('tail'), '/manifests/web.yaml', 'boat').metadata.uid).not.toBe(pod.metadata.uid);
  expect(() => staticPod('kind: Pod', '/m.yaml', 'boat')).toThrow('/m.yaml: a Pod of v1 is wanted');
  expect(() => staticPod('{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: []}}', '/m.yaml', 'boat')).toThrow(/^\/m.yaml: spec.containers: /);
});

test('a file is a pod, with a mirror in the API that may be deleted for nothing', async () => {
  const { admin, clock, runtime, rootDir, start } = await nodeUnderTest({ images: ['busybox:1'] });
  const path = join(rootDir, 'manifests');
  mkdirSync(path);
  writeFileSync(join(path, 'web.yaml'), manifest('sleep'));
  writeFileSync(join(path, 'broken.yaml'), 'kind: [');
  const configuration = { ...defaultConfiguration, staticPodPath: path };
  const kubelet = await start({ configuration });
  const mirror = async (): Promise<Pod | undefined> => admin.get(pods, { namespace: 'default', name: 'web-boat' }).catch(() => undefined);
  const until = async <T>(what: () => Promise<T | undefined | false>): Promise<T> => {
    let found: T | undefined | false;
    await expect.poll(async () => {
      await clock.advance(200);
      return Boolean(found = await what());
    }, { timeout: 20_000, interval: 5 }).toBe(true);
    return found as T;
  };
  const running = async (): Promise<Pod | undefined> => {
    const pod = await mirror();
    return pod?.status?.phase === 'Running' && pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ? pod : undefined;
  };
  const containerOf = (pod: Pod): string => pod.status!.containerStatuses![0]!.containerID!;

  const first = await until(running);
  expect(first.metadata.annotations).toMatchObject({ 'kubernetes.io/config.mirror': first.metadata.annotations!['kubernetes.io/config.hash'] });
  expect(first.metadata.ownerReferences).toMatchObject([{ kind: 'Node', name: 'boat', controller: true }]);
  expect(await runtime.listPodSandbox()).toMatchObject([{ metadata: { uid: first.metadata.annotations!['kubernetes.io/config.hash'] } }]);

  // Deleted in the API it comes back, and its containers never knew.
  await admin.delete(pods, { namespace: 'default', name: 'web-boat' });
  const second = await until(async () => {
    const pod = await running();
    return pod && pod.metadata.uid !== first.metadata.uid && pod;
  });
  expect(containerOf(second)).toBe(containerOf(first));

  // Another kubelet takes it up.
  await kubelet.stop();
  await start({ configuration });
  await clock.advance(1000);
  expect(containerOf(await until(running))).toBe(containerOf(first));

  // Another content is another pod.
  writeFileSync(join(path, 'web.yaml'), manifest('tail'));
  const third = await until(async () => {
    const pod = await running();
    return pod && containerOf(pod) !== containerOf(first) && pod;
  });
  expect(third.spec.containers[0]!.command).toEqual(['tail', 'infinity']);
  await until(async () => (await runtime.listPodSandbox()).length === 1);

  rmSync(join(path, 'web.yaml'));
  await until(async () => await mirror() === undefined && (await runtime.listPodSandbox()).length === 0);
});

test.each(['before the kubelet', 'after it'])('static pods that come %s run before the API answers, and come to it when it does', async (when) => {
  const { admin, clock, runtime, rootDir, start } = await nodeUnderTest({ images: ['busybox:1'] });
  const path = join(rootDir, 'manifests');
  mkdirSync(path);
  if (when === 'before the kubelet') writeFileSync(join(path, 'web.yaml'), manifest('sleep'));
  let away = true;
  const client = new Proxy(admin, {
    get: (target, name) => {
      const method = target[name as 'get'] as unknown;
      return typeof method !== 'function' ? method : (...parameters: never[]): unknown => (away ? Promise.reject(new Error('connect ECONNREFUSED')) : (method as (...all: never[]) => unknown).apply(target, parameters));
    },
  });
  await start({ configuration: { ...defaultConfiguration, staticPodPath: path }, client });
  writeFileSync(join(path, 'web.yaml'), manifest('sleep'));
  const soon = (what: () => Promise<unknown>) => expect.poll(async () => {
    await clock.advance(200);
    return Boolean(await what());
  }, { timeout: 20_000, interval: 5 }).toBe(true);
  await soon(async () => (await runtime.listContainers()).some(({ state }) => state === 'CONTAINER_RUNNING'));
  const [before] = await runtime.listContainers();
  expect((await admin.list(pods, { namespace: 'default' })).items).toEqual([]);
  away = false;
  await soon(async () => (await admin.get(pods, { namespace: 'default', name: 'web-boat' }).catch(() => undefined))?.status?.phase === 'Running');
  expect((await runtime.listContainers()).map(({ id }) => id)).toEqual([before!.id]);
});
