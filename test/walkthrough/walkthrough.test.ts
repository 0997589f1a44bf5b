// The story of the tutorial as an executable test, one step a line of it, lived on three nodes with real containers:
// once with the real kubectl where the machine has one, and once with `wherry kubectl`.
import { existsSync, readFileSync } from 'node:fs';
import { spawn, type ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClusterUnderTest, eventually, run, WHERRY, type Outcome } from '../../src/testing/cluster-under-test.ts';
import { pushImage, sampleImage } from '../../src/testing/sample-image.ts';
import { startRegistry, type Registry } from '../../src/testing/registry.ts';
import { MachineSnapshot } from '../../src/testing/machine-snapshot.ts';

const REAL_KUBECTL = ['/usr/bin/kubectl', '/usr/local/bin/kubectl'].find((path) => existsSync(path));
const clients: Record<string, readonly string[]> = { ...(REAL_KUBECTL && { kubectl: [REAL_KUBECTL] }), 'wherry kubectl': [WHERRY, 'kubectl'] };

let registry: Registry;
beforeAll(async () => {
  registry = await startRegistry();
  for (const version of ['0.1.0', '0.2.0']) await pushImage(registry.url, 'msung99/maestro', version, await sampleImage(version));
});
afterAll(async () => { await registry[Symbol.asyncDispose](); });

