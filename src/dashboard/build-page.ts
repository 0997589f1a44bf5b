import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Name to content: `index.html`, and a script and a style sheet with a hash of what is in them in their names. */
export type PageFiles = ReadonlyMap<string, Buffer>;

/** Builds the dashboard's page from its sources (`dashboard/` of the checkout). For the bundle, and for development without one. */
export async function buildPage(): Promise<PageFiles> {
  const sources = fileURLToPath(new URL('../../dashboard', import.meta.url));
  const { outputFiles } = await build({
    absWorkingDir: sources, entryPoints: { page: 'main.tsx' }, outdir: 'out', write: false, bundle: true, format: 'esm', platform: 'browser', target: ['chrome123', 'firefox121', 'safari17.5'],
    jsx: 'automatic', jsxImportSource: 'preact', minify: true, legalComments: 'none', logLevel: 'silent', define: { 'process.env.NODE_ENV': '"production"' },
  });
  const files = new Map<string, Buffer>();
  const named = (suffix: string): string => {
    const content = Buffer.from(outputFiles.find(({ path }) => path.endsWith(suffix))!.contents);
    const name = `page-${createHash('sha256').update(content).digest('hex').slice(0, 12)}${suffix}`;
    files.set(name, content);
    return name;
  };
  const html = readFileSync(`${sources}/index.html`, 'utf8').replace('page.js', named('.js')).replace('page.css', named('.css'));
  return files.set('index.html', Buffer.from(html));
}
