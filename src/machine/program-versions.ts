import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A PATH with the administrator's directories too: a plain user's lacks them, and root has a plain user's after `su`. */
export function searchPath(path: string = process.env['PATH'] ?? ''): string {
  return [...new Set([...path.split(delimiter).filter(Boolean), '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'])].join(delimiter);
}

/** Where a program is on the search path. */
export function findProgram(name: string, path?: string): string | undefined {
  for (const directory of searchPath(path).split(delimiter)) if (isExecutable(join(directory, name))) return join(directory, name);
  return undefined;
}

/** Where the CNI plugins are on the distributions we know: Debian's package, everyone else, Arch and openSUSE. */
export function findCniPlugins(names: readonly string[] = ['ptp', 'host-local', 'loopback']): string | undefined {
  return ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'].find((directory) => names.every((name) => isExecutable(join(directory, name))));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Whatever keeps us from it, it is not a program to use.
    return false;
  }
}
