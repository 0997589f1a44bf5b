import { isReason } from '../../api/errors.ts';
import type { ServiceCIDR } from '../../api/generated/networking-v1.ts';
import { serviceCIDRs } from '../../api/generated/resources.ts';
import { rfc3339, type Clock } from '../../base/clock.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import type { Registry } from '../registry/store.ts';
import type { RequestContext } from '../request.ts';

const NAME = 'kubernetes';

/** The range of the cluster's services as an object, for all to see. Upstream: pkg/controlplane/controller/defaultservicecidr. */
export async function ensureDefaultServiceCidr(options: { registry: Registry; objects: StoredObjects; context: RequestContext; clock: Clock; serviceCidrs: readonly string[] }): Promise<void> {
  const { registry, objects, context, clock, serviceCidrs } = options;
  const store = registry.store('networking.k8s.io', 'v1', 'servicecidrs');
  if (!store || objects.get(serviceCIDRs, { name: NAME })) return;
  const object = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: NAME }, spec: { cidrs: serviceCidrs } } as unknown as ServiceCIDR;
  try {
    await store.create(context, '', object);
  } catch (error) {
    // Another server came first.
    if (!isReason(error, 'AlreadyExists')) throw error;
  }
  const ready = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes default Service CIDR is ready', lastTransitionTime: rfc3339(clock.now()) };
  await store.update(context, { name: NAME }, (current) => ({ ...current!, status: { conditions: [ready] } }) as never, { subresource: 'status' });
}
