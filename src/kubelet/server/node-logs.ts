import { createReadStream, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { HttpFault } from './http-fault.ts';

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' };
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character]!);

/**
 * What `/logs/…` of a node's proxy shows: the logs of its pods, as folders with links and files. Upstream's kubelet shows all of the machine's `/var/log`, which a node that shares the
 * machine with its user has no business with. Upstream: kubelet.go, logServer.
 */
export function nodeLogs(path: readonly string[], podLogsDir: string): { readonly folder: string } | { readonly file: Readable } {
  if (path.length === 0) return { folder: listing(['pods/']) };
  const [first, ...rest] = path;
  if (first !== 'pods' || rest.some((segment) => segment === '.' || segment === '..' || /[/\0]/.test(segment))) throw new HttpFault(404, '404 page not found');
  let place = podLogsDir;
  let last = lstatSync(place, { throwIfNoEntry: false });
  for (const segment of rest) {
    // No step of the way may be a link: it could lead anywhere.
    if (!last?.isDirectory()) break;
    place = join(place, segment);
    last = lstatSync(place, { throwIfNoEntry: false });
  }
  if (!last || place !== join(podLogsDir, ...rest)) throw new HttpFault(404, '404 page not found');
  if (last.isFile()) return { file: createReadStream(place) };
  if (!last.isDirectory()) throw new HttpFault(404, '404 page not found');
  return { folder: listing(readdirSync(place, { withFileTypes: true }).map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).toSorted()) };
}

function listing(names: readonly string[]): string {
  return `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${names.map((name) => `<a href="${name.split('/').map(encodeURIComponent).join('/')}">${escaped(name)}</a>\n`).join('')}</pre>\n`;
}
