// `npm run check`: types, lint, and the floors of docs/architecture.md: a file imports only from its own floor and from
// those under it, and no imports go in a circle, not even for a type. Prints each fault as file:line.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What each floor may import besides itself. */
const components = ['apiserver', 'controllers', 'scheduler', 'kubelet', 'proxy', 'policy', 'dns', 'balancer', 'ingress'];
export const floors: Record<string, readonly string[]> = {
  base: [],
  api: ['base'],
  cri: ['base'],
  storage: ['base'],
  machine: ['base'],
  client: ['base', 'api'],
  ledger: ['base', 'api', 'client'],
  why: ['base', 'api', 'client', 'ledger'],
  sim: ['base', 'cri'],
  apiserver: ['base', 'api', 'storage', 'client', 'ledger'],
  controllers: ['base', 'api', 'client'],
  scheduler: ['base', 'api', 'client', 'ledger'],
  kubelet: ['base', 'api', 'client', 'ledger', 'cri'],
  proxy: ['base', 'api', 'client'],
  policy: ['base', 'api', 'client'],
  dns: ['base', 'api', 'client'],
  balancer: ['base', 'api', 'client'],
  ingress: ['base', 'api', 'client'],
  cli: ['base', 'api', 'client'],
  dashboard: ['base', 'api', 'client', 'ledger', 'why'],
  cluster: ['base', 'api', 'client', 'ledger', 'storage', 'cri', 'sim', 'machine', ...components],
  // The dashboard's page, a folder of its own beside src: runs in browsers.
  page: ['api', 'dashboard'],
  bin: ['base', 'api', 'client', 'ledger', 'why', 'cli', 'dashboard', 'cluster', 'machine'],
  testing: ['base', 'api', 'client', 'ledger', 'why', 'storage', 'cri', 'sim', 'machine', 'cli', 'cluster', ...components],
};

const filesOf = (folder: string): string[] => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.startsWith('api/generated'))
  .map((name) => join(root, folder, name));
const files = [...filesOf('src'), ...filesOf('dashboard')];
const floorOf = (path: string): string => (relative(root, path).startsWith('dashboard/') ? 'page' : relative(join(root, 'src'), path).split('/')[0]!);

const faults: string[] = [];
const graph = new Map<string, string[]>();
for (const file of files) {
  const floor = floorOf(file);
  const isTest = file.endsWith('.test.ts');
  if (!floors[floor]) faults.push(`${relative(root, file)}:1: no floor is called ${floor}`);
  const imports: string[] = [];
  readFileSync(file, 'utf8').split('\n').forEach((line, index) => {
    const match = /(?:^\s*(?:import|export)\b.*?from\s+|^\}\s*from\s+|\bimport\()['"](\.[^'"]+)['"]/.exec(line);
    if (!match) return;
    const target = resolve(dirname(file), match[1]!);
    const targetFloor = floorOf(target);
    const allowed = targetFloor === floor || floors[floor]?.includes(targetFloor) || (isTest && targetFloor === 'testing');
    if (!allowed) faults.push(`${relative(root, file)}:${index + 1}: ${floor} may not import from ${targetFloor}`);
    if (!isTest) imports.push(target);
  });
  graph.set(file, imports);
}

/** Reports each cycle of imports, those of types among them, once, at the file where the walk meets it again. */
function findCycles(): void {
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const visit = (file: string): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      faults.push(`${relative(root, file)}:1: import cycle ${[...path.slice(path.indexOf(file)), file].map((f) => relative(root, f)).join(' → ')}`);
      return;
    }
    state.set(file, 'open');
    path.push(file);
    for (const target of graph.get(file) ?? []) if (graph.has(target)) visit(target);
    path.pop();
    state.set(file, 'done');
  };
  for (const file of graph.keys()) visit(file);
}
findCycles();
for (const fault of faults) console.log(fault);

const run = (command: string, args: string[]): boolean =>
  spawnSync(process.execPath, [join(root, 'node_modules', command), ...args], { cwd: root, stdio: 'inherit' }).status === 0;
const typesOk = run('typescript/bin/tsc', []) && run('typescript/bin/tsc', ['-p', 'dashboard']);
const lintOk = run('oxlint/bin/oxlint', ['--quiet', 'src', 'dashboard', 'test', 'tools', 'bench']);
process.exitCode = faults.length === 0 && typesOk && lintOk ? 0 : 1;
if (process.exitCode === 0) console.log(`${files.length} files: types, lint and floors are in order`);
