// Network policies on real containers of two nodes: what is allowed goes through, what is not does not, whichever node the pods are on.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NetworkPolicySpec } from '../../src/api/generated/networking-v1.ts';
import { namespaces, networkPolicies, pods, services } from '../../src/api/generated/resources.ts';
import type { HttpClient } from '../../src/client/http-client.ts';
import { ClusterUnderTest, eventually, run } from '../../src/testing/cluster-under-test.ts';
import { processOfPod } from '../../src/testing/pod-process.ts';

const cluster = new ClusterUnderTest('fence');
const image = 'msung99/maestro:0.1.0';
let client: HttpClient;
const addresses: Record<string, string> = {};
/** A process of each pod, by whose network namespace one speaks as the pod: quicker than kubectl exec, and without a kubelet. */
const processes: Record<string, number> = {};

/** `a` and `b` on the first node, `c` and the other namespace's `d` on the second. Each serves on 8080. */
const places = { a: ['default', 'fence'], b: ['default', 'fence'], c: ['default', 'fence-2'], d: ['blue', 'fence-2'] } as const;
type PodName = keyof typeof places;

async function makePod(name: string, namespace: string, nodeName: string, more: object = {}): Promise<string> {
  await client.create(pods, {
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': nodeName }, terminationGracePeriodSeconds: 0,
      containers: [{ name: 'c', image, imagePullPolicy: 'Never', ports: [{ name: 'http', containerPort: 8080 }], readinessProbe: { httpGet: { port: 'http', path: '/' }, periodSeconds: 1 }, ...more }],
    },
  });
  const pod = await eventually(`${name} is ready`, async () => {
    const found = await client.get(pods, { namespace, name });
    return found.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') && found;
  });
  processes[name] = processOfPod(pod.metadata.uid, (await cluster.status()).nodes.find((node) => node.name === nodeName)!.pid!);
  return pod.status!.podIP!;
}

const exec = async (pod: PodName, ...argv: string[]): Promise<boolean> => (await cluster.kubectl('exec', '-n', places[pod][0], pod, '--', ...argv)).code === 0;
const reaches = async (from: string, address: string, port = 8080): Promise<boolean> => (
  (await run(['nsenter', `--net=/proc/${processes[from]}/ns/net`, '--', 'busybox', 'nc', '-w', '1', address, String(port)], { input: 'GET / HTTP/1.0\n\n' })).code === 0
);
/** Which of these pairs, `a>b`, can speak: all at once. */
async function open(...pairs: string[]): Promise<string[]> {
  const answers = await Promise.all(pairs.map(async (pair) => {
    const [from, to] = pair.split('>') as [string, string];
    return (await reaches(from, addresses[to]!)) ? [pair] : [];
  }));
  return answers.flat();
}
const opens = (pairs: readonly string[], wanted: readonly string[]): Promise<boolean> => eventually(`open is just ${wanted.join(' ') || 'nothing'}`, async () => {
  const found = await open(...pairs);
  if (found.join() !== wanted.join()) throw new Error(`open: ${found.join(' ')}`);
  return true;
}, 15_000);
const policy = async (name: string, spec: NetworkPolicySpec): Promise<void> => {
  await client.create(networkPolicies, { metadata: { name, namespace: 'default' }, spec });
};
const toB = { podSelector: { matchLabels: { app: 'b' } } };

beforeAll(async () => {
  await cluster.start('--nodes', '2');
  await cluster.loadSampleImage();
  client = cluster.client();
  await client.create(namespaces, { metadata: { name: 'blue', labels: { team: 'blue' } }, spec: {} });
  await eventually('service accounts', async () => (await cluster.kubectl('get', 'serviceaccount', 'default', '-n', 'blue')).code === 0);
  await Promise.all(Object.entries(places).map(async ([name, [namespace, node]]) => { addresses[name] = await makePod(name, namespace, node); }));
  await client.create(services, { metadata: { name: 'b', namespace: 'default' }, spec: { selector: { app: 'b' }, ports: [{ port: 8080 }] } });
  addresses['service'] = (await client.get(services, { namespace: 'default', name: 'b' })).spec.clusterIP!;
}, 120_000);

