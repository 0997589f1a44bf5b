import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Name to content: `index.html`, the page's script and style sheet, and parts that are loaded when they are needed; all but the first have a hash of what is in them in their names. */
export type PageFiles = ReadonlyMap<string, Buffer>;

/** Builds the dashboard's page from its sources (`dashboard/` of the checkout). For the bundle, and for development without one. */
export async function buildPage(): Promise<PageFiles> {
  const sources = fileURLToPath(new URL('../../dashboard', import.meta.url));
  const { outputFiles } = await build({
    absWorkingDir: sources,
    entryPoints: { page: 'main.tsx' },
    outdir: 'out',
    write: false,
    bundle: true,
    splitting: true,
    chunkNames: 'part-[hash]',
    format: 'esm',
    platform: 'browser',
    target: ['chrome123', 'firefox121', 'safari17.5'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    legalComments: 'none',
    logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const files = new Map<string, Buffer>();
  let html = readFileSync(`${sources}/index.html`, 'utf8');
  for (const { path, contents, text } of outputFiles) {
    const content = Buffer.from(contents);
    // What the script imports at once is fetched beside it, not after it.
    if (basename(path) === 'page.js')
      for (const [, part] of text.matchAll(/from"\.\/(part-\w+\.js)"/g))
        html = html.replace('</head>', `<link rel="modulepreload" href="/${part}">\n</head>`);
    const name = basename(path).replace(/^page\./, `page-${createHash('sha256').update(content).digest('hex').slice(0, 12)}.`);
    files.set(name, content);
    html = html.replace(`/${basename(path)}`, `/${name}`);
  }
  return files.set('index.html', Buffer.from(html));
}
