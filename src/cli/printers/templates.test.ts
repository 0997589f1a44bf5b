// Templates of -o go-template and -o jsonpath beside the real kubectl: what it prints, its faults word for word, its exit code. It said so once
// (template-goldens.json): UPDATE_GOLDENS=PROGRAM asks it again; of release 1.36, since older ones were built with an older text/template.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { runKubectl } from '../kubectl.ts';
import { goTemplates, jsonPaths, sample } from './template-cases.ts';

const GOLDENS = join(import.meta.dirname, 'template-goldens.json');
const folder = mkdtempSync(join(tmpdir(), 'wherry-templates-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'sample.json');
writeFileSync(file, JSON.stringify(sample));

type Outcome = readonly [code: number, stdout: string, stderr: string];
/** Every fault brings the whole object along: that is looked at for the first one of each kind only. */
const WHOLE = ['go-template={{.spec.nothing.x}}', 'jsonpath={kind}'];
const brief = (output: string, [code, stdout, stderr]: Outcome): Outcome => {
  const cut = (text: string): string => (WHOLE.includes(output) ? text : text.replace(/Printing more information.*$/s, '…'));
  return [code, cut(stdout), cut(stderr)];
};
const argv = (output: string): string[] => ['annotate', '--local', '-f', file, 'a=b', '-o', output];
const env = { ...process.env, KUBECONFIG: join(folder, 'none'), KUBERC: 'off' };

async function ours(output: string): Promise<Outcome> {
  let [stdout, stderr] = ['', ''];
  const code = await runKubectl(argv(output), {
    out: (text) => void (stdout += text), err: (text) => void (stderr += text), readInput: async () => '', stdin: Readable.from([]), stdout: process.stdout, terminal: false, env, signal: new AbortController().signal,
  });
  return [code, stdout, stderr];
}

const cases = [...goTemplates.map((template) => `go-template=${template}`), ...jsonPaths.map((template) => `jsonpath=${template}`)];

const program = process.env['UPDATE_GOLDENS'];
if (program) {
  const said = Object.fromEntries(cases.map((output) => {
    const { status, stdout, stderr } = spawnSync(program, argv(output), { env, encoding: 'utf8' });
    return [output, brief(output, [status!, stdout, stderr])];
  }));
  writeFileSync(GOLDENS, `${JSON.stringify(said, null, 1)}\n`);
}
const goldens = JSON.parse(readFileSync(GOLDENS, 'utf8')) as Readonly<Record<string, Outcome>>;

describe('as the real kubectl prints', () => {
  test.each(cases)('%s', async (output) => {
    expect(brief(output, await ours(output))).toEqual(goldens[output]);
  });
});
