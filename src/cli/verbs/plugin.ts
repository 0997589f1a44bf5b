import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** Upstream: kubectl pkg/cmd/plugin. */
export const verb: Verb = {
  usage: '[flags]',
  summary: 'Provides utilities for interacting with plugins',
  flags: {},
  verbs: { list: { usage: '', summary: 'List all visible plugin executables on a user\'s PATH', flags: { 'name-only': { type: 'bool', usage: 'If true, display only the binary name of each plugin, rather than its full path' } }, run: list } },
};

async function list({ io, flags }: Call): Promise<number> {
  const found: string[] = [];
  const seen = new Map<string, string>();
  const warnings: string[] = [];
  for (const folder of new Set((io.env['PATH'] ?? '').split(':').filter(Boolean))) {
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
      found.push(flags.bool('name-only') ? name : path);
      if (!isExecutable(path)) warnings.push(`${path} identified as a kubectl plugin, but it is not executable`);
      else if (seen.has(name)) warnings.push(`${path} is overshadowed by a similarly named plugin: ${seen.get(name)}`);
      else seen.set(name, path);
    }
  }
  if (found.length === 0) throw new KubectlError("unable to find any kubectl plugins in your PATH");
  io.out(`The following compatible plugins are available:\n\n${found.map((path) => `${path}\n`).join('')}`);
  for (const warning of warnings) io.err(`  - warning: ${warning}\n`);
  if (warnings.length > 0) throw new KubectlError(warnings.length === 1 ? 'one plugin warning was found' : `${warnings.length} plugin warnings were found`);
  return 0;
}

/** Folders of PATH that are not there or not ours to read hold no plugins. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith('kubectl-')).toSorted();
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return false;
    throw error;
  }
}
