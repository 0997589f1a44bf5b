// Standard input and its end, output and exit codes of commands in real containers, by our kubectl and by the real one.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClusterUnderTest, eventually, run, WHERRY, type Outcome } from '../../src/testing/cluster-under-test.ts';

const KUBECTL = ['/usr/bin/kubectl', '/usr/local/bin/kubectl'].find((path) => existsSync(path));
const MEGABYTES_5 = 5 * 1024 * 1024;

const cluster = new ClusterUnderTest('streams');

beforeAll(async () => {
  await cluster.start();
  await cluster.loadSampleImage('docker.io/wherry/sample:1');
  await cluster.kubectl('run', 'web', '--image=wherry/sample:1', '--restart=Never');
  const ready = await cluster.kubectl('wait', '--for=condition=Ready', 'pod/web', '--timeout=20s');
  expect(ready).toMatchObject({ code: 0 });
}, 60_000);
afterAll(() => cluster[Symbol.asyncDispose](), 60_000);

describe.each([['wherry kubectl', [WHERRY, 'kubectl']], ...(KUBECTL ? [['kubectl', [KUBECTL]] as [string, string[]]] : [])])('%s', (_name, program) => {
  const exec = (input: string, ...args: string[]): Promise<Outcome> => run([...program, 'exec', ...args], { env: cluster.env, input, timeoutMs: 15_000 });

  test('the end of the input reaches the command', async () => {
    expect(await exec('hello\n', '-i', 'web', '--', 'cat')).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
  });

  test('both outputs and the exit code come back', async () => {
    const outcome = await exec('', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7');
    expect(outcome).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\ncommand terminated with exit code 7\n' });
  });

  test('a command may be as long as a page', async () => {
    const long = 'a'.repeat(20_000);
    expect(await exec('', 'web', '--', 'echo', long)).toEqual({ code: 0, stdout: `${long}\n`, stderr: '' });
  });

  test('a command may end before its input does', async () => {
    expect(await exec('x'.repeat(60_000), '-i', 'web', '--', 'head', '-c', '3')).toEqual({ code: 0, stdout: 'xxx', stderr: '' });
    // More than pipes hold: containerd alone would never tell that the command has ended. kubectl complains of what it could not send.
    expect(await exec('x'.repeat(MEGABYTES_5), '-i', 'web', '--', 'sh', '-c', 'sleep 0.5; head -c 3; exit 4')).toMatchObject({ code: 4, stdout: 'xxx' });
  });

  test('five megabytes go there and back', async () => {
    const input = randomBytes(MEGABYTES_5 / 2).toString('hex');
    const { code, stdout } = await exec(input, '-i', 'web', '--', 'cat');
    expect(code).toBe(0);
    expect(stdout === input).toBe(true);
  });

  test('files are copied there and back', async () => {
    const [there, back] = [join(cluster.folder, 'there'), join(cluster.folder, 'back')];
    writeFileSync(there, randomBytes(MEGABYTES_5));
    const copy = (from: string, to: string): Promise<Outcome> => run([...program, 'cp', from, to], { env: cluster.env, timeoutMs: 15_000 });
    expect(await copy(there, 'web:/tmp/copy')).toMatchObject({ code: 0 });
    expect(await copy('web:/tmp/copy', back)).toMatchObject({ code: 0 });
    expect(readFileSync(back).equals(readFileSync(there))).toBe(true);
  });

  const made = (name: string): string => `${name}-${program.length}`;
  const runPod = (input: string, name: string, ...args: string[]): Promise<Outcome> =>
    run([...program, 'run', made(name), '-i', '--rm', '-q', '--restart=Never', '--image=wherry/sample:1', ...args], { env: cluster.env, input, timeoutMs: 30_000 });

  test('a pod run with input gives its output and exit code, and is gone afterwards', async () => {
    const outcome = await runPod('hello\n', 'once', '--command', '--', 'sh', '-c', 'cat; exit 3');
    expect(outcome).toEqual({ code: 3, stdout: 'hello\n', stderr: `pod default/${made('once')} terminated (Error)\n` });
    await eventually('the pod is gone', async () => (await run([...program, 'get', 'pod', made('once'), '--ignore-not-found', '-o', 'name'], { env: cluster.env })).stdout === '');
  }, 40_000);

  // script(1) gives the program a terminal; what it writes there is its output.
  test('a shell in a terminal', async () => {
    const line = [...program, 'run', made('shell'), '-it', '--rm', '--restart=Never', '--image=wherry/sample:1', '--command', '--', 'sh'].join(' ');
    const child = spawn('script', ['-qec', line, '/dev/null'], { env: { ...process.env, ...cluster.env, TERM: 'dumb' }, stdio: ['pipe', 'pipe', 'inherit'] });
    let shown = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const before = shown;
      shown += chunk.toString();
      // The shell has shown its prompt: it listens.
      if (!before.includes('# ') && shown.includes('# ')) child.stdin.write('echo a$((40+2)); exit 5\n');
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(shown).toContain('a42');
    expect(shown).toContain(`pod "${made('shell')}" deleted`);
    expect(code).toBe(5);
  }, 50_000);
});

test('keys end an attachment, and the container goes on', async () => {
  const pod = ['run', 'shore', '-it', '--attach=false', '--leave-stdin-open', '--image=wherry/sample:1', '--command', '--', 'sh'];
  expect(await cluster.kubectl(...pod)).toMatchObject({ code: 0 });
  expect(await cluster.kubectl('wait', '--for=condition=Ready', 'pod/shore', '--timeout=20s')).toMatchObject({ code: 0 });
  const child = spawn('script', ['-qec', `${WHERRY} kubectl attach shore -it --detach-keys=ctrl-p,q`, '/dev/null'], { env: { ...process.env, ...cluster.env, TERM: 'dumb' }, stdio: ['pipe', 'ignore', 'inherit'] });
  // Keys count one by one: what is typed before anybody listens, or is read at once, is tried again.
  let typed = 0;
  const typing = setInterval(() => child.stdin.write(typed++ % 2 === 0 ? '\x10' : 'q'), 200);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(typing);
  expect(code).toBe(0);
  const { stdout } = await cluster.kubectl('get', 'pod', 'shore', '-o', 'jsonpath={.status.phase} {.status.containerStatuses[0].restartCount}');
  expect(stdout).toBe('Running 0');
}, 40_000);
