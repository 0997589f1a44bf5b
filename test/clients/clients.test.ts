// Real clients take the cluster for the real thing: every kubectl that the machine has, and the JavaScript client. `npm run test:clients` does the same with
// those of Go, Python, Rust and Java.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { AppsV1Api, CoordinationV1Api, CoreV1Api, Exec, KubeConfig, Log, makeInformer, PatchStrategy, setHeaderOptions, Watch, type V1ConfigMap, type V1Status } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, run, type Outcome } from '../../src/testing/cluster-under-test.ts';
import { ClientCluster, IMAGE } from './client-cluster.ts';

let cluster: ClientCluster;

beforeAll(async () => {
  cluster = await ClientCluster.start('clients');
}, 90_000);
afterAll(() => cluster[Symbol.asyncDispose](), 60_000);

const programs = (folder: string, name: RegExp): readonly string[] => (existsSync(folder) ? readdirSync(folder).filter((file) => name.test(file)).map((file) => join(folder, file)) : []);

/** The kubectls of the machine; the Google Cloud SDK brings one for each version, and a `kubectl` that calls one of them. */
const kubectls = [
  ...['/usr/bin', '/usr/local/bin'].flatMap((folder) => programs(folder, /^kubectl$/)),
  ...['/usr/lib/google-cloud-sdk/bin', '/opt/google-cloud-sdk/bin'].flatMap((folder) => programs(folder, /^kubectl\.\d+\.\d+$/)),
];

describe.each(kubectls)('%s', (program) => {
  const name = `k-${program.replace(/[^a-z0-9]+/g, '-').slice(1)}`;
  const kubectl = (...args: string[]): Promise<Outcome> => run([program, ...args], { env: cluster.env, timeoutMs: 30_000 });

  test('applies, changes, reads, waits, executes and deletes', async () => {
    const file = join(cluster.folder, `${name}.yaml`);
    const manifest = (text: string): void => writeFileSync(file, `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {text: ${text}}\n`);
    manifest('one');
    expect(await kubectl('apply', '-f', file)).toMatchObject({ code: 0, stdout: `configmap/${name} created\n` });
    manifest('two');
    expect((await kubectl('diff', '-f', file)).code).toBe(1);
    expect(await kubectl('apply', '-f', file)).toMatchObject({ code: 0, stdout: `configmap/${name} configured\n` });
    expect(await kubectl('apply', '--server-side', '-f', file)).toMatchObject({ code: 0, stdout: `configmap/${name} serverside-applied\n` });
    expect(await kubectl('get', 'configmap', name, '-o', 'jsonpath={.data.text}')).toMatchObject({ code: 0, stdout: 'two' });
    expect(await kubectl('patch', 'configmap', name, '--type=merge', '-p', '{"data":{"text":"three"}}')).toMatchObject({ code: 0 });
    expect((await kubectl('describe', 'configmap', name)).stdout).toContain('three');
    expect((await kubectl('explain', 'pod.spec.containers.livenessProbe')).stdout).toContain('httpGet');
    expect((await kubectl('get', 'pods', 'web')).stdout).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\nweb +1\/1 +Running /);
    expect(await kubectl('wait', '--for=condition=Ready', 'pod/web', '--timeout=10s')).toMatchObject({ code: 0, stdout: 'pod/web condition met\n' });
    expect(await kubectl('exec', 'web', '--', 'echo', 'hello')).toMatchObject({ code: 0, stdout: 'hello\n' });
    expect((await kubectl('logs', 'web')).code).toBe(0);
    expect(await kubectl('auth', 'can-i', 'create', 'pods')).toMatchObject({ code: 0, stdout: 'yes\n' });
    // Newer ones add the namespace.
    expect(await kubectl('delete', '-f', file)).toMatchObject({ code: 0, stdout: expect.stringMatching(`^configmap "${name}" deleted( from default namespace)?\n$`) });
  });
});

