import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** Claims of RFC 7519, and others. Times in seconds since 1970. */
export interface Claims {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: string | readonly string[];
  readonly exp?: number;
  readonly nbf?: number;
  readonly iat?: number;
  readonly jti?: string;
  readonly [name: string]: unknown;
}

/** A public key as RFC 7517 writes it, with the names that it goes by here. */
export interface PublicKey {
  readonly use: 'sig';
  readonly kid: string;
  readonly alg: string;
  readonly [parameter: string]: unknown;
}

/**
 * Signs and checks JSON web tokens (compact JWS, RFC 7515) with one key: P-256 makes ES256, RSA makes RS256. Only what a server needs for the
 * tokens that it issues itself; by node:crypto, since each pod that starts waits for one. Tokens of others are a library's matter.
 */
export class JsonWebTokenKey {
  readonly algorithm: 'ES256' | 'RS256';
  readonly keyId: string;
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly #header: string;

  /** Throws when `pem` is no private key. */
  constructor(pem: string) {
    this.#private = createPrivateKey(pem);
    this.#public = createPublicKey(this.#private);
    this.algorithm = this.#private.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
    this.keyId = createHash('sha256').update(this.#public.export({ type: 'spki', format: 'der' })).digest('base64url');
    this.#header = part({ alg: this.algorithm, kid: this.keyId });
  }

  sign(claims: Claims): string {
    const signed = `${this.#header}.${part(claims)}`;
    // With a mere key node:crypto takes half the time that it takes with `dsaEncoding`.
    const signature = sign('sha256', Buffer.from(signed), this.#private);
    return `${signed}.${(this.algorithm === 'ES256' ? fixedSignature(signature) : signature).toString('base64url')}`;
  }

  /** What the token claims, if it is signed with this key; whether its time has come or gone is for the caller to say. Undefined: it is not. */
  read(token: string): Claims | undefined {
    const [header, payload, signature, ...rest] = token.split('.');
    if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return undefined;
    // The algorithm is the key's: what the token asks for is never obeyed.
    if (object(header)?.['alg'] !== this.algorithm) return undefined;
    const isSigned = verify('sha256', Buffer.from(`${header}.${payload}`), { key: this.#public, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
    return isSigned ? object(payload) : undefined;
  }

  publicKey(): PublicKey {
    return { use: 'sig', ...this.#public.export({ format: 'jwk' }), kid: this.keyId, alg: this.algorithm };
  }
}

/**
 * The two numbers of an ECDSA signature as RFC 7518 wants them, 32 bytes each, out of the DER form: `30 len 02 len r 02 len s`, where numbers have as many
 * bytes as they need and a zero before a first bit that is set. Of P-256 all lengths fit in one byte.
 */
export function fixedSignature(der: Buffer): Buffer {
  const out = Buffer.alloc(64);
  let at = 2;
  for (const end of [32, 64]) {
    const first = at + 2;
    at = first + der[at + 1]!;
    der.copy(out, end - Math.min(32, at - first), Math.max(first, at - 32), at);
  }
  return out;
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function object(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
