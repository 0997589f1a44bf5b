import { existsSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Clock } from '../../base/clock.ts';
import { UserError } from '../../base/user-error.ts';
import { resolveContext } from '../../client/kubeconfig.ts';
import type { Kubeconfig } from '../../client/kubeconfig-entries.ts';
import { isGood, postJson } from '../post-json.ts';

const REMEDY = 'a file in the form of a kubeconfig, with a current context';
/** The longest answer that is read. */
const LIMIT = 1024 * 1024;

/** Another server's answer was none, or not the one that was wanted. */
export class EndpointError extends Error {
  override readonly name = 'EndpointError';
  /** Of the answer; 0 where there is none. */
  readonly code: number;

  constructor(message: string, code: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A server that an operator names in the form of a kubeconfig: its current context says where it is and how we prove who we are. */
export class RemoteEndpoint implements Disposable {
  readonly #url: URL;
  readonly #agent: HttpAgent | HttpsAgent;
  /** Made for each request: tokens in files are renewed. */
  readonly #headers: () => Readonly<Record<string, string>>;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  /** `config`: a file, or what would be in it. Throws UserError where it says nothing of use. */
  constructor(config: string | Kubeconfig, { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number }) {
    if (typeof config === 'string' && !existsSync(config)) throw new UserError(`there is no file ${config}`, REMEDY);
    let connection: ReturnType<typeof resolveContext>['connection'];
    try {
      ({ connection } = resolveContext({ env: {}, ...(typeof config === 'string' ? { kubeconfig: config } : { config }) }));
    } catch (error) {
      throw new UserError(`${typeof config === 'string' ? config : 'kubeconfig'}: ${(error as Error).message}`, REMEDY, { cause: error });
    }
    const { server, ca, certificate, key, token, headers, insecureSkipTlsVerify, tlsServerName } = connection;
    this.#url = new URL(server);
    this.#headers = () => ({ ...(token && { authorization: `Bearer ${typeof token === 'function' ? token() : token}` }), ...headers });
    this.#agent = this.#url.protocol === 'http:' ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({
      keepAlive: true, ...(ca && { ca }), ...(certificate && { cert: certificate }), ...(key && { key }), ...(insecureSkipTlsVerify && { rejectUnauthorized: false }), ...(tlsServerName && { servername: tlsServerName }),
    });
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Posts `body` as JSON; answers the text of a good answer. Rejects with EndpointError. */
  async post(body: string): Promise<string> {
    const abort = new AbortController();
    const timer = this.#clock.timer(this.#timeoutMs, () => abort.abort());
    try {
      return await this.#exchange(body, abort.signal);
    } catch (error) {
      if (error instanceof EndpointError) throw error;
      throw new EndpointError(`Post ${JSON.stringify(this.#url.href)}: ${abort.signal.aborted ? 'context deadline exceeded' : (error as Error).message}`, 0, { cause: error });
    } finally {
      timer[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #exchange(body: string, signal: AbortSignal): Promise<string> {
    const answer = await postJson(this.#url, { agent: this.#agent, signal, headers: this.#headers() }, body, LIMIT);
    if (isGood(answer)) return answer.text;
    throw new EndpointError(`${this.#url.href} answered ${answer.statusCode}`, answer.statusCode);
  }
}
