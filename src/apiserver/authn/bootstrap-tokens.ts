import { timingSafeEqual } from 'node:crypto';
import { secrets } from '../../api/generated/resources.ts';
import type { User } from '../../api/kind.ts';
import type { Clock } from '../../base/clock.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import { InvalidTokenError } from './service-account-tokens.ts';

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;

/**
 * Tokens `abcdef.0123456789abcdef` with which a new node introduces itself, kept in secrets `kube-system/bootstrap-token-<id>`.
 * Upstream: plugin/pkg/auth/authenticator/token/bootstrap.
 */
export class BootstrapTokens {
  readonly #objects: StoredObjects;
  readonly #clock: Clock;

  constructor(objects: StoredObjects, clock: Clock) {
    this.#objects = objects;
    this.#clock = clock;
  }

  /** Undefined for other kinds of token; throws InvalidTokenError where the token is of this form and proves nothing. */
  verify(token: string): User | undefined {
    const match = TOKEN.exec(token);
    if (!match) return undefined;
    const [, id, given] = match as unknown as [string, string, string];
    const stored = this.#objects.get(secrets, { namespace: 'kube-system', name: `bootstrap-token-${id}` });
    const field = (name: string): string => Buffer.from(stored?.data?.[name] ?? '', 'base64').toString();
    const secret = field('token-secret');
    if (!stored || stored.metadata.deletionTimestamp || stored.type !== 'bootstrap.kubernetes.io/token' || field('token-id') !== id
      || secret.length !== given.length || !timingSafeEqual(Buffer.from(secret), Buffer.from(given)) || field('usage-bootstrap-authentication') !== 'true') {
      throw new InvalidTokenError('invalid bootstrap token');
    }
    const expiration = field('expiration');
    if (expiration && Date.parse(expiration) <= this.#clock.now()) throw new InvalidTokenError('bootstrap token has expired');
    const extra = field('auth-extra-groups').split(',').filter((group) => group.startsWith('system:bootstrappers:'));
    return { name: `system:bootstrap:${id}`, groups: ['system:bootstrappers', ...extra, 'system:authenticated'] };
  }
}
