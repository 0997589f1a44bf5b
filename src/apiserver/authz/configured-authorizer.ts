import type { AuthorizationConfiguration } from './authorization-configuration.ts';
import { mastersAuthorizer, unionAuthorizer, type AuthorizationAttributes, type Authorizer, type Decision, type ReadyAuthorizer } from './authorizer.ts';
import type { WebhookAuthorizer, WebhookAuthorizerServices } from './webhook-authorizer.ts';

const fixed: Readonly<Record<'AlwaysAllow' | 'AlwaysDeny', ReadyAuthorizer>> = {
  AlwaysAllow: { authorize: () => ({ allowed: true, reason: '' }) },
  AlwaysDeny: { authorize: () => ({ allowed: false, reason: 'Everything is forbidden.' }) },
};

/**
 * Asks the authorizers that the operator names, in their order; Node and RBAC where he names none. `system:masters` may do anything in any case.
 * What he names can be changed while requests are decided. Upstream: pkg/kubeapiserver/authorizer.
 */
export class ConfiguredAuthorizer implements Authorizer, Disposable {
  readonly #ownAuthorizers: Readonly<Record<'Node' | 'RBAC', ReadyAuthorizer>>;
  readonly #services: WebhookAuthorizerServices;
  #current: Authorizer = mastersAuthorizer;
  #webhooks = new DisposableStack();

  constructor(ownAuthorizers: Readonly<Record<'Node' | 'RBAC', ReadyAuthorizer>>, services: WebhookAuthorizerServices) {
    this.#ownAuthorizers = ownAuthorizers;
    this.#services = services;
  }

  get mayWait(): boolean {
    return this.#current.mayWait === true;
  }

  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision> {
    return this.#current.authorize(attributes);
  }

  /** All stays as it was where it rejects: with UserError or CelError for what is of no use. */
  async configure(configuration: AuthorizationConfiguration = [{ type: 'Node' }, { type: 'RBAC' }]): Promise<void> {
    using made = new DisposableStack();
    const authorizers: Authorizer[] = [mastersAuthorizer];
    for (const one of configuration) {
      if (one.type === 'Webhook') {
        const { WebhookAuthorizer: Webhook } = await import('./webhook-authorizer.ts');
        authorizers.push(made.use<WebhookAuthorizer>(await Webhook.create(one, this.#services)));
      } else authorizers.push(one.type === 'Node' || one.type === 'RBAC' ? this.#ownAuthorizers[one.type] : fixed[one.type]);
    }
    this.#current = unionAuthorizer(authorizers);
    this.#webhooks.dispose();
    this.#webhooks = made.move();
  }

  [Symbol.dispose](): void {
    this.#webhooks.dispose();
  }
}
