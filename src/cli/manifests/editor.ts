import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { KubectlIo } from '../command/kubectl-io.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** Lets the person edit `text` with the editor of KUBE_EDITOR or EDITOR (else vi). Resolves to the text as saved and where it lies until `discard`. */
export async function editText(text: string, extension: string, io: KubectlIo): Promise<{ readonly text: string; readonly file: string; discard(): void }> {
  const file = join(mkdtempSync(join(tmpdir(), 'kubectl-edit-')), `edit${extension}`);
  writeFileSync(file, text, { mode: 0o600 });
  const discard = (): void => rmSync(dirname(file), { recursive: true, force: true });
  const command = io.env['KUBE_EDITOR'] || io.env['EDITOR'] || 'vi';
  try {
    // The editor may be a command with arguments: the shell parts them.
    const code = await new Promise<number>((resolve, reject) => {
      const child = spawn('/bin/sh', ['-c', `${command} "$1"`, 'sh', file], { stdio: 'inherit', env: io.env as NodeJS.ProcessEnv, signal: io.signal });
      child.on('error', reject);
      child.on('exit', (exit) => resolve(exit ?? 1));
    });
    if (code !== 0) throw new KubectlError(`there was a problem with the editor "${command}"`);
    return { text: readFileSync(file, 'utf8'), file, discard };
  } catch (error) {
    discard();
    throw error;
  }
}
