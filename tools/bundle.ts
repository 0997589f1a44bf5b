// Writes dist/: the program as one ESM bundle in chunks, so that what is rare is loaded late, started through the V8 compile cache.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
mkdirSync(`${root}dist`);
await build({
  absWorkingDir: root,
  entryPoints: { main: 'src/bin/main.ts' },
  outdir: 'dist',
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
  // lmdb loads a native addon by a path relative to its own package.
  external: ['lmdb'],
  // CommonJS libraries in the bundle call require() for Node's own modules.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  logLevel: 'warning',
});
writeFileSync(`${root}dist/wherry.mjs`, `import { enableCompileCache } from 'node:module';
enableCompileCache(new URL('compile-cache', import.meta.url).pathname);
await import('./main.mjs');
`);
