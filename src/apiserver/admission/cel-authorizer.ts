import type { Environment } from '@marcbachmann/cel-js';
import type { User } from '../../api/kind.ts';
import { serviceAccountUser } from '../authn/service-account-tokens.ts';
import type { AuthorizationAttributes, Authorizer, Decision, ReadyAuthorizer } from '../authz/authorizer.ts';

/** `authorizer` in expressions: asks on behalf of the user who makes the request. Upstream: apiserver pkg/cel/library/authz.go. */
export class CelAuthorizer {
  readonly authorizer: ReadyAuthorizer;
  readonly user: User;
  constructor(authorizer: ReadyAuthorizer, user: User) {
    this.authorizer = authorizer;
    this.user = user;
  }
}

interface Checked {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector?: string;
}

class GroupCheck {
  readonly by: CelAuthorizer;
  readonly group: string;
  constructor(by: CelAuthorizer, group: string) {
    this.by = by;
    this.group = group;
  }
}

/** `authorizer.requestResource` is one that is filled from the request. */
export class ResourceCheck {
  readonly by: CelAuthorizer;
  readonly checked: Checked;
  constructor(by: CelAuthorizer, checked: Checked) {
    this.by = by;
    this.checked = checked;
  }

  with(part: Partial<Checked>): ResourceCheck {
    return new ResourceCheck(this.by, { ...this.checked, ...part });
  }
}

class PathCheck {
  readonly by: CelAuthorizer;
  readonly path: string;
  constructor(by: CelAuthorizer, path: string) {
    this.by = by;
    this.path = path;
  }
}

class CelDecision {
  readonly decision: Decision;
  constructor(decision: Decision) {
    this.decision = decision;
  }
}

export function registerAuthorizer(env: Environment): void {
  env.registerType('Authorizer', CelAuthorizer);
  env.registerType('GroupCheck', GroupCheck);
  env.registerType('ResourceCheck', ResourceCheck);
  env.registerType('PathCheck', PathCheck);
  env.registerType('Decision', CelDecision);
  env.registerFunction('Authorizer.path(string): PathCheck', (a: CelAuthorizer, path: string) => new PathCheck(a, path));
  env.registerFunction('Authorizer.group(string): GroupCheck', (a: CelAuthorizer, group: string) => new GroupCheck(a, group));
  env.registerFunction('Authorizer.serviceAccount(string, string): Authorizer', (a: CelAuthorizer, namespace: string, name: string) => new CelAuthorizer(a.authorizer, serviceAccountUser(namespace, name)));
  env.registerFunction('GroupCheck.resource(string): ResourceCheck', (g: GroupCheck, resource: string) => new ResourceCheck(g.by, { group: g.group, resource, subresource: '', namespace: '', name: '' }));
  env.registerFunction('ResourceCheck.subresource(string): ResourceCheck', (r: ResourceCheck, subresource: string) => r.with({ subresource }));
  env.registerFunction('ResourceCheck.namespace(string): ResourceCheck', (r: ResourceCheck, namespace: string) => r.with({ namespace }));
  env.registerFunction('ResourceCheck.name(string): ResourceCheck', (r: ResourceCheck, name: string) => r.with({ name }));
  env.registerFunction('ResourceCheck.fieldSelector(string): ResourceCheck', (r: ResourceCheck, fieldSelector: string) => r.with({ fieldSelector }));
  env.registerFunction('ResourceCheck.labelSelector(string): ResourceCheck', (r: ResourceCheck) => r);
  env.registerFunction('ResourceCheck.check(string): Decision', ({ by, checked }: ResourceCheck, verb: string) => new CelDecision(by.authorizer.authorize({ user: by.user, verb, resource: { version: '*', ...checked } })));
  env.registerFunction('PathCheck.check(string): Decision', ({ by, path }: PathCheck, verb: string) => new CelDecision(by.authorizer.authorize({ user: by.user, verb, path })));
  env.registerFunction('Decision.allowed(): bool', ({ decision }: CelDecision) => decision.allowed);
  env.registerFunction('Decision.reason(): string', ({ decision }: CelDecision) => decision.reason);
  env.registerFunction('Decision.errored(): bool', () => false);
  env.registerFunction('Decision.error(): string', () => '');
}

/** Upstream: apiserver pkg/cel/library/jsonpatch.go. */
export function registerPatchFunctions(env: Environment): void {
  env.registerFunction('jsonpatchEscapeKey(string): string', (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/**
 * Answers expressions at once, which cannot wait: what somebody outside has to be asked about is learned first, by evaluating the expressions for
 * nothing else, as often as they come up with something new.
 */
export class LearnedDecisions implements ReadyAuthorizer {
  readonly #authorizer: Authorizer;
  readonly #known = new Map<string, Decision>();
  readonly #asked = new Map<string, Promise<Decision>>();

  constructor(authorizer: Authorizer) {
    this.#authorizer = authorizer;
  }

  authorize(attributes: AuthorizationAttributes): Decision {
    const key = JSON.stringify(attributes);
    const known = this.#known.get(key);
    if (known) return known;
    const answer = this.#authorizer.authorize(attributes);
    if (!(answer instanceof Promise)) return answer;
    this.#asked.set(key, answer);
    return { allowed: false, reason: '' };
  }

  /** `evaluate` must do nothing but evaluate, and may do it several times, or never. Afterwards all decisions are known that it asks for. */
  async learn(evaluate: () => void): Promise<void> {
    if (!this.#authorizer.mayWait) return;
    for (;;) {
      evaluate();
      const asked = [...this.#asked];
      if (asked.length === 0) return;
      this.#asked.clear();
      for (const [key, decision] of asked) this.#known.set(key, await decision);
    }
  }
}
