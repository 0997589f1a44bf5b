import type { Service } from '../api/generated/core-v1.ts';
import { services } from '../api/generated/resources.ts';
import { keyOf } from '../api/object.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { systemRandom, type Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createEventRecorder } from '../client/event-recorder.ts';
import type { InformerFactory } from '../client/informer.ts';
import { startReconciler } from '../client/start-reconciler.ts';
import { BALANCER_CLASS } from './balancer.ts';

export interface PendingExplainerOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random?: Random;
  readonly log: Log;
  /** Put into the commands where it is not the default. */
  readonly profile?: string;
}

/** A tunnel that runs gives the address within this time, and nothing needs explaining. */
const PATIENCE_MS = 2_000;
/** Events are kept for an hour; who waits longer is told again before the last one goes. */
const AGAIN_MS = 50 * 60_000;

/** Tells, by an event, why a service's EXTERNAL-IP stays `<pending>`, and which command gives it one. For clusters without the load-balancer add-on. */
export function startPendingExplainer(options: PendingExplainerOptions): AsyncDisposable {
  const { client, informers, clock, random = systemRandom, log, profile } = options;
  const stack = new AsyncDisposableStack();
  const recorder = stack.use(createEventRecorder({ client, clock, random, log, component: 'wherry-load-balancer' }));
  const informer = informers.informer(services);
  const reconciler = stack.use(startReconciler({
    name: 'pending-explainer', clock, log,
    async reconcile(key) {
      const service = informer.get(key);
      if (!service || !isPending(service)) return;
      recorder.event(service, 'Normal', 'WaitingForLoadBalancer', explainPending(service, profile));
      return { requeueAfterMs: AGAIN_MS };
    },
  }));
  stack.use(informer.subscribe({
    add(service) {
      if (isPending(service)) reconciler.enqueueAfter(keyOf(service), PATIENCE_MS);
    },
    update(previous, service) {
      if (isPending(service) && !isPending(previous)) reconciler.enqueueAfter(keyOf(service), PATIENCE_MS);
    },
  }));
  return stack;
}

function isPending({ spec, status, metadata }: Service): boolean {
  return spec?.type === 'LoadBalancer' && !metadata.deletionTimestamp && (status?.loadBalancer?.ingress?.length ?? 0) === 0;
}

export function explainPending({ spec }: Service, profile?: string): string {
  const foreign = spec?.loadBalancerClass;
  if (foreign !== undefined && foreign !== BALANCER_CLASS) {
    return `EXTERNAL-IP is <pending> until a controller of loadBalancerClass "${foreign}" gives this service an address; wherry gives none to services of other classes`;
  }
  const suffix = profile && profile !== 'wherry' ? ` --profile ${profile}` : '';
  const nodePort = spec?.ports?.find(({ nodePort: port }) => port)?.nodePort;
  return 'EXTERNAL-IP is <pending> because an external address is the infrastructure\'s to give, and no load balancer runs here. '
    + `"wherry tunnel${suffix}" gives one while it runs; "wherry addons enable load-balancer${suffix}" gives one that stays.`
    + `${nodePort ? ` Until then the service answers on port ${nodePort} of every node.` : ''}`;
}
