import { request } from 'node:https';
import type { Clock } from '../../base/clock.ts';

/** Upper bound of a document of an issuer, in bytes. */
const LARGEST = 1024 * 1024;
const TIMEOUT_MS = 10_000;
/** So often, at most, keys are asked for anew, also where they could not be had: anybody can make up tokens, and tokens with other key ids. */
const REFRESH_MS = 10_000;

/** A JSON web key set, RFC 7517. */
export interface KeySet {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

export interface IssuerKeysOptions {
  /** The issuer as its tokens name it. */
  readonly issuer: string;
  readonly discoveryUrl: string | undefined;
  /** PEM; undefined: the authorities that the machine trusts. */
  readonly certificateAuthority: string | undefined;
  readonly clock: Clock;
}

/** The public keys of an issuer, found by its discovery document when the first token comes, and again when a token names an unknown one. Upstream: coreos/go-oidc. */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  #keys: Promise<KeySet> | undefined;
  #askedAt = -Infinity;
  #failed = false;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
  }

  /** `fresh`: what was found before does not do. Rejects where the issuer cannot be reached or tells nonsense. */
  async get(fresh = false): Promise<KeySet> {
    const now = this.#options.clock.monotonic();
    if (!this.#keys || ((fresh || this.#failed) && now - this.#askedAt >= REFRESH_MS)) {
      this.#askedAt = now;
      this.#failed = false;
      this.#keys = this.#find();
      this.#keys.catch(() => (this.#failed = true));
    }
    return await this.#keys;
  }

  async #find(): Promise<KeySet> {
    const { issuer, discoveryUrl, certificateAuthority } = this.#options;
    const found = (await fetchJson(discoveryUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, certificateAuthority)) as { readonly issuer?: unknown; readonly jwks_uri?: unknown };
    if (found.issuer !== issuer) throw new Error(`oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(issuer)} got ${JSON.stringify(found.issuer)}`);
    if (typeof found.jwks_uri !== 'string') throw new Error('oidc: discovery document without jwks_uri');
    const set = (await fetchJson(found.jwks_uri, certificateAuthority)) as Partial<KeySet>;
    if (!Array.isArray(set.keys)) throw new Error('oidc: key set without keys');
    return set as KeySet;
  }
}

function fetchJson(url: string, certificateAuthority: string | undefined): Promise<object> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { timeout: TIMEOUT_MS, agent: false, ...(certificateAuthority && { ca: certificateAuthority }) }, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > LARGEST) asked.destroy(new Error(`${url} answers too much`));
        else chunks.push(chunk);
      });
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode !== 200) return reject(new Error(`${url} answers ${answer.statusCode}`));
        try {
          const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
          if (typeof value === 'object' && value !== null) resolve(value);
          else reject(new Error(`${url} answers no object`));
        } catch (error) {
          reject(new Error(`${url} answers no JSON`, { cause: error }));
        }
      });
    });
    asked.on('timeout', () => asked.destroy(new Error(`${url} does not answer`)));
    asked.on('error', reject);
    asked.end();
  });
}
