// Nodes that are other machines: three machines made of namespaces, two of them neighbours, the third behind a router. The first has the cluster, the others join it.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClusterUnderTest, eventually, WHERRY, type Outcome } from '../../src/testing/cluster-under-test.ts';
import { MachineSnapshot } from '../../src/testing/machine-snapshot.ts';
import { MachineUnderTest } from '../../src/testing/machines-under-test.ts';
import { imageArchive, sampleImage } from '../../src/testing/sample-image.ts';

const addresses = { span: '10.77.1.1', beta: '10.77.1.2', gamma: '10.77.2.3' } as const;
type Name = keyof typeof addresses;
const names = Object.keys(addresses) as Name[];
const machines = {} as Record<Name, MachineUnderTest>;
const clusters = {} as Record<Name, ClusterUnderTest>;
let router: MachineUnderTest;
/** Whether the cluster has addresses of both families: where there is IPv6. */
const dual = existsSync('/proc/net/if_inet6');
/** Before anything of wherry's was on them. */
const before = {} as Record<Name, string[]>;
let here: MachineSnapshot;
/** Whether these machines can do WireGuard: in the kernel, or by a program. */
let wireguard: boolean;
/** Three machines at once are a lot for one that has other work. */
const PATIENCE_MS = 180_000;

/** The router must never see the cluster's own addresses: neighbours send to each other's hardware addresses, and over the router they are wrapped. */
const WATCH = `
table inet watch {
  chain sent-on {
    type filter hook forward priority 0
    ip daddr { 10.244.0.0/16, 10.96.0.0/16, 10.231.0.0/24 } counter
    ip6 daddr fd00:10::/32 counter
  }
}
`;

beforeAll(async () => {
  here = new MachineSnapshot('/nowhere');
  router = await MachineUnderTest.make('router');
  await router.must('sh', '-c', 'ip route add unreachable default metric 4294967295; echo 1 > /proc/sys/net/ipv4/ip_forward; for f in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do [ ! -e $f ] || echo 0 > $f; done; ip link add lan type bridge; ip addr add 10.77.1.254/24 dev lan; ip link set lan up');
  expect(await router.run(['nft', '-f', '-'], { input: WATCH })).toMatchObject({ code: 0 });
  const image = await imageArchive(await sampleImage('0.1.0'), 'docker.io/msung99/maestro:0.1.0');
  await Promise.all(names.map(async (name) => {
    const machine = machines[name] = await MachineUnderTest.make(name);
    const gateway = addresses[name].replace(/\d+$/, '254');
    await router.must('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(machine.pid));
    await router.must('sh', '-c', `${name === 'gamma' ? `ip addr add ${gateway}/24 dev ${name}` : `ip link set ${name} master lan`}; ip link set ${name} up`);
    await machine.must('sh', '-c', `ip addr add ${addresses[name]}/24 dev eth0; ip link set eth0 up; ip route add default via ${gateway}`);
    clusters[name] = new ClusterUnderTest(name, (argv) => machine.enter(argv));
    writeFileSync(join(clusters[name].folder, 'image.tar'), image);
    before[name] = await machine.facts();
  }));
});

afterAll(async () => {
  for (const name of names.toReversed()) await clusters[name]?.[Symbol.asyncDispose]();
  for (const machine of [...Object.values(machines), router]) await machine?.[Symbol.asyncDispose]();
});

const kubectl = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await clusters.span.kubectl(...args);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
  return stdout;
};

/** A joined machine's own token, address and hash, as `wherry node token` prints them. */
async function invitation(...args: string[]): Promise<string[]> {
  const { stdout, stderr } = await clusters.span.wherry('node token', ...args);
  expect(stdout, stderr).toMatch(/^wherry node join https:\/\/10\.77\.1\.1:\d+ --token [a-z0-9]{6}\.[a-z0-9]{16} --ca-cert-hash sha256:[0-9a-f]{64}\n$/);
  return stdout.trim().split(' ').slice(3);
}

const refused = (outcome: Outcome): string => {
  expect(outcome.code, outcome.stderr).toBe(1);
  expect(outcome.stderr).toMatch(/\n {2}try: /);
  return outcome.stderr.split('\n').find((line) => line.startsWith('wherry: '))!;
};

/** What it wrote for people, of a command that went well. */
const well = ({ code, stderr }: Outcome): string => {
  expect(code, stderr).toBe(0);
  return stderr;
};

