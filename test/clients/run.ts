// `npm run test:clients [NAME…]`: programs on the client libraries of other languages against one cluster of ours. What a toolchain of is not on the machine is left out and said so.
// The libraries come from their registries by the languages' own tools; what is built goes to a folder outside the tree (WHERRY_CLIENTS_CACHE, else the system's temporary folder).
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, type Outcome } from '../../src/testing/cluster-under-test.ts';
import { ClientCluster, IMAGE } from './client-cluster.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const cache = process.env['WHERRY_CLIENTS_CACHE'] ?? join(tmpdir(), 'wherry-clients');

type Command = readonly string[];

interface ClientProgram {
  readonly name: string;
  /** Ends with 0 where the toolchain is there. */
  readonly toolchain: Command;
  readonly builds: readonly Command[];
  readonly program: Command;
}

const python = join(cache, 'python');
const programs: readonly ClientProgram[] = [
  { name: 'go', toolchain: ['go', 'version'], builds: [['go', '-C', join(here, 'go'), 'build', '-o', join(cache, 'go-client'), '.']], program: [join(cache, 'go-client')] },
  {
    name: 'python', toolchain: ['python3', '-m', 'venv', '--help'],
    builds: [...(existsSync(python) ? [] : [['python3', '-m', 'venv', python]]), [join(python, 'bin/pip'), 'install', '-q', '-r', join(here, 'python/requirements.txt')]],
    program: [join(python, 'bin/python'), join(here, 'python/client.py')],
  },
  {
    name: 'rust', toolchain: ['cargo', 'version'],
    // The lock would name the registry: the versions are pinned in the manifest.
    builds: [['cargo', 'build', '-q', '--manifest-path', join(here, 'rust/Cargo.toml'), '--target-dir', join(cache, 'rust')]], program: [join(cache, 'rust/debug/wherry-clients')],
  },
  {
    name: 'java', toolchain: ['mvn', '--version'],
    builds: [['mvn', '-q', '-f', join(here, 'java/pom.xml'), `-Dclient.target=${join(cache, 'java')}`, 'package']],
    program: ['java', '-cp', `${join(cache, 'java/wherry-clients.jar')}:${join(cache, 'java/libraries')}/*`, 'Client'],
  },
];

/** Runs to its end, at most fifteen minutes; a program that is not there counts as one that failed. */
async function attempt(command: Command, env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  try {
    return await run(command, { env, timeoutMs: 15 * 60_000 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { code: 127, stdout: '', stderr: (error as Error).message };
  }
}

mkdirSync(cache, { recursive: true });
const wanted = process.argv.slice(2);
const [passed, failed, left] = [[] as string[], [] as string[], [] as string[]];
const ready: ClientProgram[] = [];
for (const program of programs.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  if ((await attempt(program.toolchain)).code !== 0) {
    left.push(program.name);
    continue;
  }
  console.log(`== ${program.name}: building`);
  let built: Outcome = { code: 0, stdout: '', stderr: '' };
  for (const command of program.builds) if (built.code === 0) built = await attempt(command);
  if (built.code === 0) {
    ready.push(program);
    continue;
  }
  console.log(`${built.stdout}${built.stderr}`);
  failed.push(program.name);
}
if (ready.length > 0) {
  await using cluster = await ClientCluster.start('test-clients');
  for (const { name, program } of ready) {
    console.log(`== ${name}`);
    const namespace = `client-${name}`;
    await cluster.kubectl('create', 'namespace', namespace);
    await cluster.kubectl('run', 'web', '-n', namespace, `--image=${IMAGE}`, '--restart=Never');
    await cluster.kubectl('wait', '-n', namespace, '--for=condition=Ready', 'pod/web', '--timeout=30s');
    const { code, stdout, stderr } = await attempt([...program, namespace, IMAGE], { KUBECONFIG: cluster.env['KUBECONFIG'] });
    process.stdout.write(code === 0 ? stdout : `${stdout}${stderr}`);
    (code === 0 ? passed : failed).push(name);
  }
}
console.log(`${passed.length} passed (${passed.join(', ')}), ${failed.length} failed (${failed.join(', ')})${left.length > 0 ? `, without a toolchain: ${left.join(', ')}` : ''}`);
process.exitCode = failed.length > 0 ? 1 : 0;
