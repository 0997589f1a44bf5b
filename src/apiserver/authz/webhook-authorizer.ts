import type { CelProgram } from '../../api/cel/cel.ts';
import { CelError } from '../../api/cel/cel-error.ts';
import type { SubjectAccessReviewSpec } from '../../api/generated/authorization-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { EndpointError, RemoteEndpoint } from '../configuration/remote-endpoint.ts';
import type { WebhookAuthorizerConfiguration } from './authorization-configuration.ts';
import type { AuthorizationAttributes, Authorizer, Decision } from './authorizer.ts';

const NO_OPINION: Decision = { allowed: false, reason: '' };
/** How many answers are remembered. */
const REMEMBERED = 8192;
/** A webhook that cannot be reached is asked so many times, with so long a pause before the second. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 50;

interface Remembered {
  readonly decision: Decision;
  /** Milliseconds of the clock. */
  readonly until: number;
}

export interface WebhookAuthorizerServices {
  readonly clock: Clock;
  readonly log: Log;
}

/** Asks a server outside what a user may do, by a SubjectAccessReview. Upstream: apiserver plugin/pkg/authorizer/webhook. */
export class WebhookAuthorizer implements Authorizer, Disposable {
  readonly mayWait = true;
  readonly #configuration: WebhookAuthorizerConfiguration;
  readonly #services: WebhookAuthorizerServices;
  readonly #endpoint: RemoteEndpoint;
  readonly #conditions: readonly CelProgram[];
  readonly #remembered = new Map<string, Remembered>();

  private constructor(configuration: WebhookAuthorizerConfiguration, services: WebhookAuthorizerServices, conditions: readonly CelProgram[]) {
    this.#configuration = configuration;
    this.#services = services;
    this.#endpoint = new RemoteEndpoint(configuration.kubeConfigFile, { clock: services.clock, timeoutMs: configuration.timeoutMs });
    this.#conditions = conditions;
  }

  /** Throws UserError where the file that says where it is is of no use, CelError where a condition is none. */
  static async create(configuration: WebhookAuthorizerConfiguration, services: WebhookAuthorizerServices): Promise<WebhookAuthorizer> {
    if (configuration.matchConditions.length === 0) return new WebhookAuthorizer(configuration, services, []);
    const { celCompiler } = await import('../../api/cel/cel.ts');
    return new WebhookAuthorizer(configuration, services, configuration.matchConditions.map(celCompiler({ variables: ['request'] })));
  }

  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision> {
    const spec = specOf(attributes);
    try {
      if (!this.#concerns(spec)) return NO_OPINION;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      return this.#unasked(error);
    }
    const key = JSON.stringify(spec);
    const known = this.#remembered.get(key);
    if (known && known.until > this.#services.clock.monotonic()) return known.decision;
    return this.#ask(key, spec);
  }

  [Symbol.dispose](): void {
    this.#endpoint[Symbol.dispose]();
  }

  /** Whether all conditions hold. One that is false decides, whatever the others' faults; else a fault is thrown. */
  #concerns(spec: SubjectAccessReviewSpec): boolean {
    let fault: CelError | undefined;
    for (const condition of this.#conditions) {
      try {
        if (condition.evaluate({ request: spec }) !== true) return false;
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        fault = error;
      }
    }
    if (fault) throw fault;
    return true;
  }

  async #ask(key: string, spec: SubjectAccessReviewSpec): Promise<Decision> {
    const { version, authorizedMs, unauthorizedMs } = this.#configuration;
    const { group, groups, ...rest } = { ...spec, group: spec.groups };
    const body = JSON.stringify({ apiVersion: `authorization.k8s.io/${version}`, kind: 'SubjectAccessReview', metadata: {}, spec: { ...rest, ...(version === 'v1' ? { groups } : { group }) } });
    let decision: Decision;
    try {
      const { status } = JSON.parse(await this.#post(body)) as { readonly status?: { readonly allowed?: boolean; readonly denied?: boolean; readonly reason?: string } };
      const { allowed = false, denied = false, reason = '' } = status ?? {};
      if (allowed && denied) throw new EndpointError('webhook subject access review returned both allow and deny response', 200);
      decision = { allowed, ...(denied && { denied }), reason };
    } catch (error) {
      if (!(error instanceof EndpointError) && !(error instanceof SyntaxError)) throw error;
      return this.#unasked(error);
    }
    const rememberMs = decision.allowed ? authorizedMs : unauthorizedMs;
    if (this.#remembered.size >= REMEMBERED) this.#remembered.clear();
    if (rememberMs > 0 && key.length < 10_000) this.#remembered.set(key, { decision, until: this.#services.clock.monotonic() + rememberMs });
    return decision;
  }

  /** Again after a while where nobody answered, or could not. */
  async #post(body: string): Promise<string> {
    for (let attempt = 1, pauseMs = FIRST_PAUSE_MS; ; attempt++, pauseMs *= 1.5) {
      try {
        return await this.#endpoint.post(body);
      } catch (error) {
        if (!(error instanceof EndpointError) || (error.code !== 0 && error.code < 500 && error.code !== 429) || attempt === ATTEMPTS) throw error;
        await this.#services.clock.sleep(pauseMs);
      }
    }
  }

  #unasked(error: Error): Decision {
    const { name, deniesOnFailure } = this.#configuration;
    this.#services.log.warn('cannot ask an authorization webhook', { name, error });
    return deniesOnFailure ? { allowed: false, denied: true, reason: '' } : NO_OPINION;
  }
}

function specOf({ user, verb, resource, path }: AuthorizationAttributes): SubjectAccessReviewSpec {
  const { fieldSelector, ...named } = resource ?? {};
  const given = Object.fromEntries(Object.entries({ verb, ...named }).filter(([, value]) => value !== ''));
  return {
    user: user.name, groups: user.groups, ...(user.uid && { uid: user.uid }), ...(user.extra && { extra: user.extra }),
    ...(resource ? { resourceAttributes: { ...given, ...(fieldSelector && { fieldSelector: { requirements: requirementsOf(fieldSelector) } }) } } : { nonResourceAttributes: { path: path ?? '', verb } }),
  } as SubjectAccessReviewSpec;
}

/** `a=b,c!=d`, which has been checked before, as a review has it. */
function requirementsOf(fieldSelector: string): readonly object[] {
  return fieldSelector.split(',').flatMap((term) => {
    const [, key, operator, value = ''] = /^(.*?)(==?|!=)(.*)$/.exec(term) ?? [];
    return key === undefined ? [] : [{ key, operator: operator === '!=' ? 'NotIn' : 'In', values: [value] }];
  });
}
