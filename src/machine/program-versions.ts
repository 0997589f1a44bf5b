import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where a program is; looks at the administrator's directories too, which a plain user's PATH lacks. */
export function findProgram(name: string, path: string = process.env['PATH'] ?? ''): string | undefined {
  const directories = new Set([...path.split(delimiter).filter(Boolean), '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']);
  for (const directory of directories) if (isExecutable(join(directory, name))) return join(directory, name);
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
