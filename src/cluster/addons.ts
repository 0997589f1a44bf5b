import { startBalancer, startPendingExplainer } from '../balancer/index.ts';
import type { Client } from '../client/client.ts';
import type { InformerFactory } from '../client/informer.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { nodeAddress, type AddressPlan } from '../machine/index.ts';
import { startIngressController } from '../ingress/index.ts';
import { hostRoutes, noRoutes } from './host-routes.ts';
import { isOnMachine } from './join/annotations.ts';
import { haproxyOnNode, noIngressProxy, requireHaproxy } from './ingress-proxy.ts';
import type { ClusterConfig, Profile } from './profile.ts';

export interface AddonContext {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly plan: AddressPlan;
  readonly profile: Profile;
  readonly config: ClusterConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Disposing leaves what the add-on gave; `withdraw` takes it back first. */
export interface RunningAddon extends AsyncDisposable {
  withdraw?(): Promise<void>;
}

interface Addon {
  readonly summary: string;
  /** Throws a UserError where the machine lacks something. */
  check?(config: ClusterConfig): void;
  start(context: AddonContext): Promise<RunningAddon>;
  /** What runs while the add-on is off. */
  startWithout?(context: AddonContext): AsyncDisposable;
}

/** Every add-on, one line each. */
export const addons: Readonly<Record<string, Addon>> = {
  'load-balancer': {
    summary: 'gives services of type LoadBalancer an address of a pool, reachable from this machine',
    start: ({ config, plan, ...context }) => startBalancer({ ...context, pool: plan.loadBalancerPool, isNear: (node) => isOnMachine(node, config.listenAddress), routes: config.runtime === 'simulated' ? noRoutes() : hostRoutes(plan) }),
    startWithout: ({ config, ...context }) => startPendingExplainer({ ...context, profile: config.profile }),
  },
  ingress: {
    summary: 'serves Ingress objects on ports 80 and 443 of the first node, and the Gateway API at addresses of the load balancer, by HAProxy',
    check: ({ runtime }) => { if (runtime !== 'simulated') requireHaproxy(); },
    start: ({ config, plan, profile, ...context }) => startIngressController({
      ...context, proxy: config.runtime === 'simulated' ? noIngressProxy({ address: nodeAddress(plan, 1), nodeName: config.profile }) : haproxyOnNode(profile, context),
    }),
  },
};

/** Runs the add-ons that are enabled, and what stands for those that are not; `apply` changes from one to the other. */
export class Addons implements AsyncDisposable {
  readonly #context: Omit<AddonContext, 'config'>;
  readonly #running = new Map<string, { readonly enabled: boolean; readonly part: RunningAddon | undefined }>();
  /** Changes come one after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(context: Omit<AddonContext, 'config'>) {
    this.#context = context;
  }

  apply(config: ClusterConfig): Promise<void> {
    this.#last = this.#last.then(() => this.#change(config));
    return this.#last;
  }

  async #change(config: ClusterConfig): Promise<void> {
    const context = { ...this.#context, config };
    for (const [name, addon] of Object.entries(addons)) {
      const enabled = config.addons.includes(name);
      const present = this.#running.get(name);
      if (present?.enabled === enabled) continue;
      // Switched off by a person, it takes back what it gave; when the server ends, all stays for the next start.
      await present?.part?.withdraw?.();
      await present?.part?.[Symbol.asyncDispose]();
      this.#running.set(name, { enabled, part: enabled ? await addon.start(context) : addon.startWithout?.(context) });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    for (const { part } of this.#running.values()) await part?.[Symbol.asyncDispose]();
  }
}
