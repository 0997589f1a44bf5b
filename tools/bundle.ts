// Writes dist/: the program as one ESM bundle in chunks, so that what is rare is loaded late, started through the V8 compile cache.
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { buildPage } from '../src/dashboard/build-page.ts';
import { leanHttp } from './lean-http.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
// Built beside and then moved: clusters that run load their rarer parts from the old chunks' names until they are restarted,
// so the chunks of builds of the last day are kept.
const fresh = `${root}dist.new`;
rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh);
/** A large table as text for JSON.parse, which V8 reads several times faster than the same as JavaScript. */
const jsonAsText: Plugin = {
  name: 'json-as-text',
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/.*\.json$/ }, ({ path }) => ({ contents: `export default JSON.parse(${JSON.stringify(JSON.stringify(JSON.parse(readFileSync(path, 'utf8'))))});`, loader: 'js' }));
  },
};
await build({
  plugins: [jsonAsText, leanHttp],
  absWorkingDir: root,
  entryPoints: { main: 'src/bin/main.ts' },
  outdir: 'dist.new',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  // ES modules where a package has them: their names survive a late import, those of CommonJS do not.
  mainFields: ['module', 'main'],
  target: 'node24',
  minify: true,
  keepNames: true,
  sourcemap: false,
  legalComments: 'none',
  // lmdb loads a native addon by a path relative to its own package; esbuild serves sources only, which build the dashboard's page when it is asked for.
  external: ['lmdb', 'esbuild'],
  // CommonJS libraries in the bundle call require() for Node's own modules.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  logLevel: 'warning',
});
writeFileSync(`${fresh}/wherry.mjs`, `import { enableCompileCache } from 'node:module';
enableCompileCache(new URL('compile-cache', import.meta.url).pathname);
await import('./main.mjs');
`);
// kubectl starts often and has to start fast: one file for Node's older loader, whose parts run when they are called; tables beside it.
const jsonBeside: Plugin = {
  name: 'json-beside',
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/.*\.json$/ }, ({ path }) => {
      const name = `${basename(path, '.json')}-table.json`;
      writeFileSync(`${fresh}/${name}`, JSON.stringify(JSON.parse(readFileSync(path, 'utf8'))));
      return { contents: `module.exports = JSON.parse(require('node:fs').readFileSync(__dirname + '/${name}', 'utf8'));`, loader: 'js' };
    });
  },
};
await build({
  plugins: [jsonBeside, leanHttp],
  absWorkingDir: root,
  entryPoints: ['src/bin/kubectl-main.ts'],
  outfile: 'dist.new/kubectl-bundle.cjs',
  bundle: true,
  format: 'cjs',
  platform: 'node',
  mainFields: ['module', 'main'],
  target: 'node24',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
});
writeFileSync(`${fresh}/kubectl.cjs`, `require('node:module').enableCompileCache(__dirname + '/compile-cache');
require('./kubectl-bundle.cjs');
`);
mkdirSync(`${fresh}/dashboard`);
for (const [name, content] of await buildPage()) writeFileSync(`${fresh}/dashboard/${name}`, content);
const old = `${root}dist`;
const KEPT_MS = 24 * 3_600_000;
if (existsSync(old)) {
  for (const name of readdirSync(old)) {
    if (name.endsWith('.mjs') && !existsSync(`${fresh}/${name}`) && Date.now() - statSync(`${old}/${name}`).mtimeMs < KEPT_MS) renameSync(`${old}/${name}`, `${fresh}/${name}`);
  }
  rmSync(old, { recursive: true, force: true });
}
renameSync(fresh, old);
