// The ingress add-on on real containers: HAProxy in the node's network, configured from Ingress objects and from those of the Gateway API.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ingressClasses, ingresses } from '../../src/api/generated/resources.ts';
import { createAuthority, issueCertificate } from '../../src/base/certificates.ts';
import type { HttpClient } from '../../src/client/http-client.ts';
import { ClusterUnderTest, eventually, run } from '../../src/testing/cluster-under-test.ts';

const cluster = new ClusterUnderTest('gate');
const namespace = 'default';
/** Where the sample application answers besides the root. */
const SCRIPT = '/cgi-bin/index.cgi';
let client: HttpClient;
let address: string;

const backend = (name: string) => ({ service: { name, port: { number: 80 } } });
const path = (text: string, name: string, pathType = 'Prefix') => ({ path: text, pathType, backend: backend(name) });
/** Status and body of a request to the node; the body of a backend says which deployment it is of. */
const curl = (host: string, asked = '/', ...more: string[]): Promise<string> => curlAt(address, host, asked, ...more);
async function curlAt(at: string, host: string, asked: string, ...more: string[]): Promise<string> {
  const { stdout } = await run(['curl', '-s', '-m', '5', '--noproxy', '*', '-w', ' %{http_code}', '--resolve', `${host}:80:${at}`, '--resolve', `${host}:443:${at}`, ...more, `http${more.includes('--cacert') ? 's' : ''}://${host}${asked}`]);
  return stdout.replace(/You've hit (\w+)-\S+ \(maestro [\d.]+\)\n/, '$1').trim();
}
const answers = (host: string, asked: string, wanted: string): Promise<boolean> => eventually(`${host}${asked} answers ${wanted}`, async () => (await curl(host, asked)) === wanted);
const haproxyPid = (): number => (JSON.parse(readFileSync(join(cluster.dataDir, 'run', 'ingress.pid'), 'utf8')) as { pid: number }).pid;

/** One that has ended may stay a zombie for as long as the machine likes. */
const runs = (pid: number): boolean => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

beforeAll(async () => {
  await cluster.start();
  await cluster.loadSampleImage();
  client = cluster.client();
  address = (await cluster.status()).nodes[0]!.address!;
  for (const name of ['web', 'api']) {
    expect(await cluster.kubectl('create', 'deployment', name, '--image=msung99/maestro:0.1.0')).toMatchObject({ code: 0 });
    expect(await cluster.kubectl('expose', 'deployment', name, '--port=80', '--target-port=8080')).toMatchObject({ code: 0 });
  }
  for (const name of ['web', 'api']) expect(await cluster.kubectl('rollout', 'status', `deployment/${name}`, '--timeout=60s')).toMatchObject({ code: 0 });
}, 120_000);

afterAll(async () => {
  client?.[Symbol.dispose]();
  await cluster[Symbol.asyncDispose]();
}, 60_000);

test('hosts and paths lead to services, and the ingress says where', async () => {
  expect(await cluster.wherry('addons enable', 'ingress')).toMatchObject({ code: 0 });
  await eventually('its class is there', async () => (await cluster.kubectl('get', 'ingressclass', 'wherry')).code === 0);
  await client.create(ingresses, { metadata: { name: 'first', namespace }, spec: { rules: [
    { host: 'shop.example', http: { paths: [path('/', 'web'), path('/cgi-bin', 'api')] } }, { host: 'exact.example', http: { paths: [path('/', 'api'), path('/cgi-bin', 'api'), path(SCRIPT, 'web', 'Exact')] } },
  ] } });
  const made = await eventually('it has an address', async () => {
    const found = await client.get(ingresses, { namespace, name: 'first' });
    return found.status?.loadBalancer?.ingress?.length === 1 && found;
  });
  expect([made.spec.ingressClassName, made.status!.loadBalancer!.ingress![0]!.ip]).toEqual(['wherry', address]);
  await answers('shop.example', '/', 'web 200');
  expect([await curl('shop.example', SCRIPT), await curl('exact.example', SCRIPT), await curl('exact.example')]).toEqual(['api 200', 'web 200', 'api 200']);
  expect(await curl('other.example')).toBe('no ingress is for this host and path 404');
  await client.create(ingresses, { metadata: { name: 'second', namespace }, spec: { ingressClassName: 'wherry', rules: [{ host: '*.wild.example', http: { paths: [path('/', 'api')] } }], defaultBackend: backend('web') } });
  await answers('any.wild.example', '/', 'api 200');
  expect([await curl('wild.example'), await curl('shop.example')]).toEqual(['web 200', 'web 200']);
  // Another controller's.
  await client.create(ingressClasses, { metadata: { name: 'foreign' }, spec: { controller: 'example.com/other' } });
  await client.create(ingresses, { metadata: { name: 'third', namespace }, spec: { ingressClassName: 'foreign', rules: [{ host: 'foreign.example', http: { paths: [path('/', 'api')] } }] } });
  await client.create(ingresses, { metadata: { name: 'fourth', namespace }, spec: { rules: [{ host: 'fourth.example', http: { paths: [path('/', 'api'), path('/absent', 'absent')] } }] } });
  await answers('fourth.example', '/', 'api 200');
  expect(await curl('foreign.example')).toBe('web 200');
  expect(await curl('fourth.example', '/absent')).toBe('the service of this ingress has nowhere to go 503');
  await eventually('it tells what is missing', async () => (await cluster.kubectl('describe', 'ingress', 'fourth')).stdout.includes('there is no service absent'));
});

test('TLS by secrets, which may change', async () => {
  const authority = await createAuthority('test', { now: Date.now() });
  const file = join(cluster.folder, 'authority.pem');
  writeFileSync(file, authority.certificate);
  const store = async (name: string, host: string): Promise<void> => {
    const { key, certificate } = await issueCertificate(authority, { commonName: host, dnsNames: [host], usages: ['server auth'], days: 1, now: Date.now() });
    writeFileSync(join(cluster.folder, 'tls.crt'), certificate);
    writeFileSync(join(cluster.folder, 'tls.key'), key);
    expect(await cluster.kubectl('create', 'secret', 'tls', name, `--cert=${join(cluster.folder, 'tls.crt')}`, `--key=${join(cluster.folder, 'tls.key')}`)).toMatchObject({ code: 0 });
  };
  await store('one', 'one.example');
  await client.create(ingresses, { metadata: { name: 'secure', namespace }, spec: {
    tls: [{ hosts: ['one.example'], secretName: 'one' }, { hosts: ['two.example'], secretName: 'two' }], rules: ['one', 'two'].map((name) => ({ host: `${name}.example`, http: { paths: [path('/', 'api')] } })),
  } });
  await eventually('the first host is served', async () => (await curl('one.example', '/', '--cacert', file)) === 'api 200');
  expect(await curl('two.example', '/', '--cacert', file)).toBe('000');
  await store('two', 'two.example');
  await eventually('the second one is, too', async () => (await curl('two.example', '/', '--cacert', file)) === 'api 200');
  expect(await curl('one.example', '/', '--cacert', file, '--http2')).toBe('api 200');
});

test('gateways have addresses of their own, and routes lead through them', async () => {
  await cluster.wherry('addons enable', 'load-balancer');
  const apply = async (...objects: object[]): Promise<void> => {
    const file = join(cluster.folder, 'objects.json');
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    expect(await cluster.kubectl('apply', '-f', file)).toMatchObject({ code: 0 });
  };
  const of = (kind: string, name: string, spec: object) => ({ apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: { name, namespace }, spec });
  const jsonpath = async (what: string, path: string): Promise<string> => (await cluster.kubectl('get', what, '-o', `jsonpath=${path}`)).stdout;
  const to = (name: string, weight = 1) => ({ name, port: 80, weight });
  const under = (value: string, more: object = {}) => ({ path: { type: 'PathPrefix', value }, ...more });
  await apply(
    of('Gateway', 'front', { gatewayClassName: 'wherry', listeners: [
      { name: 'http', port: 80, protocol: 'HTTP' }, { name: 'https', port: 443, protocol: 'HTTPS', hostname: 'one.example', tls: { certificateRefs: [{ name: 'one' }] } },
      { name: 'broken', port: 444, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'absent' }] } },
    ] }),
    of('HTTPRoute', 'shop', { parentRefs: [{ name: 'front' }], hostnames: ['shop.gate.example', 'one.example'], rules: [
      { backendRefs: [to('web')] },
      { matches: [under('/api'), under('/', { headers: [{ name: 'kind', value: 'api' }] })], backendRefs: [to('api')], filters: [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'x-kind', value: "it's api" }] } }] },
      { matches: [under('/shop')], backendRefs: [to('api')], filters: [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } }] },
      { matches: [under('/old')], filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', hostname: 'one.example', statusCode: 301, path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' } } }] },
      { matches: [under('/open')], backendRefs: [to('web')], filters: [
        { type: 'CORS', cors: { allowOrigins: ['https://*.page.example'], allowMethods: ['PUT'] } }, { type: 'RequestMirror', requestMirror: { backendRef: { name: 'api', port: 80 }, percent: 50 } },
        { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/' } } },
      ] },
      { matches: [under('/half')], backendRefs: [to('web'), to('absent')], filters: [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/' } } }] },
    ] }),
  );
  const at = await eventually('it has an address and serves', async () => (await jsonpath('gateway/front', '{.status.conditions[?(@.type=="Programmed")].status}')) === 'True' && jsonpath('gateway/front', '{.status.addresses[0].value}'));
  expect(at).not.toBe(address);
  await eventually('requests come through', async () => (await curlAt(at, 'shop.gate.example', '/')) === 'web 200');
  expect(await curlAt(at, 'shop.gate.example', '/', '-H', 'kind: api')).toBe('api 200');
  expect(await curlAt(at, 'shop.gate.example', `/shop${SCRIPT}`)).toBe('api 200');
  expect(await curlAt(at, 'shop.gate.example', '/', '-H', 'kind: api', '-D', '-')).toContain("x-kind: it's api");
  expect(await curlAt(at, 'shop.gate.example', '/old/things?a=b', '-w', '%{redirect_url}')).toBe('https://one.example/new/things?a=b');
  expect(await curlAt(at, 'other.gate.example', '/')).toBe('no route is for this host and path 404');
  expect(await curlAt(at, 'one.example', '/', '--cacert', join(cluster.folder, 'authority.pem'))).toBe('web 200');
  const preflight = await curlAt(at, 'shop.gate.example', '/open', '-X', 'OPTIONS', '-H', 'Origin: https://a.page.example', '-H', 'Access-Control-Request-Method: PUT', '-D', '-');
  expect(preflight).toMatch(/access-control-allow-origin: https:\/\/a\.page\.example\r\n[^]*access-control-allow-methods: PUT\r\n[^]* 204$/);
  expect(await curlAt(at, 'shop.gate.example', '/open')).toBe('web 200');
  const halves = new Set<string>();
  await eventually('both shares have their turn', async () => halves.add(await curlAt(at, 'shop.gate.example', '/half')).size === 2);
  expect([...halves].toSorted()).toEqual(['the backend of this route cannot be used 500', 'web 200']);
  // Ingresses are served beside it.
  expect(await curl('shop.example')).toBe('web 200');
  expect(await jsonpath('gatewayclass/wherry', '{.status.conditions[0].type} {.status.conditions[0].status}')).toBe('Accepted True');
  expect(await jsonpath('gateway/front', '{range .status.listeners[*]}{.name} {.attachedRoutes} {.conditions[?(@.type=="Programmed")].status}{"\\n"}{end}')).toBe('http 1 True\nhttps 1 True\nbroken 1 False\n');
  expect(await jsonpath('httproute/shop', '{range .status.parents[0].conditions[*]}{.type} {.status} {.reason}{"\\n"}{end}')).toBe('Accepted True Accepted\nResolvedRefs False BackendNotFound\n');
});

