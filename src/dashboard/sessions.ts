import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../base/clock.ts';

/** Long enough to click on a printed address, short enough that one found later in a scrollback is worth nothing. */
export const LOGIN_MS = 5 * 60_000;
/** A browser that shows nothing for so long is asked to log in again. */
export const SESSION_IDLE_MS = 24 * 3_600_000;

/**
 * Who may use the dashboard. A login token goes into the printed address, is good once and for five minutes, and buys a session, whose id is the
 * browser's cookie. All of it lives in this process and ends with it.
 */
export class Sessions {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #secret: () => string;
  readonly #logins = new Map<string, number>();
  readonly #sessions = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonic'>, secret: () => string = () => randomBytes(32).toString('base64url')) {
    this.#clock = clock;
    this.#secret = secret;
  }

  /** A fresh login token. */
  invite(): string {
    const token = this.#secret();
    this.#logins.set(token, this.#clock.monotonic() + LOGIN_MS);
    return token;
  }

  /** The id of a new session; undefined when the token is unknown, used or too old. Used up either way. */
  login(token: string): string | undefined {
    const known = find(this.#logins, token);
    if (known === undefined) return undefined;
    const until = this.#logins.get(known)!;
    this.#logins.delete(known);
    if (this.#clock.monotonic() > until) return undefined;
    const session = this.#secret();
    this.#touch(session);
    return session;
  }

  /** Whether there is such a session; asking keeps it alive. */
  has(session: string | undefined): boolean {
    const known = session === undefined ? undefined : find(this.#sessions, session);
    if (known === undefined) return false;
    if (this.#clock.monotonic() > this.#sessions.get(known)!) {
      this.#sessions.delete(known);
      return false;
    }
    this.#touch(known);
    return true;
  }

  #touch(session: string): void {
    this.#sessions.set(session, this.#clock.monotonic() + SESSION_IDLE_MS);
  }
}

/** Compares in constant time, so that no part of a secret can be found out by asking often. */
function find(secrets: ReadonlyMap<string, unknown>, wanted: string): string | undefined {
  const bytes = Buffer.from(wanted);
  let found: string | undefined;
  for (const secret of secrets.keys()) {
    const known = Buffer.from(secret);
    if (known.length === bytes.length && timingSafeEqual(known, bytes)) found = secret;
  }
  return found;
}

/** Cookies are shared by all ports of a host: the port is in the name, lest two dashboards log each other out. */
export function cookieName(port: number): string {
  return `wherry-dashboard-${port}`;
}

/** The value of one cookie of a `Cookie` header. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? '').split(';')) {
    const [key, ...value] = part.trim().split('=');
    if (key === name) return value.join('=');
  }
  return undefined;
}