test('machines join, near and far', async () => {
  await clusters.span.start('--listen-address', addresses.span, ...(dual ? ['--ip-family', 'dual'] : []));
  const [server, tokenWord, token, hashWord, hash] = await invitation() as [string, string, string, string, string];
  const over = await invitation('--ttl', '30m');
  await kubectl('patch', 'secret', '-n', 'kube-system', `bootstrap-token-${over[2]!.slice(0, 6)}`, '-p', '{"stringData":{"expiration":"2026-01-01T00:00:00Z"}}');

  // What is wrong is said before anything is made.
  wireguard = (await machines.beta.run(['sh', '-c', 'command -v wg && { ip link add try type wireguard && ip link del try || { command -v wireguard-go && test -e /dev/net/tun; }; }'])).code === 0;
  const faults = await Promise.all([
    ['https://10.77.1.1:1', tokenWord, token, hashWord, hash], [server, tokenWord, token, hashWord, `sha256:${'0'.repeat(64)}`], [server, tokenWord, `${token.slice(0, 7)}${'0'.repeat(16)}`, hashWord, hash],
    [server, tokenWord, token, hashWord, hash, '--name', 'span'], ...(wireguard ? [] : [[server, tokenWord, token, hashWord, hash, '--backend', 'wireguard']]),
  ].map(async (words, i) => refused(await machines.beta.run([WHERRY, 'node', 'join', ...words, '--data-dir', join(clusters.beta.folder, `fault-${i}`)]))));
  expect(faults[0]).toContain('nothing answers at https://10.77.1.1:1');
  expect(faults[1]).toMatch(/the authority of the cluster at .* is not the pinned one: its key is sha256:/);
  expect(faults[2]).toContain('is wrong in its second half');
  expect(faults[3]).toContain('the cluster has a node called span already');
  if (!wireguard) expect(faults[4]).toMatch(/this machine cannot do --backend wireguard: (the program wg is not there|its kernel has no WireGuard)/);
  await eventually('the other token is over', async () => /does not know the token .* its time .* is over/.test(refused(await clusters.beta.wherry('node join', ...over))));
  expect(refused(await clusters.gamma.wherry('node join', server, tokenWord, token, hashWord, hash, '--backend', 'host-gw'))).toContain('there is a router between this machine (10.77.2.3/24) and 10.77.1.1/24');

  const outcomes = await Promise.all([clusters.beta, clusters.gamma].map((cluster) => cluster.wherry('node join', server, tokenWord, token, hashWord, hash)));
  outcomes.forEach(well);
  expect((await kubectl('get', 'nodes', '-o', 'jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status} {.spec.podCIDR}{"\\n"}{end}')).trim().split('\n').map((line) => line.replace(/\.[23]\.0/, '.N.0')).toSorted())
    .toEqual(['beta True 10.244.N.0/24', 'gamma True 10.244.N.0/24', 'span True 10.244.1.0/24']);
  expect(refused(await clusters.beta.wherry('node join', server, tokenWord, token, hashWord, hash))).toContain('this machine is the node beta');
  expect((await clusters.span.wherry('node list')).stdout).toMatch(/^span\t10\.231\.0\.11\nbeta\t10\.231\.0\.1\d\ton 10\.77\.1\.2\/24\ngamma\t10\.231\.0\.1\d\ton 10\.77\.2\.3\/24\n$/);
  expect((await clusters.beta.status())).toMatchObject({ running: true, server: null, nodes: [{ name: 'beta', status: 'Ready' }] });
}, PATIENCE_MS);

/** The pods of the deployment: node → name and address. */
const pods = {} as Record<Name, { readonly name: string; readonly address: string }>;
const exec = (node: Name, script: string): Promise<string> => kubectl('exec', pods[node].name, '--', 'sh', '-c', script);

