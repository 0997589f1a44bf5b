import { PassThrough, Readable } from 'node:stream';
import { runKubectl } from '../../src/cli/kubectl.ts';
import { run, type Outcome } from '../../src/testing/cluster-under-test.ts';

/** The words of a line as a shell would part them: blanks, single and double quotes, backslashes within double ones. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [, text] of line.matchAll(/((?:[^\s"']|"(?:[^"\\]|\\.)*"|'[^']*')+)/g)) {
    words.push(text!.replaceAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g, (_all, double?: string, single?: string) => double === undefined ? single! : double.replaceAll(/\\(["\\$`])/g, '$1')));
  }
  return words;
}

/** `wherry kubectl`, in this process. */
export async function ours(line: string, env: NodeJS.ProcessEnv): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const code = await runKubectl(wordsOf(line), {
    out: (text) => void (stdout += text), err: (text) => void (stderr += text), readInput: async () => '', stdin: Readable.from([]), stdout: stream,
    terminal: false, env: { ...process.env, ...env }, signal: AbortSignal.timeout(60_000),
  });
  return { code, stdout, stderr };
}

export function real(program: string, line: string, env: NodeJS.ProcessEnv): Promise<Outcome> {
  return run([program, ...wordsOf(line)], { env, timeoutMs: 20_000 });
}

/** What differs from run to run (and with it the width of columns) made the same. */
export function normalized({ code, stdout, stderr }: Outcome): string {
  const text = `${stdout}\n--- stderr\n${stderr}\n--- code ${code}`;
  return text
    // What older ones print besides, and what they leave out.
    .replaceAll(/^( *)metadata:\n\1 {2}creationTimestamp: null\n(?!\1 {2})/gm, '$1metadata: {}\n').replaceAll(/^ *creationTimestamp: null\n/gm, '').replaceAll(/"metadata": \{\s*"creationTimestamp": null\s*\}/g, '"metadata": {}')
    .replaceAll(/ *"creationTimestamp": null,?\n/g, '').replaceAll(/ deleted from \S+ namespace/g, ' deleted')
    // An output that older ones have not.
    .replaceAll('kyaml,', '')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME').replaceAll(/[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} \+0000/g, 'TIME').replaceAll(/\d{4}-\d\d-\d\d [\d:]{8}[.\d]*( \+0000 (UTC)?)?/g, 'TIME')
    .replaceAll(/\b(?:\d+(?:s|m|h|d))+\b( ago)?/g, 'AGE').replaceAll(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g, 'UID')
    .replaceAll(/((?:"resourceVersion": |resourceVersion: )"?)\d+/g, '$1N').replaceAll(/\(x\d+ over AGE\)/g, '(xN over AGE)')
    .replaceAll(/(LIVE|MERGED)-\w+/g, '$1').replaceAll(/-[a-f\d]{8,10}(-[bcdfghjklmnpqrstvwxz2456789]{5})?\b/g, '-HASH').replaceAll(/-[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, '-RANDOM')
    .replaceAll(/[ \t]+/g, ' ').replaceAll(/ $/gm, '').replaceAll(/-{4,}/g, '----');
}
