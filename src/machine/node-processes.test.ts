import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock as clock } from '../base/clock.ts';
import { cgroupHierarchies, cgroupMode, removeCgroup, thawCgroup } from './cgroups.ts';
import { killNodeProcesses } from './node-processes.ts';

/** Of the hierarchy that can freeze: the freezer's with v1, the only one with v2. */
const hierarchy = cgroupHierarchies().find((mount) => cgroupMode() === 'v2' || existsSync(join(mount, 'freezer.state')) || mount.endsWith('/freezer'));

test.runIf(process.getuid?.() === 0 && hierarchy)('what an ended runtime left frozen ends, too', async () => {
  const cgroup = `/wherry/test-${process.pid}`;
  const directory = join(hierarchy!, cgroup, 'pod/container');
  mkdirSync(directory, { recursive: true });
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  const exit = once(child, 'exit');
  try {
    writeFileSync(join(directory, 'cgroup.procs'), String(child.pid));
    const [file, frozen] = cgroupMode() === 'v2' ? ['cgroup.freeze', '1'] : ['freezer.state', 'FROZEN'];
    writeFileSync(join(directory, file), frozen);
    await killNodeProcesses({ namespaces: { net: '/nowhere/net', mnt: '/nowhere/mnt', uts: '/nowhere/uts' }, cgroup }, clock);
    expect(await exit).toEqual([null, 'SIGKILL']);
  } finally {
    thawCgroup(cgroup);
    child.kill('SIGKILL');
    await removeCgroup(cgroup, { clock });
  }
});
