// What keeps a cluster from starting is told: what failed, why, and what to do. Simulated where the fault has nothing to do with containers.
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { open } from 'lmdb';
import { afterEach, describe, expect, test } from 'vitest';
import { ClusterUnderTest, run, WHERRY, type Outcome } from '../../src/testing/cluster-under-test.ts';
import { freePort } from '../../src/testing/free-port.ts';
import { plainError } from './plain-error.ts';

const clusters: ClusterUnderTest[] = [];
const cluster = (name: string): ClusterUnderTest => {
  const made = new ClusterUnderTest(name);
  clusters.push(made);
  return made;
};
afterEach(async () => {
  for (const made of clusters.splice(0)) await made[Symbol.asyncDispose]();
});

const simulated = ['--runtime', 'simulated'];

test('the port of the API server is in use: said, and the way out works', async () => {
  const made = cluster('taken');
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  try {
    const outcome = await made.wherry('start', ...simulated, '--api-port', String(port));
    expect(plainError(outcome)).toContain(`wherry: port ${port} of this machine is in use by another program, and the API server needs it\n  try: another port: wherry start --api-port PORT --profile taken\n`);
    const free = await freePort();
    await made.start('--api-port', String(free));
    expect(await made.status()).toMatchObject({ running: true, server: { url: `https://127.0.0.1:${free}` } });
  } finally {
    other.close();
  }
});

describe('a data directory of a newer release is left alone', () => {
  test('by the layout of the folder', async () => {
    const made = cluster('newer');
    await made.start(...simulated);
    await made.wherry('stop');
    const file = join(made.dataDir, 'cluster.json');
    const present = readFileSync(file, 'utf8');
    writeFileSync(file, present.replace('"layout": 1', '"layout": 2'));
    const expected = `wherry: the cluster "newer" in ${made.dataDir} was made by a newer wherry (layout 2, this one knows 1)\n  try: use that newer wherry, or another --profile or --data-dir\n`;
    for (const verb of ['start', 'status', 'stop', 'delete']) expect(plainError(await made.wherry(verb))).toBe(expected);
    expect(readFileSync(file, 'utf8')).toContain('"layout": 2');
    writeFileSync(file, present);
    await made.start();
  });

  test('by the format of the storage', async () => {
    const made = cluster('newer');
    await made.start(...simulated);
    await made.wherry('stop');
    const storage = join(made.dataDir, 'storage');
    const setFormat = async (format: number): Promise<void> => {
      const env = open<Uint8Array, string>({ path: storage, encoding: 'binary' });
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(format);
      await env.put('\u0001format', bytes);
      await env.close();
    };
    await setFormat(2);
    expect(plainError(await made.wherry('start'))).toMatch(/wherry: the data in \S+\/storage has format 2, this release reads up to 1: use the release that wrote it, or a newer one\n/);
    expect((await made.status()).server).toBeNull();
    await setFormat(1);
    await made.start();
  });

  test('a damaged cluster.json is named', async () => {
    const made = cluster('damaged');
    mkdirSync(made.dataDir);
    writeFileSync(join(made.dataDir, 'cluster.json'), '{"layout": 1,');
    expect(plainError(await made.wherry('start'))).toMatch(/^wherry: \S+\/cluster\.json is damaged: .*\n {2}try: restore it, or remove the cluster: wherry delete --profile damaged\n$/);
    expect(await made.wherry('delete')).toMatchObject({ code: 0 });
    expect(existsSync(made.dataDir)).toBe(false);
  });
});

test('a folder that cannot be written is named', async () => {
  const made = cluster('folder');
  const file = join(made.folder, 'file');
  writeFileSync(file, '');
  expect(plainError(await run([WHERRY, 'start', ...simulated, '--data-dir', join(file, 'below')], { env: made.env }))).toContain(file);
});