test('pods reach each other over all machines, directly and through a service, by routes and by VXLAN', async () => {
  (await Promise.all(names.map((name) => clusters[name].wherry('image load', join(clusters[name].folder, 'image.tar'))))).forEach(well);
  const file = join(clusters.span.folder, 'web.json');
  const labels = { app: 'web' };
  writeFileSync(file, JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { replicas: 3, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: {
    terminationGracePeriodSeconds: 0, volumes: [{ name: 'claimed', ephemeral: { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } } } }],
    containers: [{ name: 'web', volumeMounts: [{ name: 'claimed', mountPath: '/claimed' }], image: 'msung99/maestro:0.1.0', imagePullPolicy: 'Never', readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 } }],
    topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: labels } }],
  } } } }));
  await kubectl('apply', '-f', file);
  await kubectl('expose', 'deployment', 'web', '--port=8080');
  await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
  const listed = (await kubectl('get', 'pods', '-o', 'jsonpath={range .items[*]}{.spec.nodeName} {.metadata.name} {.status.podIP}{"\\n"}{end}')).trim().split('\n');
  for (const line of listed) {
    const [node, name, address] = line.split(' ') as [Name, string, string];
    pods[node] = { name, address };
  }
  expect(Object.keys(pods).toSorted()).toEqual(names.toSorted());

  const everybody = names.map((name) => pods[name].name).toSorted();
  const hits = (text: string): string[] => [...new Set(text.match(/(?<=hit )\S+/g))].toSorted();
  const others = (name: Name): Name[] => names.filter((other) => other !== name);
  const get = (host: string, path = ''): string => `wget -qO- http://${host}:8080/${path}`;
  await Promise.all(names.map(async (name) => {
    const script = ['dd if=/dev/zero of=/www/big bs=1024 count=2048 2> /dev/null', 'nc -w 3 kubernetes.default 443 < /dev/null && echo the API answers', ...names.map((other) => get(pods[other].address))];
    const said = await exec(name, script.join('; '));
    expect(hits(said), `from ${name}, directly`).toEqual(everybody);
    expect(said, `from ${name}`).toContain('the API answers');
    await eventually(`from ${name} through the service, under its name`, async () => hits(await exec(name, `for i in 1 2 3 4 5 6 7 8 9 10 11 12; do ${get('web')}; done`)).length === 3);
  }));
  // What is larger than a packet finds its way through the narrower link, both ways.
  await Promise.all(names.map(async (name) => {
    expect(await exec(name, others(name).map((other) => `${get(pods[other].address, 'big')} | wc -c`).join('; ')), `to ${name}`).toMatch(/^2097152\s*\n2097152\s*$/);
  }));
  if (dual) {
    const six = new Map((await kubectl('get', 'pods', '-o', 'jsonpath={range .items[*]}{.spec.nodeName} {.status.podIPs[1].ip}{"\\n"}{end}')).trim().split('\n').map((line) => line.split(' ') as [Name, string]));
    await kubectl('patch', 'service', 'web', '-p', '{"spec":{"ipFamilyPolicy":"RequireDualStack"}}');
    const [, service] = JSON.parse(await kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIPs}')) as string[];
    const ask = (address: string, path = ''): string => `printf 'GET /${path} HTTP/1.0\\r\\n\\r\\n' | nc -w 3 ${address} 8080`;
    await Promise.all(names.map(async (name) => {
      expect(hits(await exec(name, names.map((other) => ask(six.get(other)!)).join('; '))), `from ${name}, directly, by IPv6`).toEqual(everybody);
      await eventually(`from ${name} through the service, by IPv6`, async () => hits(await exec(name, `for i in 1 2 3 4 5 6 7 8 9 10 11 12; do ${ask(service!)}; done`)).length === 3);
      expect(await exec(name, others(name).map((other) => `${ask(six.get(other)!, 'big')} | wc -c`).join('; ')), `to ${name}, by IPv6`).toMatch(/^2097\d{3}\s*\n2097\d{3}\s*$/);
      expect((await machines[name].run(['curl', '-sg', '-m', '5', ...others(name).map((other) => `http://[${six.get(other)}]:8080/`)])).stdout, `from the machine ${name}, by IPv6`).toMatch(/hit .*\n.*hit /);
    }));
    expect(await machines.span.must('ip', '-6', 'route', 'show', 'proto', '233')).toMatch(/^fd00:10:244:\d::\/64 via fe80::\S+ dev eth0 /m);
    expect(await machines.gamma.must('ip', '-6', 'route', 'show', 'proto', '233')).not.toContain('dev eth0');
  }
  expect(await machines.span.must('ip', 'route', 'show', 'proto', '233')).toMatch(/^10\.244\.\d\.0\/24 via 10\.77\.1\.2 dev eth0 /m);
  expect(await machines.gamma.must('ip', 'link', 'show', 'wherry0-vxlan')).toContain(' mtu 1450 ');
  expect(await machines.gamma.must('ip', 'route', 'show', 'proto', '233')).not.toContain('dev eth0');
}, PATIENCE_MS);