describe.each(Object.entries(clients))('the walkthrough with %s', (name, client) => {
  const cluster = new ClusterUnderTest('story');
  const before = new MachineSnapshot(cluster.folder);
  const kubectl = (...args: string[]): Promise<Outcome> => run([...client, ...args], { env: cluster.env });
  const ok = async (...args: string[]): Promise<string> => {
    const outcome = await kubectl(...args);
    expect(outcome.stderr.replace(/^Warning: .*\n/gm, '') + (outcome.code === 0 ? '' : `code ${outcome.code}`)).toBe('');
    return outcome.stdout;
  };
  /** Rows of a table without its header, split at blanks. */
  const rows = async (...args: string[]): Promise<string[][]> => (await ok('get', ...args, '--no-headers')).trim().split('\n').filter(Boolean).map((line) => line.split(/\s{2,}/));

  beforeAll(async () => {
    // How long a node may be silent is upstream's for the first client; the second need not wait so long.
    const grace = name === Object.keys(clients)[0] ? [] : ['--node-grace', '10'];
    await cluster.start('--nodes', '3', '--registry-mirror', `docker.io=${registry.url}`, ...grace);
  }, 120_000);
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    expect(new MachineSnapshot(cluster.folder).changesSince(before)).toEqual([]);
  }, 60_000);

  test('1. one command starts a cluster of three nodes and points kubectl at it', async () => {
    const nodes = await rows('nodes', '-o', 'wide');
    expect(nodes.map(([name, status]) => [name, status])).toEqual([['story', 'Ready'], ['story-2', 'Ready'], ['story-3', 'Ready']]);
    const cidrs = await ok('get', 'nodes', '-o', 'jsonpath={.items[*].spec.podCIDR}');
    expect(cidrs.split(' ').map((cidr) => cidr.replace(/^10\.2\d\d\./, ''))).toEqual(['1.0/24', '2.0/24', '3.0/24']);
  });

  test('2. an application with one line', async () => {
    expect(await ok('create', 'deployment', 'kubia', '--image=msung99/maestro:0.1.0')).toBe('deployment.apps/kubia created\n');
    const seen = new Set<string>();
    await eventually('the pod runs', async () => {
      const [pod] = await rows('pods', '-l', 'app=kubia');
      if (pod) seen.add(pod[2]!);
      return pod?.[1] === '1/1' && pod[2] === 'Running';
    });
    expect([...seen].every((status) => ['Pending', 'ContainerCreating', 'Running'].includes(status))).toBe(true);
    const [replicaSet] = await rows('rs', '-l', 'app=kubia');
    expect(replicaSet!.slice(1, 4)).toEqual(['1', '1', '1']);
    const events = await ok('get', 'events', '-o', 'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}');
    expect(events).toMatch(/Scheduled: Successfully assigned default\/kubia-\S+ to story/);
    expect(events).toMatch(/Pulled: Successfully pulled image "msung99\/maestro:0.1.0" in /);
    expect(events).toMatch(/ScalingReplicaSet: Scaled up replica set kubia-\S+ from 0 to 1/);
  });

  test('2. a bare pod', async () => {
    expect(await ok('run', 'bare', '--image=msung99/maestro:0.1.0', '--port=8080')).toBe('pod/bare created\n');
    await eventually('the pod runs', async () => (await rows('pod', 'bare'))[0]?.[2] === 'Running');
    expect(await ok('logs', 'bare')).toBe('maestro 0.1.0 serves on 8080 as bare\n');
    expect(await ok('exec', 'bare', '--', 'hostname')).toBe('bare\n');
    expect(await ok('delete', 'pod', 'bare')).toMatch(/^pod "bare" deleted/);
  });

  test('2. the generator flag is gone, a ReplicationController from a manifest works', async () => {
    const gone = await kubectl('create', 'deployment', 'old', '--image=x', '--generator=run/v1');
    expect(gone.code).toBe(1);
    expect(gone.stderr).toMatch(/unknown flag: --generator/);
    const manifest = { apiVersion: 'v1', kind: 'ReplicationController', metadata: { name: 'old' }, spec: { replicas: 2, selector: { app: 'old' }, template: { metadata: { labels: { app: 'old' } }, spec: { containers: [{ name: 'maestro', image: 'msung99/maestro:0.1.0' }] } } } };
    const created = await run([...client, 'create', '-f', '-'], { env: cluster.env, input: JSON.stringify(manifest) });
    expect(created.stdout).toBe('replicationcontroller/old created\n');
    await eventually('both run', async () => (await rows('rc', 'old'))[0]?.slice(1, 4).join() === '2,2,2');
    await ok('delete', 'rc', 'old');
  });

  test('2. manifests: several documents, applied twice', async () => {
    const yaml = ['apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: "1"}\n', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\ndata: {b: "2"}\n'].join('---\n');
    const apply = async (input: string): Promise<string> => (await run([...client, 'apply', '-f', '-'], { env: cluster.env, input })).stdout;
    expect(await apply(yaml)).toBe('configmap/one created\nconfigmap/two created\n');
    expect(await apply(yaml.replace('"2"', '"3"'))).toBe('configmap/one unchanged\nconfigmap/two configured\n');
  });

  test('3. containers of a pod share the network, the host name and volumes, not their files', async () => {
    const pod = {
      apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pair' },
      spec: { terminationGracePeriodSeconds: 1, volumes: [{ name: 'shared', emptyDir: {} }], containers: [
        { name: 'web', image: 'msung99/maestro:0.1.0', volumeMounts: [{ name: 'shared', mountPath: '/shared' }] },
        { name: 'side', image: 'msung99/maestro:0.1.0', command: ['sleep', '3600'], volumeMounts: [{ name: 'shared', mountPath: '/shared' }] }] },
    };
    await run([...client, 'create', '-f', '-'], { env: cluster.env, input: JSON.stringify(pod) });
    await eventually('both run', async () => (await rows('pod', 'pair'))[0]?.[1] === '2/2');
    expect(await ok('exec', 'pair', '-c', 'side', '--', 'wget', '-q', '-O', '-', 'http://localhost:8080/')).toBe("You've hit pair (maestro 0.1.0)\n");
    await ok('exec', 'pair', '-c', 'web', '--', 'sh', '-c', 'echo hello > /shared/file; echo own > /tmp/own');
    expect(await ok('exec', 'pair', '-c', 'side', '--', 'cat', '/shared/file')).toBe('hello\n');
    expect((await kubectl('exec', 'pair', '-c', 'side', '--', 'cat', '/tmp/own')).code).toBe(1);
    expect(await ok('exec', 'pair', '-c', 'side', '--', 'ps')).not.toMatch(/httpd/);
    await ok('delete', 'pod', 'pair', '--now');
  });

  test('3. a wrong image says what was tried and why it failed', async () => {
    await ok('run', 'wrong', '--image=msung99/no-such-image:1');
    await eventually('ErrImagePull or ImagePullBackOff', async () => /ErrImagePull|ImagePullBackOff/.test((await rows('pod', 'wrong'))[0]?.[2] ?? ''));
    const described = await eventually('the event', async () => {
      const text = await ok('describe', 'pod', 'wrong');
      return /Failed to pull image "msung99\/no-such-image:1": .*not found/.test(text) && text;
    });
    expect(described).toMatch(/Warning\s+Failed/);
    await ok('delete', 'pod', 'wrong', '--now');
  });

  test('5. a service of type LoadBalancer waits, and says why', async () => {
    expect(await ok('expose', 'deployment', 'kubia', '--type=LoadBalancer', '--port', '8080')).toBe('service/kubia exposed\n');
    const services = await rows('svc');
    expect(services.map(([name]) => name)).toEqual(['kubernetes', 'kubia']);
    expect(services[0]!.slice(1, 2).concat(services[0]![4]!)).toEqual(['ClusterIP', '443/TCP']);
    expect(services[1]![1]).toBe('LoadBalancer');
    expect(services[1]![3]).toBe('<pending>');
    expect(services[1]![4]).toMatch(/^8080:3[0-2]\d\d\d\/TCP$/);
    await eventually('the event', async () => /wherry tunnel/.test(await ok('describe', 'svc', 'kubia')));
  });

  test('6. scale out: spread evenly over the nodes', async () => {
    expect(await ok('scale', 'deployment', 'kubia', '--replicas=5')).toBe('deployment.apps/kubia scaled\n');
    await eventually('5/5', async () => (await rows('deploy', 'kubia'))[0]?.[1] === '5/5');
    const pods = await rows('pods', '-l', 'app=kubia', '-o', 'wide');
    const perNode = ['story', 'story-2', 'story-3'].map((node) => pods.filter((pod) => pod.includes(node)).length);
    expect(perNode.toSorted()).toEqual([1, 2, 2]);
  });

  test('5. a service has a name and an address inside; any pod reaches any pod', async () => {
    const [from] = (await ok('get', 'pods', '-l', 'app=kubia', '-o', 'name')).trim().split('\n');
    expect(await ok('exec', from!, '--', 'wget', '-q', '-O', '-', 'http://kubia:8080/')).toMatch(/^You've hit kubia-/);
    expect(await ok('exec', from!, '--', 'wget', '-q', '-O', '-', 'http://kubia.default.svc.cluster.local:8080/')).toMatch(/^You've hit kubia-/);
    const addresses = (await ok('get', 'pods', '-l', 'app=kubia', '-o', 'jsonpath={.items[*].status.podIP}')).split(' ');
    for (const address of addresses) expect(await ok('exec', from!, '--', 'wget', '-q', '-O', '-', `http://${address}:8080/`)).toMatch(/^You've hit kubia-/);
  });

  test('5. the tunnel gives an address, 200 requests spread over the pods, and its end takes the address back', async () => {
    const routesBefore = (await run(['ip', 'route', 'show', 'proto', '232'])).stdout;
    const tunnel: ChildProcess = spawn(WHERRY, ['tunnel', '--profile', cluster.profile, '--data-dir', cluster.dataDir], { env: { ...process.env, ...cluster.env }, stdio: 'ignore' });
    try {
      const address = await eventually('an external address', async () => {
        const shown = (await rows('svc', 'kubia'))[0]![3]!;
        return /^\d/.test(shown) && shown;
      });
      const hits = new Map<string, number>();
      await eventually('the address answers', async () => (await run(['curl', '-s', '-m', '2', `http://${address}:8080/`])).code === 0);
      for (let i = 0; i < 200; i++) {
        const { stdout } = await run(['curl', '-s', '-m', '5', `http://${address}:8080/`]);
        const host = /You've hit (\S+)/.exec(stdout)?.[1];
        expect(host).toBeDefined();
        hits.set(host!, (hits.get(host!) ?? 0) + 1);
      }
      expect(hits.size).toBe(5);
      // Each of five pods is hit 40 times on average; under 15 or over 75 comes by chance less than once in a million runs.
      for (const count of hits.values()) expect(count).toBeGreaterThan(14);
      for (const count of hits.values()) expect(count).toBeLessThan(76);
    } finally {
      const ended = new Promise((resolve) => tunnel.once('exit', resolve));
      tunnel.kill('SIGINT');
      await ended;
    }
    await eventually('the address is taken back', async () => (await rows('svc', 'kubia'))[0]![3] === '<pending>');
    expect((await run(['ip', 'route', 'show', 'proto', '232'])).stdout).toBe(routesBefore);
  });

  test('6. a deleted pod is replaced; scaling down removes some', async () => {
    const [victim] = (await ok('get', 'pods', '-l', 'app=kubia', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ');
    await ok('delete', 'pod', victim!);
    await eventually('5/5 again', async () => (await rows('deploy', 'kubia'))[0]?.[1] === '5/5' && !(await ok('get', 'pods')).includes(victim!));
    await ok('scale', 'deployment', 'kubia', '--replicas=3');
    await eventually('3 pods', async () => (await rows('pods', '-l', 'app=kubia')).length === 3);
  });

  test('6. what fits nowhere stays Pending, and the event says which nodes failed which test', async () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'giant' }, spec: { containers: [{ name: 'c', image: 'msung99/maestro:0.1.0', resources: { requests: { cpu: '500', memory: '10Ti' } } }] } };
    await run([...client, 'create', '-f', '-'], { env: cluster.env, input: JSON.stringify(pod) });
    await eventually('the event', async () => /0\/3 nodes are available: 3 Insufficient cpu, 3 Insufficient memory\./.test(await ok('describe', 'pod', 'giant')));
    expect((await rows('pod', 'giant'))[0]![2]).toBe('Pending');
    await ok('delete', 'pod', 'giant');
  });

  test('6. a new image rolls out', async () => {
    await ok('set', 'image', 'deployment/kubia', 'maestro=msung99/maestro:0.2.0');
    expect(await ok('rollout', 'status', 'deployment/kubia', '--timeout=60s')).toMatch(/deployment "kubia" successfully rolled out\n$/);
    const images = await ok('get', 'pods', '-l', 'app=kubia', '-o', 'jsonpath={range .items[*]}{.spec.containers[0].image}{"\\n"}{end}');
    await eventually('only new pods', async () => (await rows('pods', '-l', 'app=kubia')).length === 3);
    expect(images).toMatch(/0\.2\.0/);
    expect((await rows('rs', '-l', 'app=kubia')).map((row) => row[1]).toSorted()).toEqual(['0', '3']);
  });

  test('6. the pods of a dead node come back elsewhere', async () => {
    await ok('scale', 'deployment', 'kubia', '--replicas=6');
    await eventually('6/6', async () => (await rows('deploy', 'kubia'))[0]?.[1] === '6/6');
    await ok('patch', 'deployment', 'kubia', '-p', JSON.stringify({ spec: { template: { spec: { tolerations: ['not-ready', 'unreachable'].map((key) => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 })) } } } }));
    await ok('rollout', 'status', 'deployment/kubia', '--timeout=90s');
    const status = JSON.parse((await cluster.wherry('status', '-o', 'json')).stdout) as { nodes: { name: string; pid: number; runtimePid: number }[] };
    const dead = status.nodes.find((node) => node.name === 'story-3')!;
    process.kill(dead.pid, 'SIGKILL');
    await eventually('the node is NotReady', async () => (await rows('node', 'story-3'))[0]![1] === 'NotReady', 90_000);
    await eventually('six pods run on the two others', async () => {
      const pods = await rows('pods', '-l', 'app=kubia', '-o', 'wide');
      return pods.filter((pod) => pod[1] === '1/1' && pod[2] === 'Running' && !pod.includes('story-3')).length === 6;
    }, 60_000);
    expect((await cluster.wherry('start')).code).toBe(0);
    await eventually('the node is back', async () => (await rows('node', 'story-3'))[0]![1] === 'Ready');
  }, 200_000);

  test('1. stop and start keep what is stored', async () => {
    expect((await cluster.wherry('stop')).code).toBe(0);
    expect((await kubectl('get', 'pods', '--request-timeout=2s')).code).toBe(1);
    await cluster.start();
    await eventually('6/6', async () => (await rows('deploy', 'kubia'))[0]?.[1] === '6/6', 60_000);
  }, 120_000);

  test('the kubeconfig names the cluster and holds its CA', () => {
    const text = readFileSync(cluster.env.KUBECONFIG!, 'utf8');
    expect(text).toMatch(/current-context: story/);
    expect(text).toMatch(/certificate-authority-data: /);
  });
});