test('a folder with other things in it is left alone', async () => {
  const made = cluster('folder');
  mkdirSync(made.dataDir);
  writeFileSync(join(made.dataDir, 'thesis.tex'), '');
  expect(plainError(await made.wherry('start', ...simulated))).toMatch(/^wherry: \S+ holds other things than a cluster \(thesis\.tex\), and would be removed with the cluster\n {2}try: /);
  expect((await made.wherry('delete')).stderr).toBe('There is no cluster "folder".\n');
  expect(existsSync(join(made.dataDir, 'thesis.tex'))).toBe(true);
});

test('a relative folder is meant from here', async () => {
  const made = cluster('relative');
  const where = ['--profile', made.profile, '--data-dir', `./${relative(process.cwd(), made.dataDir)}`];
  expect(await run([WHERRY, 'start', ...simulated, ...where], { env: made.env })).toMatchObject({ code: 0 });
  expect(await made.status()).toMatchObject({ running: true });
});

describe('two starts', () => {
  test('at the same time: one starts the cluster, the other says so or finds it running', async () => {
    const made = cluster('twice');
    const outcomes = await Promise.all([made.wherry('start', ...simulated), made.wherry('start', ...simulated), made.wherry('start', ...simulated)]);
    const failed = outcomes.filter(({ code }) => code !== 0);
    expect(failed.length).toBeLessThan(3);
    for (const outcome of failed) expect(plainError(outcome)).toMatch(/^wherry: another wherry \(process \d+\) is at work on the cluster "twice"\n {2}try: wait until it is done, then try again\n$/);
    const { server } = await made.status();
    const again = await made.start();
    expect(again.stderr).toMatch(/The cluster "twice" runs already; kubectl is pointed at it\.\n$/);
    expect((await made.status()).server?.pid).toBe(server!.pid);
  });

  test('with other wishes: refused with the way to get them', async () => {
    const made = cluster('wishes');
    await made.start(...simulated);
    expect(plainError(await made.wherry('start', '--runtime', 'containerd'))).toMatch(/^wherry: the cluster "wishes" was made with --runtime simulated\n {2}try: /);
    expect(plainError(await made.wherry('start', '--nodes', '3'))).toMatch(/^wherry: the cluster "wishes" has 1 node, not 3\n {2}try: /);
  });
});

