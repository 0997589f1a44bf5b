import type { Pod } from '../../api/generated/core-v1.ts';
import { serviceAccounts } from '../../api/generated/resources.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';

export interface IssuedToken {
  readonly token: string;
  readonly expirationTimestamp: string;
  readonly refreshAtMs: number;
}

interface TokenRequestAnswer {
  readonly status?: { readonly token: string; readonly expirationTimestamp: string };
}

const LONGEST_USE_MS = 24 * 3600_000;

/** Service account tokens for pods, asked for once and again when 80 % of their time is over. Upstream: kubelet/token. */
export class TokenSource {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #issued = new Map<string, Promise<IssuedToken>>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async token(pod: Pod, audience: string | undefined, expirationSeconds: number): Promise<IssuedToken> {
    const key = `${pod.metadata.uid} ${audience ?? ''} ${expirationSeconds}`;
    const known = await this.#issued.get(key);
    if (known && known.refreshAtMs > this.#clock.now()) return known;
    const request = this.#request(pod, audience, expirationSeconds);
    this.#issued.set(key, request);
    // A refusal is not remembered: the next try asks again.
    request.catch(() => this.#issued.delete(key));
    return request;
  }

  forget(uid: string): void {
    for (const key of this.#issued.keys()) if (key.startsWith(`${uid} `)) this.#issued.delete(key);
  }

  async #request(pod: Pod, audience: string | undefined, expirationSeconds: number): Promise<IssuedToken> {
    const { name, namespace, uid } = pod.metadata;
    const body = {
      apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: { namespace },
      spec: { audiences: audience ? [audience] : [], expirationSeconds, boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } },
    };
    const account = { namespace, name: pod.spec.serviceAccountName || 'default' };
    const startedMs = this.#clock.now();
    const { status } = await this.#client.createSubresource<TokenRequestAnswer>(serviceAccounts, account, 'token', body);
    if (!status) throw new Error(`no token was issued for service account ${namespace}/${account.name}`);
    const lifeMs = Date.parse(status.expirationTimestamp) - startedMs;
    return { token: status.token, expirationTimestamp: status.expirationTimestamp, refreshAtMs: startedMs + Math.min(lifeMs * 0.8, LONGEST_USE_MS) };
  }
}