test('changes lose no request, and it comes back when it was killed', async () => {
  let over = false;
  const failed: string[] = [];
  const load = Promise.all([1, 2].map(async () => {
    let count = 0;
    for (; !over; count++) {
      const answer = await curl('shop.example');
      if (answer !== 'web 200') failed.push(answer);
    }
    return count;
  }));
  for (let i = 0; i < 5; i++) {
    await client.create(ingresses, { metadata: { name: `more-${i}`, namespace }, spec: { rules: [{ host: `more-${i}.example`, http: { paths: [path('/', 'api')] } }] } });
    await answers(`more-${i}.example`, '/', 'api 200');
  }
  over = true;
  expect((await load).every((count) => count > 3)).toBe(true);
  expect(failed).toEqual([]);
  const before = haproxyPid();
  process.kill(before, 'SIGKILL');
  await eventually('another one serves', async () => haproxyPid() !== before && (await curl('shop.example')) === 'web 200');
});

test('it goes on over a stop and a start, and ends when it is disabled', async () => {
  const before = haproxyPid();
  expect(await cluster.wherry('stop')).toMatchObject({ code: 0 });
  expect(runs(before)).toBe(false);
  expect(await curl('shop.example')).toBe('000');
  await cluster.start();
  await eventually('it serves again', async () => (await curl('shop.example')) === 'web 200', 60_000);
  const pid = haproxyPid();
  expect(await cluster.wherry('addons disable', 'ingress')).toMatchObject({ code: 0 });
  await eventually('its ports are closed', async () => (await curl('shop.example')) === '000');
  await eventually('it has taken back what it gave', async () => (await cluster.kubectl('get', 'ingressclass', 'wherry')).code !== 0);
  expect((await cluster.kubectl('get', 'ingress', 'first', '-o', 'jsonpath={.status.loadBalancer}')).stdout).toBe('{}');
  await eventually('the gateway has no service any more', async () => (await cluster.kubectl('get', 'service', 'gateway-front')).code !== 0);
  expect(runs(pid)).toBe(false);
});
