import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { AuthenticationConfiguration } from './authentication-configuration.ts';
import type { JwtTokens } from './jwt-tokens.ts';

/** Whom the operator lets in besides the cluster's own, which he may change while requests are answered. */
export class ConfiguredAuthentication {
  readonly #services: { readonly clock: Clock; readonly log: Log };
  #jwtTokens: JwtTokens | undefined;
  #anonymous: AuthenticationConfiguration['anonymous'];

  constructor(services: { readonly clock: Clock; readonly log: Log }) {
    this.#services = services;
  }

  /** Undefined where no other issuer's tokens are believed. */
  get jwtTokens(): JwtTokens | undefined {
    return this.#jwtTokens;
  }

  /** Undefined: anonymous everywhere. */
  get anonymous(): AuthenticationConfiguration['anonymous'] {
    return this.#anonymous;
  }

  /** All stays as it was where it rejects: with UserError where an expression is none. */
  async configure({ jwt: issuers, anonymous }: AuthenticationConfiguration = { jwt: [], anonymous: undefined }): Promise<void> {
    let jwtTokens: JwtTokens | undefined;
    if (issuers.length > 0) {
      const { JwtTokens: Tokens } = await import('./jwt-tokens.ts');
      jwtTokens = await Tokens.create({ issuers, ...this.#services });
    }
    this.#jwtTokens = jwtTokens;
    this.#anonymous = anonymous;
  }
}
