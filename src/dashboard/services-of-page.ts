import type { IncomingMessage, ServerResponse } from 'node:http';
import { StatusError } from '../api/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { UserError } from '../base/user-error.ts';
import type { HttpClient } from '../client/http-client.ts';
import { actions, courseOfObject, courseOfWrite } from './background/background.ts';
import { isForeign } from '../why/is-foreign.ts';
import { explain, whoAmI } from './explanation.ts';
import { PortForwards } from './port-forwards.ts';
import { isClusterPath, refusalOfPath, type Refusal } from './request-guard.ts';
import type { Tunnel } from './tunnel.ts';

export interface ServicesOptions {
  readonly http: HttpClient;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly tunnel: Tunnel | undefined;
}

interface Asked {
  readonly query: URLSearchParams;
  readonly method: string;
}

const MOST_BODY = 4096;

/** What the page asks of us and not of the cluster: explanations, the background, forwarded ports, the tunnel. */
export class ServicesOfPage implements AsyncDisposable {
  readonly #options: ServicesOptions;
  readonly #forwards: PortForwards;
  #reader: Promise<string> | undefined;

  constructor(options: ServicesOptions) {
    this.#options = options;
    this.#forwards = new PortForwards(options.http.options, options.log);
  }

  readonly #services: Readonly<Record<string, (asked: Asked) => Promise<unknown>>> = {
    'GET /why': async ({ query }) => explain(this.#options.http, objectPath(query), { ...(await this.#telling()), korean: query.get('language') === 'ko' }),
    'GET /background': async ({ query }) => {
      const telling = await this.#telling();
      if (query.has('course')) return courseOfWrite(this.#options.http, Number(query.get('course')), telling.reader);
      return query.has('path')
        ? courseOfObject(this.#options.http, objectPath(query), telling)
        : actions(this.#options.http, telling.reader);
    },
    'GET /forwards': async () => this.#forwards.list(),
    'POST /forwards': async ({ query }) => this.#forwards.open(...forwardOf(query)),
    'DELETE /forwards': async ({ query }) => {
      this.#forwards.close(...forwardOf(query));
      return {};
    },
    'GET /tunnel': async () => ({
      possible: this.#options.tunnel !== undefined,
      open: this.#options.tunnel?.isOpen ?? false,
      foreign: this.#options.tunnel === undefined && (await isForeign(this.#options.http)),
    }),
    'POST /tunnel': async () => {
      if (!this.#options.tunnel) throw new UserError('this is no cluster of this machine', 'wherry tunnel, where it runs');
      await this.#options.tunnel.open();
      return { possible: true, open: true, foreign: false };
    },
  };

  /** Undefined where it is nothing of ours. */
  find(method: string, path: string): ((asked: Asked) => Promise<unknown>) | undefined {
    return this.#services[`${method} ${path}`];
  }

  async answer(request: IncomingMessage, service: (asked: Asked) => Promise<unknown>, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '' } = request;
    let size = 0;
    // What is asked is in the address; a body is read only so that the connection can go on.
    request.on('data', (chunk: Buffer) => {
      if ((size += chunk.length) > MOST_BODY) request.destroy();
    });
    try {
      const answer = await service({ method, query: new URLSearchParams(url.split('?')[1]) });
      if (answer === undefined) return refuse(response, { status: 404, message: 'It is not there, and nothing is known of it.' });
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(answer));
    } catch (error) {
      this.#reader = undefined;
      this.#options.log.debug('cannot answer the page', { url, error });
      const remedy = error instanceof UserError && error.remedy ? ` (${error.remedy})` : '';
      refuse(response, {
        status: error instanceof StatusError ? error.code : error instanceof UserError ? 422 : 502,
        message: `${(error as Error).message}${remedy}`,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#forwards[Symbol.asyncDispose]();
    await this.#options.tunnel?.[Symbol.asyncDispose]();
  }

  async #telling(): Promise<{ readonly nowMs: number; readonly reader: { readonly name: string } }> {
    this.#reader ??= whoAmI(this.#options.http);
    return { nowMs: this.#options.clock.now(), reader: { name: await this.#reader } };
  }
}

function objectPath(query: URLSearchParams): string {
  const path = query.get('path') ?? '';
  const refused = isClusterPath(path) ? refusalOfPath(path) : { message: 'what is it about?' };
  if (refused) throw new UserError(refused.message);
  return path;
}

function forwardOf(query: URLSearchParams): [namespace: string, pod: string, port: number] {
  const port = Number(query.get('port'));
  const name = /^[a-z0-9][a-z0-9.-]*$/;
  const [namespace = '', pod = ''] = [query.get('namespace') ?? '', query.get('pod') ?? ''];
  if (!name.test(namespace) || !name.test(pod) || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UserError('which port of which pod?');
  return [namespace, pod, port];
}

export function refuse(response: ServerResponse, { status, message }: Refusal): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify({ apiVersion: 'v1', kind: 'Status', status: 'Failure', code: status, message }));
}