test('logs, exec and forwarded ports of pods on other machines', async () => {
  for (const name of ['beta', 'gamma'] as const) {
    expect(await exec(name, 'touch /claimed/file; echo "said on $(hostname)" > /proc/1/fd/1; hostname')).toBe(`${pods[name].name}\n`);
    await eventually(`the log of ${name}'s pod`, async () => (await kubectl('logs', pods[name].name)).includes(`said on ${pods[name].name}`));
  }
  const [command, ...args] = machines.span.enter([WHERRY, 'kubectl', 'port-forward', `pod/${pods.gamma.name}`, '18080:8080']);
  const forward = spawn(command!, args, { env: { ...process.env, ...clusters.span.env }, stdio: 'ignore' });
  try {
    await eventually('the forwarded port answers', async () => (await machines.span.run(['curl', '-s', '-m', '3', 'http://127.0.0.1:18080/'])).stdout.includes(pods.gamma.name));
  } finally {
    forward.kill();
  }
}, PATIENCE_MS);

test('network policies hold on joined nodes, and a killed node is taken up again', async () => {
  const reaches = async (from: Name, to: Name): Promise<boolean> => (await clusters.span.kubectl('exec', pods[from].name, '--', 'nc', '-w', '1', pods[to].address, '8080')).code === 0;
  const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'only' }, spec: { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: { matchLabels: { may: 'come' } } }] }] } };
  const file = join(clusters.span.folder, 'policy.json');
  writeFileSync(file, JSON.stringify(policy));
  await kubectl('label', 'pod', pods.span.name, 'may=come');
  await kubectl('apply', '-f', file);
  await eventually('a pod that may not come is kept out', async () => !(await reaches('gamma', 'beta')) && !(await reaches('beta', 'gamma')));
  expect([await reaches('span', 'beta'), await reaches('span', 'gamma')]).toEqual([true, true]);
  await kubectl('delete', 'networkpolicy', 'only');

  const { nodes: [node] } = await clusters.beta.status();
  for (const pid of [node!.pid!, node!.runtimePid!]) process.kill(pid, 'SIGKILL');
  await eventually('pods go on without them', () => reaches('gamma', 'beta'));
  expect(well(await clusters.beta.wherry('start'))).toContain('The node beta runs');
  expect((await exec('beta', 'hostname')).trim()).toBe(pods.beta.name);
}, PATIENCE_MS);

test('machines leave, and nothing is left', async () => {
  // Volumes are where their node is, and go with it, though all nodes have them under the same path.
  expect(readdirSync(join(clusters.span.dataDir, 'volumes'))).toHaveLength(1);
  for (const name of ['beta', 'gamma'] as const) expect(readdirSync(join(clusters[name].dataDir, 'nodes', name, 'volumes'), { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('/file'))).toHaveLength(1);
  expect(refused(await clusters.span.wherry('node delete', 'gamma'))).toContain('the node gamma is another machine (10.77.2.3/24)');
  const [left, deleted] = await Promise.all([clusters.beta.wherry('node leave'), clusters.gamma.wherry('delete')]);
  expect(well(left)).toContain('The node beta is gone.\n');
  expect(well(deleted)).toContain('The node gamma is gone.\n');
  expect(await kubectl('get', 'nodes', '-o', 'name')).toBe('node/span\n');
  if (wireguard) {
    well(await clusters.gamma.wherry('node join', ...(await invitation()), '--backend', 'wireguard'));
    expect(await kubectl('get', '--raw', '/api/v1/nodes/gamma/proxy/healthz')).toBe('ok');
    expect(await machines.gamma.must('wg', 'show', 'wherry0-wg', 'latest-handshakes')).toMatch(/\t[1-9]\d+$/m);
    if (dual) await eventually('the node answers by IPv6 over WireGuard', async () => (await machines.gamma.run(['ping', '-6', '-c', '1', '-W', '2', 'fd00:10:231::11'])).code === 0);
    well(await clusters.gamma.wherry('node leave'));
  }
  await eventually('no way leads to them', async () => (await machines.span.must('ip', 'route', 'show', 'proto', '233')) === '' && (await machines.span.run(['ip', 'link', 'show', 'wherry0-vxlan'])).code !== 0);
  well(await clusters.span.wherry('delete'));
  for (const name of names) expect((await machines[name].facts()).filter((fact) => !before[name].includes(fact)), name).toEqual([]);
  expect(new MachineSnapshot('/nowhere').changesSince(here)).toEqual([]);
  expect(await router.must('nft', 'list', 'table', 'inet', 'watch')).toMatch(/ip daddr .* counter packets 0 bytes 0\n.*ip6 daddr .* counter packets 0 bytes 0\n/);
}, PATIENCE_MS);
