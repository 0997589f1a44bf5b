// `wherry kubectl` beside the real one: the same command lines against the same simulated cluster; standard output, standard error and exit
// code are compared. Where the machine has no kubectl, what the lines that write say is compared with what it once said (goldens.json).
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClusterUnderTest, eventually, run, WHERRY, type Outcome } from '../../src/testing/cluster-under-test.ts';
import { reading as readingFirst, writing as writingFirst, type Line } from './commands.ts';
import { faults } from './faults.ts';
import { readingMore, writingMore } from './more-commands.ts';
import { normalized, ours, real } from './kubectl-outcome.ts';

const KUBECTL = ['/usr/bin/kubectl', '/usr/local/bin/kubectl'].find((path) => existsSync(path));
const GOLDENS = join(import.meta.dirname, 'goldens.json');
const ROOT = join(import.meta.dirname, '../..');

const reading = [...readingFirst, ...readingMore, ...faults];
const writing = [...writingFirst, ...writingMore];

const cluster = new ClusterUnderTest('kubectl');
const env = { ...cluster.env, KUBERC: 'off', KUBECTL_APPLYSET: 'true', PATH: process.env['PATH'] ?? '' };
const textOf = (line: Line): string => (typeof line === 'string' ? line : line[0]);
/** Only what is told apart by the line: the exit code. */
const codeOf = (text: string): string => text.slice(text.lastIndexOf('--- code'));

beforeAll(async () => {
  process.chdir(ROOT);
  await cluster.start('--runtime', 'simulated', '--nodes', '2');
  for (const manifest of ['world.yaml', 'boat.yaml']) {
    await eventually(`${manifest} is applied`, async () => (await ours(`apply -f ${join(dirname(GOLDENS), 'manifests', manifest)}`, env)).code === 0);
  }
  for (const namespace of ['real', 'ours']) await ours(`create ns ${namespace}`, env);
  await eventually('the deployment is there', async () => (await ours('rollout status deploy/web --watch=false', env)).stdout.includes('successfully'));
  await eventually('the volume is bound', async () => (await ours('get pvc claim -o jsonpath={.status.phase}', env)).stdout === 'Bound');
}, 120_000);
afterAll(async () => { await cluster[Symbol.asyncDispose](); }, 60_000);

// One of the two, by what the machine has: with kubectl beside it, without by what it said.
if (KUBECTL) describe('beside the real kubectl', () => {
  test.concurrent.each(reading.map((line) => [textOf(line), typeof line !== 'string'] as const))('%s', async (line, codeOnly) => {
    const said = async (outcome: Promise<Outcome>): Promise<string> => (codeOnly ? codeOf : String)(normalized(await outcome));
    let theirs = await said(real(KUBECTL!, line, env));
    let own = await said(ours(line, env));
    // Controllers go on meanwhile: both are asked again where the real one says something else by now.
    for (let former = ''; own !== theirs && former !== theirs;) {
      former = theirs;
      theirs = await said(real(KUBECTL!, line, env));
      if (former !== theirs) own = await said(ours(line, env));
    }
    expect(own).toBe(theirs);
  });

  test('bash completes', async () => {
    const words = ['get po', 'get deploy/w', 'config use-context kub', 'get pods -n ou'];
    const script = `kubectl() { ${WHERRY} kubectl "$@"; }; source <(kubectl completion bash); try() { COMP_WORDS=(kubectl "$@"); COMP_CWORD=$#; __kubectl_complete; echo "\${COMPREPLY[*]}"; }; ${words.map((line) => `try ${line}`).join('; ')}`;
    const { stdout } = await run(['bash', '-c', script], { env });
    expect(stdout.trim().split('\n')).toEqual(['poddisruptionbudgets pods podtemplates', 'deploy/web', 'kubectl', 'ours']);
  }, 60_000);

  test('lines that write, each in a namespace of its own', async () => {
    const goldens: Record<string, string> = {};
    const differing: string[] = [];
    for (const [i, line] of writing.entries()) {
      const text = textOf(line);
      const ask = async (): Promise<readonly [string, string]> => [
        normalized(await ours(`-n ours ${text}`, env)).replaceAll('ours', 'NAMESPACE'), normalized(await real(KUBECTL!, `-n real ${text}`, env)).replaceAll('real', 'NAMESPACE'),
      ];
      let [own, theirs] = await ask();
      // A patch that changes nothing is told as such where no controller writes in the same moment.
      if (own !== theirs && text.startsWith('patch ')) [own, theirs] = await ask();
      goldens[`${i} ${text}`] = theirs;
      if (typeof line === 'string' ? own !== theirs : codeOf(own) !== codeOf(theirs)) differing.push(`${text}\n<<<\n${theirs}\n>>>\n${own}\n`);
    }
    if (process.env['UPDATE_GOLDENS']) writeFileSync(GOLDENS, `${JSON.stringify(goldens, null, 1)}\n`);
    expect(differing.join('\n')).toBe('');
  }, 240_000);
});

else describe('as the real kubectl once said', () => {
  const goldens = existsSync(GOLDENS) ? (JSON.parse(readFileSync(GOLDENS, 'utf8')) as Record<string, string>) : {};
  test('lines that write', async () => {
    for (const [i, line] of writing.entries()) {
      const own = normalized(await ours(`-n ours ${textOf(line)}`, env)).replaceAll('ours', 'NAMESPACE');
      const wanted = goldens[`${i} ${textOf(line)}`]!;
      expect(typeof line === 'string' ? own : codeOf(own), textOf(line)).toBe(typeof line === 'string' ? wanted : codeOf(wanted));
    }
  }, 120_000);
});