afterAll(async () => {
  client?.[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
}, 60_000);

test('ingress: default deny, then by pod, by namespace, by port', async () => {
  const pairs = ['a>b', 'c>b', 'd>b', 'a>service', 'b>service', 'a>c', 'b>c'];
  await opens(pairs, pairs);
  await policy('deny', { podSelector: {} });
  // By way of its own service a pod always reaches itself.
  await opens(pairs, ['b>service']);
  await policy('from-a', { ...toB, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'a' } } }], ports: [{ port: 'http' }] }] });
  await opens(pairs, ['a>b', 'a>service', 'b>service']);
  await policy('from-blue', { ...toB, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'blue' } } }], ports: [{ port: 8000, endPort: 8100 }] }] });
  await opens(pairs, ['a>b', 'd>b', 'a>service', 'b>service']);
  // Probes come from the pod's own node.
  expect((await client.get(pods, { namespace: 'default', name: 'c' })).status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
  // A label changes who may.
  await cluster.kubectl('label', 'pod', 'a', 'app=other', '--overwrite');
  await cluster.kubectl('label', 'namespace', 'blue', 'team-');
  await opens(pairs, ['b>service']);
  await policy('from-block', { ...toB, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: [`${addresses['a']}/32`, `${addresses['c']}/32`] } }] }] });
  await opens(pairs, ['d>b', 'b>service']);
  await client.delete(networkPolicies, { namespace: 'default', name: 'from-block' });
  await cluster.kubectl('label', 'pod', 'a', 'app=a', '--overwrite');
  await client.delete(networkPolicies, { namespace: 'default', name: 'deny' });
  // The others still select b.
  await opens(pairs, ['a>b', 'a>service', 'b>service', 'a>c', 'b>c']);
  for (const name of ['from-a', 'from-blue']) await client.delete(networkPolicies, { namespace: 'default', name });
  await opens(pairs, pairs);
});

test('egress: names are found by the usual recipe, and nothing but what is allowed is reached', async () => {
  const resolves = (): Promise<boolean> => exec('a', 'busybox', 'timeout', '2', 'nslookup', 'b.default.svc.cluster.local');
  const a = { podSelector: { matchLabels: { app: 'a' } }, policyTypes: ['Egress'] };
  expect(await resolves()).toBe(true);
  await policy('no-egress', a);
  await opens(['a>b', 'a>c', 'c>a'], ['c>a']);
  expect(await resolves()).toBe(false);
  await policy('dns', { ...a, egress: [{
    to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } }, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }],
    ports: [{ port: 53, protocol: 'UDP' }, { port: 53, protocol: 'TCP' }],
  }] });
  await eventually('names are found', resolves, 10_000);
  expect(await open('a>b', 'a>c')).toEqual([]);
  await policy('to-b', { ...a, egress: [{ to: [toB], ports: [{ port: 'http' }] }] });
  await opens(['a>b', 'a>service', 'a>c'], ['a>b', 'a>service']);
  const [server] = (await cluster.kubectl('get', 'endpointslices', 'kubernetes', '-o', 'jsonpath={.endpoints[0].addresses[0]} {.ports[0].port}')).stdout.split(' ');
  const apiService = (await client.get(services, { namespace: 'default', name: 'kubernetes' })).spec.clusterIP!;
  const asksServer = (): Promise<boolean> => reaches('a', apiService, 443);
  expect(await asksServer()).toBe(false);
  await policy('to-server', { ...a, egress: [{ to: [{ ipBlock: { cidr: `${server}/32` } }] }] });
  await eventually('the API server answers', asksServer, 10_000);
  for (const name of ['no-egress', 'dns', 'to-b', 'to-server']) await client.delete(networkPolicies, { namespace: 'default', name });
  await opens(['a>b', 'a>c'], ['a>b', 'a>c']);
});

test('a pod is isolated from its first moment, and the rules outlive the node process', async () => {
  await policy('closed', { podSelector: { matchLabels: { app: 'late' } }, policyTypes: ['Ingress', 'Egress'] });
  await eventually('the policy is known', async () => (await cluster.kubectl('get', 'networkpolicy', 'closed')).code === 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const script = `for i in $(seq 4); do nc -w 1 ${addresses['b']} 8080 < /dev/null && echo reached; done; echo tried; sleep 600`;
  addresses['late'] = await makePod('late', 'default', 'fence', { command: ['sh', '-c', `httpd -p 8080 -h /www; ${script}`] });
  // Output and errors come by pipes of their own: their order in the log is nobody's promise.
  const said = async (): Promise<string[]> => (await cluster.kubectl('logs', 'late')).stdout.trim().split('\n').toSorted();
  await eventually('it has tried four times', async () => (await said()).length >= 5, 20_000);
  expect(await said()).toEqual([...Array.from({ length: 4 }, () => 'nc: timed out'), 'tried']);
  const node = (await cluster.status()).nodes.find(({ name }) => name === 'fence')!;
  process.kill(node.pid!, 'SIGKILL');
  expect(await open('c>late', 'c>b')).toEqual(['c>b']);
  await cluster.start();
  expect(await open('c>late', 'c>b')).toEqual(['c>b']);
  const health = await run(['curl', '-s', '-m', '5', '-w', ' %{http_code}', `http://${node.address}:10256/healthz`]);
  expect(health.stdout).toMatch(/"nodeEligible":true,"healthy":true,.* 200$/);
  await client.delete(networkPolicies, { namespace: 'default', name: 'closed' });
  await opens(['c>late'], ['c>late']);
  // Without policies there is nothing.
  const tables = await run(['nsenter', `--net=${cluster.dataDir}/run/fence.net`, '--', 'nft', 'list', 'tables']);
  expect(tables.stdout).not.toContain('wherry-policy');
});
