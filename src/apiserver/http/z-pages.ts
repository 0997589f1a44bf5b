import { notAcceptable } from '../../api/errors.ts';
import { rfc3339, type Clock } from '../../base/clock.ts';
import { parseAccept, type MediaType } from './negotiation.ts';
import { sendBytes, sendObject, type Exchange } from './send.ts';
import { versionInfo } from './version.ts';

const COMPONENT = 'kube-apiserver';
const GROUP = 'config.k8s.io';
/** Known versions, and whether they are deprecated. */
const VERSIONS: Readonly<Record<string, boolean>> = { v1beta1: false, v1alpha1: true };
/** Folders of paths of which nobody learns how the server is. */
const OF_NO_USE = new Set(['/apis', '/api', '/openid', '/openapi', '/.well-known']);

export interface ZPagesOptions {
  readonly clock: Clock;
  /** What the server was started with, by the names of kube-apiserver's flags. */
  readonly flags: Readonly<Record<string, string>>;
  readonly paths: () => readonly string[];
}

/** `/statusz` and `/flagz`: what the server is, and what it was started with. Upstream: apiserver pkg/server/{statusz,flagz}. */
export class ZPages {
  readonly #options: ZPagesOptions;
  readonly #startedAt: number;

  constructor(options: ZPagesOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  /** Throws 406 where another form is wanted than there is. */
  async answer(exchange: Exchange, page: 'statusz' | 'flagz'): Promise<void> {
    const wanted = wantedForm(exchange.request.headers.accept, page);
    if (wanted === 'text') return await sendBytes(exchange, 200, 'text/plain; charset=utf-8', Buffer.from(`\n${COMPONENT} ${page}\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n${this.#text(page)}`));
    const { media, version } = wanted;
    if (VERSIONS[version]) exchange.response.setHeader('Warning', `299 - "This version of the ${page} endpoint is deprecated. Please use a newer version."`);
    const kind = page === 'statusz' ? 'Statusz' : 'Flagz';
    await sendObject(exchange, 200, { kind, apiVersion: `${GROUP}/${version}`, metadata: { name: COMPONENT }, ...(page === 'statusz' ? this.#status() : { flags: this.#options.flags }) }, { media, pretty: false });
  }

  #status() {
    const { clock, paths } = this.#options;
    const folders = new Set(paths().map((path) => `/${path.split('/')[1] ?? ''}`).filter((folder) => folder !== '/' && !OF_NO_USE.has(folder)));
    return {
      startTime: rfc3339(this.#startedAt), uptimeSeconds: Math.max(0, Math.floor((clock.now() - this.#startedAt) / 1000)), goVersion: versionInfo.goVersion, binaryVersion: `${versionInfo.major}.${versionInfo.minor}`,
      emulationVersion: `${versionInfo.major}.${versionInfo.minor}`, paths: [...folders].sort(),
    };
  }

  #text(page: 'statusz' | 'flagz'): string {
    if (page === 'flagz') return Object.entries(this.#options.flags).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}=${value}\n`).join('');
    const { uptimeSeconds: up, goVersion, binaryVersion, emulationVersion, paths } = this.#status();
    const two = (value: number): string => String(value).padStart(2, '0');
    const lines = [
      ['Started', new Date(this.#startedAt).toUTCString()], ['Up', `${Math.floor(up / 3600)} hr ${two(Math.floor(up / 60) % 60)} min ${two(up % 60)} sec`], ['Go version', goVersion], ['Binary version', binaryVersion],
      ['Emulation version', emulationVersion], ['Paths', paths.join(' ')],
    ];
    return `\n${lines.map(([name, value]) => `${name}: ${value}\n`).join('')}`;
  }
}

/** Text, unless a version of the page's own kind is asked for. */
function wantedForm(accept: string | undefined, page: string): 'text' | { readonly media: MediaType; readonly version: string } {
  if (!accept?.trim()) return 'text';
  for (const { type, parameters: { as, g, v } } of parseAccept(accept)) {
    if (type === 'text/plain' || type === 'text/*' || (type === '*/*' && as === undefined)) return 'text';
    if ((type === 'application/json' || type === 'application/yaml') && g === GROUP && as?.toLowerCase() === page && v !== undefined && VERSIONS[v] !== undefined) return { media: type, version: v };
  }
  throw notAcceptable(['application/json', 'application/yaml', 'text/plain']);
}
