import { Agent } from 'node:https';
import { serviceUnavailable } from '../../api/errors.ts';
import type { WebhookClientConfig } from '../../api/generated/admissionregistration-v1.ts';
import { endpointSlices, services } from '../../api/generated/resources.ts';
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { DialGuard } from '../dial-guard.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import { isGood, postJson } from '../post-json.ts';

/** Where a call to a service of the cluster goes: one of its ready endpoints, since the server itself is outside the service network. */
export interface ServiceEndpoint {
  readonly host: string;
  readonly port: number;
}

/** The longest answer that is read. */
const LIMIT = 16 * 1024 * 1024;

type SocketError = NodeJS.ErrnoException & { readonly address?: string; readonly port?: number; readonly hostname?: string };

/** Why a server could not be reached, in the words that users know from upstream and look for. */
function unreached({ code = '', message, address, port, hostname }: SocketError): string {
  switch (code) {
    case 'ECONNREFUSED': return address ? `dial tcp ${address}:${port}: connect: connection refused` : 'connect: connection refused';
    case 'ENOTFOUND': return `dial tcp: lookup ${hostname}: no such host`;
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT': return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
    case 'CERT_HAS_EXPIRED': return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
    default: return message;
  }
}

/** Calls the HTTPS servers that configurations name: admission webhooks and conversion webhooks. Upstream: apiserver pkg/util/webhook, pkg/util/proxy. */
export class WebhookClient implements Disposable {
  readonly #objects: StoredObjects;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #dialGuard: DialGuard;
  /** One by CA bundle and server name, so that connections are kept. */
  readonly #agents = new Map<string, Agent>();

  constructor(options: { readonly objects: StoredObjects; readonly clock: Clock; readonly random: Random; readonly dialGuard?: DialGuard }) {
    this.#objects = options.objects;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#dialGuard = options.dialGuard ?? new DialGuard([]);
  }

  /** Posts `body` as JSON and answers the decoded answer. Rejects with an Error whose message goes to the user: `Post "https://…": …`. */
  async post(config: WebhookClientConfig, body: unknown, timeoutSeconds: number): Promise<unknown> {
    const shown = shownUrl(config, timeoutSeconds);
    const abort = new AbortController();
    const timer = this.#clock.timer(timeoutSeconds * 1000, () => abort.abort());
    try {
      return await this.#exchange(config, timeoutSeconds, JSON.stringify(body), abort.signal);
    } catch (error) {
      if (abort.signal.aborted) throw new Error(`Post ${JSON.stringify(shown)}: context deadline exceeded`, { cause: error });
      if (error instanceof AnswerError) throw new Error(error.message, { cause: error });
      throw new Error(`Post ${JSON.stringify(shown)}: ${unreached(error as SocketError)}`, { cause: error });
    } finally {
      timer[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  async #exchange(config: WebhookClientConfig, timeoutSeconds: number, body: string, signal: AbortSignal): Promise<unknown> {
    const { service } = config;
    const serverName = service ? `${service.name}.${service.namespace}.svc` : undefined;
    const url = new URL(shownUrl(config, timeoutSeconds));
    if (service) {
      const { host, port } = this.resolve(service.namespace, service.name, service.port ?? 443);
      url.host = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    }
    const answer = await postJson(url, { agent: this.#agent(config.caBundle ?? '', serverName ?? ''), signal, ...(serverName && { servername: serverName, headers: { host: serverName } }) }, body, LIMIT);
    if (!isGood(answer)) {
      throw new AnswerError(answer.statusCode === 404 ? 'the server could not find the requested resource' : `an error on the server (${JSON.stringify(answer.text.slice(0, 1024) || 'unknown')}) has prevented the request from succeeding`);
    }
    try {
      return JSON.parse(answer.text);
    } catch (error) {
      throw new AnswerError(`the answer is no JSON: ${(error as Error).message}`);
    }
  }

  /** A ready endpoint behind a service's port. Throws 503 where there is none. */
  resolve(namespace: string, name: string, port: number): ServiceEndpoint {
    const service = this.#objects.get(services, { namespace, name });
    if (!service) throw serviceUnavailable(`service ${JSON.stringify(name)} not found`);
    if (service.spec.type === 'ExternalName') return { host: service.spec.externalName ?? '', port };
    const found = service.spec.ports?.find((p) => p.port === port);
    if (!found) throw serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(name)}`);
    const candidates = this.#objects.list(endpointSlices, namespace)
      .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name)
      .flatMap(({ endpoints = [], ports = [] }) => {
        const target = ports.find((p) => (p.name ?? '') === (found.name ?? ''))?.port;
        return target ? endpoints.filter((e) => e.conditions?.ready !== false && e.addresses[0]).map((e) => ({ host: e.addresses[0]!, port: target })) : [];
      });
    const chosen = candidates[Math.floor(this.#random.next() * candidates.length)];
    if (!chosen) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`);
    this.#dialGuard.check(chosen.host);
    return chosen;
  }

  #agent(caBundle: string, serverName: string): Agent {
    const key = `${serverName} ${caBundle}`;
    let agent = this.#agents.get(key);
    if (!agent) {
      agent = new Agent({ keepAlive: true, ...(caBundle && { ca: Buffer.from(caBundle, 'base64').toString() }) });
      this.#agents.set(key, agent);
    }
    return agent;
  }
}

/** The other end was reached and answered wrongly. */
class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

function shownUrl({ url, service }: WebhookClientConfig, timeoutSeconds: number): string {
  const shown = new URL(url ?? `https://${service!.name}.${service!.namespace}.svc:${service!.port ?? 443}${service!.path ?? '/'}`);
  shown.searchParams.set('timeout', `${timeoutSeconds}s`);
  // A URL drops the port that its scheme has anyway; people look for it in the message.
  return service && !shown.port ? shown.href.replace(shown.hostname, `${shown.hostname}:443`) : shown.href;
}
