import { readFileSync } from 'node:fs';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** `--raw URI`: sends the one file of `-f` (or standard input) as it is and prints the answer. */
export async function rawRequest(call: Call, method: 'POST' | 'PUT' | 'DELETE'): Promise<void> {
  const { flags, session, io } = call;
  const files = flags.strings('filename');
  if (files.length > 1 || (files.length === 0 && method !== 'DELETE')) throw new KubectlError('--raw can only use a single local file or stdin');
  if (!flags.string('raw').startsWith('/')) throw new KubectlError(`--raw must be a valid URL path: parse ${JSON.stringify(flags.string('raw'))}: invalid URI for request`);
  const [file] = files;
  if (file && /^https?:/.test(file)) throw new KubectlError('--raw cannot read from a url');
  if (flags.bool('recursive')) throw new KubectlError('--raw and --recursive are mutually exclusive');
  if (flags.has('selector') && flags.string('selector') && method === 'POST') throw new KubectlError('--raw and --selector (-l) are mutually exclusive');
  if (flags.string('output')) throw new KubectlError('--raw and --output are mutually exclusive');
  const text = file === undefined ? undefined : file === '-' ? await io.readInput() : readFileSync(file, 'utf8');
  io.out(await session.text(method, flags.string('raw'), text === undefined ? {} : { body: Buffer.from(text) }));
}