describe('@kubernetes/client-node', () => {
  const config = new KubeConfig();
  beforeAll(() => config.loadFromFile(cluster.env['KUBECONFIG']!));
  const namespace = 'default';

  test('creates, updates, patches, applies and deletes', async () => {
    const apps = config.makeApiClient(AppsV1Api);
    const labels = { app: 'js' };
    const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'js', labels }, spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: IMAGE }] } } } };
    const created = await apps.createNamespacedDeployment({ namespace, body });
    expect(created.metadata).toMatchObject({ name: 'js', generation: 1 });
    expect(created.metadata!.creationTimestamp).toBeInstanceOf(Date);
    // A status may come between.
    const updated = await eventually('no conflict', async () => {
      const current = await apps.readNamespacedDeployment({ namespace, name: 'js' });
      return apps.replaceNamespacedDeployment({ namespace, name: 'js', body: { ...current, spec: { ...current.spec!, replicas: 2 } } });
    });
    expect(updated.spec!.replicas).toBe(2);
    const patched = await apps.patchNamespacedDeployment({ namespace, name: 'js', body: { metadata: { annotations: { by: 'js' } } } }, setHeaderOptions('Content-Type', PatchStrategy.MergePatch));
    expect(patched.metadata!.annotations).toMatchObject({ by: 'js' });
    const applied = await apps.patchNamespacedDeployment(
      { namespace, name: 'js', fieldManager: 'js', force: true, body: { ...body, spec: { ...body.spec, replicas: 1 } } }, setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply),
    );
    expect(applied.metadata!.managedFields!.some(({ manager, operation }) => manager === 'js' && operation === 'Apply')).toBe(true);
    await eventually('its pod is ready', async () => (await apps.readNamespacedDeployment({ namespace, name: 'js' })).status?.readyReplicas === 1);
    const listed = await apps.listNamespacedDeployment({ namespace, labelSelector: 'app=js' });
    expect(listed.items.map(({ metadata }) => metadata!.name)).toEqual(['js']);
    await apps.deleteNamespacedDeployment({ namespace, name: 'js' });
    await expect(apps.readNamespacedDeployment({ namespace, name: 'js' })).rejects.toMatchObject({ code: 404 });
  });

  test('an informer and a watch see what is made, changed and deleted', async () => {
    const core = config.makeApiClient(CoreV1Api);
    const informer = makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/${namespace}/configmaps`, () => core.listNamespacedConfigMap({ namespace }));
    const seen: string[] = [];
    for (const verb of ['add', 'update', 'delete'] as const) informer.on(verb, ({ metadata, data }) => void (metadata?.name === 'watched' && seen.push(`${verb} ${data?.['x']}`)));
    await informer.start();
    const watched: string[] = [];
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    const watch = await new Watch(config).watch(`/api/v1/namespaces/${namespace}/configmaps`, { resourceVersion: metadata!.resourceVersion!, fieldSelector: 'metadata.name=watched' }, (type: string) => void watched.push(type), () => {});
    try {
      const created = await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'watched' }, data: { x: '1' } } });
      await core.replaceNamespacedConfigMap({ namespace, name: 'watched', body: { ...created, data: { x: '2' } } });
      await core.deleteNamespacedConfigMap({ namespace, name: 'watched' });
      await eventually('the informer has told', async () => seen.length === 3);
      await eventually('the watch has told', async () => watched.length === 3);
      expect(seen).toEqual(['add 1', 'update 2', 'delete 2']);
      expect(watched).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    } finally {
      await informer.stop();
      watch.abort();
    }
  });

  test('of two who want to lead by a lease, one does', async () => {
    const leases = config.makeApiClient(CoordinationV1Api);
    const lead = (holderIdentity: string) => leases.createNamespacedLease({ namespace, body: { metadata: { name: 'leader' }, spec: { holderIdentity, leaseDurationSeconds: 15, leaseTransitions: 0 } } });
    const first = await lead('a');
    await expect(lead('b')).rejects.toMatchObject({ code: 409 });
    await leases.replaceNamespacedLease({ namespace, name: 'leader', body: { ...first, spec: { ...first.spec, holderIdentity: 'b', leaseTransitions: 1 } } });
    await expect(leases.replaceNamespacedLease({ namespace, name: 'leader', body: { ...first, spec: { ...first.spec, holderIdentity: 'a' } } })).rejects.toMatchObject({ code: 409 });
  });

  test('executes in a container and reads its log', async () => {
    let output = '';
    const collect = new Writable({ write: (chunk: Buffer, _, done) => ((output += chunk.toString()), done()) });
    const status = await new Promise<V1Status>((resolve, reject) => {
      const input = new PassThrough();
      new Exec(config).exec(namespace, 'web', 'web', ['sh', '-c', 'echo hello; exit 3'], collect, collect, input, false, resolve).catch(reject);
    });
    expect(output).toBe('hello\n');
    expect(status).toMatchObject({ status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: '3' }] } });
    const core = config.makeApiClient(CoreV1Api);
    await core.createNamespacedPod({ namespace, body: { metadata: { name: 'speaks' }, spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: IMAGE, command: ['sh', '-c', 'echo one; echo two'] }] } } });
    await eventually('the pod has ended', async () => (await core.readNamespacedPod({ namespace, name: 'speaks' })).status?.phase === 'Succeeded');
    let log = '';
    await new Log(config).log(namespace, 'speaks', 'main', new Writable({ write: (chunk: Buffer, _, done) => ((log += chunk.toString()), done()) }), {});
    await eventually('the log has come', async () => log === 'one\ntwo\n');
  });
});
