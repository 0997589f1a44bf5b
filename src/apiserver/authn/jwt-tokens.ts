import type { CelProgram } from '../../api/cel/cel.ts';
import { fromCel } from '../../api/cel/cel-value.ts';
import type { User } from '../../api/kind.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { UserError } from '../../base/user-error.ts';
import type { ClaimMapping, JwtIssuer } from './authentication-configuration.ts';
import { IssuerKeys, type KeySet } from './issuer-keys.ts';
import type { Claims } from './json-web-token.ts';
import { InvalidTokenError, ISSUER } from './service-account-tokens.ts';

export interface JwtTokensOptions {
  readonly issuers: readonly JwtIssuer[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Signatures of these kinds are believed. Upstream: oidc.AllValidSigningAlgorithms. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'];
const REMEMBERED = 1024;

type Compile = (source: string) => CelProgram;
type Verify = (token: string, keys: KeySet, issuer: JwtIssuer) => Promise<Claims | 'unknown key'>;

interface Trusted {
  readonly issuer: JwtIssuer;
  readonly keys: IssuerKeys;
}

/**
 * Tokens of other issuers (OpenID Connect), by configuration: who they say one is becomes a user of the cluster. Library and expressions are loaded
 * only where there is such an issuer. Upstream: apiserver plugin/pkg/authenticator/token/oidc.
 */
export class JwtTokens {
  readonly #options: JwtTokensOptions;
  readonly #trusted = new Map<string, Trusted>();
  readonly #compile: Compile;
  readonly #verify: Verify;
  /** Tokens that proved good, and until when (seconds since 1970). */
  readonly #known = new Map<string, { readonly user: User; readonly audiences: readonly string[]; readonly until: number }>();

  private constructor(options: JwtTokensOptions, compile: Compile, verify: Verify) {
    this.#options = options;
    this.#compile = compile;
    this.#verify = verify;
    for (const issuer of options.issuers) this.#trusted.set(issuer.url, { issuer, keys: new IssuerKeys({ issuer: issuer.url, discoveryUrl: issuer.discoveryUrl, certificateAuthority: issuer.certificateAuthority, clock: options.clock }) });
  }

  /** Rejects with UserError where an expression is none. */
  static async create(options: JwtTokensOptions): Promise<JwtTokens> {
    if (options.issuers.some(({ url }) => url === ISSUER)) throw new UserError(`AuthenticationConfiguration: ${ISSUER} is the cluster itself, which needs no configuration`);
    const [{ celCompiler }, jose] = await Promise.all([import('../../api/cel/cel.ts'), import('jose')]);
    const compile = celCompiler({ variables: ['claims', 'user'] });
    for (const { url, claimRules, username, groups, uid, extra, userRules } of options.issuers) {
      for (const place of [...claimRules, username, groups, uid, ...extra, ...userRules]) {
        if (!place || !('expression' in place)) continue;
        try {
          compile(place.expression);
        } catch (error) {
          throw new UserError(`AuthenticationConfiguration of ${url}: ${place.expression}: ${(error as Error).message}`);
        }
      }
    }
    const verify: Verify = async (token, keys, { url, audiences }) => {
      try {
        const { payload } = await jose.jwtVerify(token, jose.createLocalJWKSet(keys as never), { issuer: url, audience: [...audiences], algorithms: ALGORITHMS, currentDate: new Date(options.clock.now()), requiredClaims: ['exp'] });
        return payload as Claims;
      } catch (error) {
        if (error instanceof jose.errors.JWKSNoMatchingKey) return 'unknown key';
        if (error instanceof jose.errors.JOSEError) throw new InvalidTokenError(`oidc: verify token: ${error.message}`, { cause: error });
        throw error;
      }
    };
    return new JwtTokens(options, compile, verify);
  }

  /** Whether the token says it is of an issuer that is configured; nothing of it is believed by that. */
  isOurs(token: string): boolean {
    const issuer = claimedIssuer(token);
    return issuer !== undefined && this.#trusted.has(issuer);
  }

  /** The user, and the audiences that the token is for. Rejects with InvalidTokenError. */
  async verify(token: string): Promise<{ readonly user: User; readonly audiences: readonly string[] }> {
    const nowSeconds = this.#options.clock.now() / 1000;
    const known = this.#known.get(token);
    if (known && known.until > nowSeconds) return known;
    const { issuer, keys } = this.#trusted.get(claimedIssuer(token)!)!;
    let claims: Claims | 'unknown key';
    try {
      claims = await this.#verify(token, await keys.get(), issuer);
      if (claims === 'unknown key') claims = await this.#verify(token, await keys.get(true), issuer);
    } catch (error) {
      if (error instanceof InvalidTokenError) throw error;
      this.#options.log.warn('the keys of an issuer cannot be had', { issuer: issuer.url, error });
      throw new InvalidTokenError(`oidc: authenticator for ${issuer.url} is not ready: ${(error as Error).message}`, { cause: error });
    }
    if (claims === 'unknown key') throw new InvalidTokenError('oidc: verify token: failed to verify signature: no key matches');
    const user = this.#userOf(issuer, claims);
    const audiences = [claims.aud ?? []].flat() as readonly string[];
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    this.#known.set(token, { user, audiences, until: claims.exp! });
    return { user, audiences };
  }

  #userOf({ claimRules, username, groups, uid, extra, userRules }: JwtIssuer, claims: Claims): User {
    for (const rule of claimRules) {
      if ('claim' in rule) {
        if (claims[rule.claim] === undefined) throw new InvalidTokenError(`oidc: required claim ${rule.claim} not present in ID token`);
        if (claims[rule.claim] !== rule.requiredValue) throw new InvalidTokenError(`oidc: required claim ${rule.claim} value does not match. Got = ${String(claims[rule.claim])}, want = ${rule.requiredValue}`);
      } else if (this.#evaluate(rule.expression, { claims }) !== true) throw new InvalidTokenError(`oidc: error evaluating claim validation expression: validation expression '${rule.expression}' failed${rule.message ? `: ${rule.message}` : ''}`);
    }
    if ('claim' in username && username.claim === 'email' && claims['email_verified'] !== undefined && claims['email_verified'] !== true) throw new InvalidTokenError('oidc: email not verified');
    const name = this.#textOf(username, claims, 'username');
    if (!name) throw new InvalidTokenError('oidc: username must not be empty');
    const id = uid && this.#textOf(uid, claims, 'uid');
    const extras = extra.map(({ key, expression }) => [key, texts(this.#evaluate(expression, { claims }), 'extra')] as const).filter(([, values]) => values.length > 0);
    const user: User = {
      name, ...(id && { uid: id }), groups: groups ? this.#groupsOf(groups, claims) : [],
      ...(extras.length > 0 && { extra: Object.fromEntries(extras) }),
    };
    for (const { expression, message } of userRules) {
      const shown = { username: user.name, uid: user.uid ?? '', groups: user.groups, extra: user.extra ?? {} };
      if (this.#evaluate(expression, { user: shown }) !== true) throw new InvalidTokenError(`oidc: error evaluating user info validation rule: validation expression '${expression}' failed${message ? `: ${message}` : ''}`);
    }
    return { ...user, groups: user.groups.includes('system:authenticated') ? user.groups : [...user.groups, 'system:authenticated'] };
  }

  #textOf(mapping: ClaimMapping, claims: Claims, what: string): string {
    const value = 'expression' in mapping ? this.#evaluate(mapping.expression, { claims }) : claims[mapping.claim];
    if (typeof value !== 'string') {
      if ('claim' in mapping && value === undefined && what === 'uid') return '';
      throw new InvalidTokenError('claim' in mapping ? `oidc: parse ${what} claims ${JSON.stringify(mapping.claim)}: ${value === undefined ? 'claim not present' : 'not a text'}` : `oidc: error evaluating ${what} claim expression: not a text`);
    }
    return 'claim' in mapping && value !== '' ? mapping.prefix + value : value;
  }

  #groupsOf(mapping: ClaimMapping, claims: Claims): readonly string[] {
    if ('expression' in mapping) return texts(this.#evaluate(mapping.expression, { claims }), 'groups');
    return texts(claims[mapping.claim], 'groups').map((group) => mapping.prefix + group);
  }

  #evaluate(expression: string, variables: Readonly<Record<string, unknown>>): unknown {
    try {
      return fromCel(this.#compile(expression).evaluate({ claims: {}, user: {}, ...variables }));
    } catch (error) {
      throw new InvalidTokenError(`oidc: ${expression}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** One text, several, or none. */
function texts(value: unknown, what: string): readonly string[] {
  if (value === undefined || value === null || value === '') return [];
  const list = Array.isArray(value) ? value : [value];
  if (!list.every((item) => typeof item === 'string')) throw new InvalidTokenError(`oidc: ${what} must be text or a list of text`);
  return list;
}

function claimedIssuer(token: string): string | undefined {
  const payload = token.split('.')[1];
  if (!payload) return undefined;
  try {
    const { iss } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { readonly iss?: unknown };
    return typeof iss === 'string' ? iss : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined; // no token of this form
    throw error;
  }
}