describe('the words of the command line', () => {
  test.each([
    [['start', '--nodes', 'many'], /^wherry: --nodes takes a whole number from 1 to 189, not "many"\n$/],
    [['start', '--runtime', 'docker'], /^wherry: --runtime takes containerd or simulated, not "docker"\n$/],
    [['start', '--registry-mirror', 'docker.io'], /^wherry: --registry-mirror takes HOST=URL, as docker\.io=http:\/\/127\.0\.0\.1:5000, not "docker\.io"\n$/],
    [['start', '--bogus'], /^wherry: Unknown option '--bogus'.*\n {2}try: wherry start --help\n$/],
    [['begin'], /^wherry: "begin" is not a verb of wherry\n {2}try: wherry help\n$/],
    [['start', '--profile', 'No Name'], /^wherry: "No Name" cannot name a cluster\n {2}try: /],
    [['status', '--profile', 'not-there'], /^wherry: there is no cluster "not-there" \(looked in \S+\)\n {2}try: wherry start --profile not-there\n$/],
    [['stop', '--profile', 'not-there'], /^wherry: there is no cluster "not-there"/],
    [['image', 'load', 'x.tar', '--profile', 'not-there'], /^wherry: there is no cluster "not-there"/],
    [['node', 'add', '--profile', 'not-there'], /^wherry: there is no cluster "not-there"/],
  ] as const)('%j', async (argv, expected) => {
    const home = mkdtempSync(join(tmpdir(), 'wherry-home-'));
    try {
      expect(plainError(await run([WHERRY, ...argv], { env: { HOME: home, KUBECONFIG: join(home, 'kubeconfig') } }))).toMatch(expected);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});

describe.skipIf(process.getuid?.() !== 0)('the programs of the machine', () => {
  const start = (made: ClusterUnderTest): string[] => [WHERRY, 'start', '--egress', 'off', '--profile', made.profile, '--data-dir', made.dataDir];
  /** As on a machine where nothing executable is at these paths: seen so by this command alone. */
  const without = (programs: readonly string[], argv: readonly string[], env: NodeJS.ProcessEnv): Promise<Outcome> =>
    run(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `for p in ${programs.join(' ')}; do [ ! -e "$p" ] || mount --bind /dev/null "$p"; done; exec "$@"`, 'without', ...argv], { env });

  test.each([
    ['containerd', 'runs the containers', 'containerd'],
    ['nft', 'spreads the traffic of services over their pods', 'nftables'],
  ])('%s is missing', async (program, why, debianPackage) => {
    const made = cluster('bare');
    const said = plainError(await without(['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'].map((dir) => join(dir, program)), start(made), made.env));
    expect(said).toContain(`Missing:\n  ${program}: ${why}\n`);
    if (existsSync('/usr/bin/apt-get')) expect(said).toContain(`apt-get install -y ${debianPackage}`);
    expect(said).toContain('wherry start --runtime simulated\n');
    expect(existsSync(join(made.dataDir, 'cluster.json'))).toBe(false);
  });

  test('a PATH without /usr/sbin, as root has it after su, is enough', async () => {
    const made = cluster('bare');
    const outcome = await run(start(made), { env: { ...made.env, PATH: '/usr/bin:/bin' }, timeoutMs: 80_000 });
    expect(`${outcome.stderr}${outcome.code}`).toMatch(/0$/);
    expect((await run([WHERRY, 'delete', '--profile', made.profile, '--data-dir', made.dataDir], { env: { ...made.env, PATH: '/usr/bin:/bin' } })).code).toBe(0);
  });
});

describe.skipIf(process.getuid?.() !== 0)('without root', () => {
  const NOBODY = 65_534;
  const unprivileged = (made: ClusterUnderTest, ...argv: string[]): Promise<Outcome> => {
    chownSync(made.folder, NOBODY, NOBODY);
    return run(['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs', WHERRY, ...argv], { env: made.env, timeoutMs: 60_000 });
  };

  test('real containers are refused with what is missing, and nothing is left', async () => {
    const made = cluster('rootless');
    const said = plainError(await unprivileged(made, 'start', '--profile', made.profile, '--data-dir', made.dataDir));
    expect(said).toMatch(/Missing:\n {2}root: namespaces, routes and cgroups are the administrator's to make\n/);
    expect(said).toContain('try: without real containers: wherry start --runtime simulated\n');
  });

  test('simulated nodes work: start, a deployment, logs, stop, start, delete', async () => {
    const made = cluster('rootless');
    const where = ['--profile', made.profile, '--data-dir', made.dataDir];
    const ok = async (...argv: string[]): Promise<string> => {
      const outcome = await unprivileged(made, ...argv);
      expect(`${outcome.stderr}${outcome.code}`).toMatch(/0$/);
      return outcome.stdout;
    };
    await ok('start', ...simulated, '--nodes', '2', ...where);
    const { server } = await made.status();
    expect(readFileSync(`/proc/${server!.pid}/status`, 'utf8')).toMatch(/^Uid:\s+65534\s+65534\s+65534\s/m);
    await ok('kubectl', 'create', 'deployment', 'web', '--image=web', '--replicas=3');
    await ok('kubectl', 'rollout', 'status', 'deployment/web', '--timeout=30s');
    expect(await ok('kubectl', 'get', 'deployment', 'web', '--no-headers')).toMatch(/^web\s+3\/3\s/);
    await ok('stop', ...where);
    await ok('start', ...where);
    await ok('kubectl', 'rollout', 'status', 'deployment/web', '--timeout=30s');
    await ok('delete', ...where);
    expect(existsSync(made.dataDir)).toBe(false);
  });
});
