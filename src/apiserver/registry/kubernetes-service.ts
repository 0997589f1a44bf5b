import { endpoints, endpointSlices, services } from '../../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import type { RequestContext } from '../request.ts';
import type { ApiRegistry } from './api-registry.ts';
import { ensureObjects, storeOf, type DefaultObject } from './default-objects.ts';

export interface ServerAddress {
  /** `10.96.0.0/16`. */
  readonly serviceCidr: string;
  /** Where pods reach the server. */
  readonly advertise?: { readonly address: string; readonly port: number };
}

/** The first address of the service range, that the `kubernetes` service has. */
export function kubernetesServiceAddress(serviceCidr: string): string {
  const [base = '', bits = '32'] = serviceCidr.split('/');
  const number = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const first = number - (number % 2 ** (32 - Number(bits))) + 1;
  return [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.');
}

/** The `kubernetes` service and its endpoints. Upstream: pkg/controlplane/{controller/kubernetesservice,reconcilers}. */
export async function ensureKubernetesService(registry: ApiRegistry, context: RequestContext, { serviceCidr, advertise }: ServerAddress): Promise<void> {
  const metadata = { name: 'kubernetes', namespace: 'default' };
  await ensureObjects(registry, context, [[services, {
    metadata: { ...metadata, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP', clusterIP: kubernetesServiceAddress(serviceCidr), ipFamilyPolicy: 'SingleStack', sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: advertise?.port ?? 6443 }],
    },
  }]]);
  if (!advertise) return;
  const { address, port } = advertise;
  await ensureContent(registry, context, [endpoints, {
    metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: address }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  }]);
  await ensureContent(registry, context, [endpointSlices, {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4', endpoints: [{ addresses: [address], conditions: { ready: true } }], ports: [{ name: 'https', port, protocol: 'TCP' }],
  }]);
}

/** Creates the object, or brings the stored one to it where it differs in what is said of it. */
async function ensureContent(registry: ApiRegistry, context: RequestContext, [resource, object]: DefaultObject): Promise<void> {
  const { metadata, ...content } = object;
  const key = { name: metadata.name, ...(metadata.namespace && { namespace: metadata.namespace }) };
  await ensureObjects(registry, context, [[resource, object]]);
  await storeOf(registry, resource).update(context, key, (current) => ({ ...current!, ...content }));
}

/** After a deletion the address is free only when its own object is gone too. */
const RETRY_MS = 100;
const ATTEMPTS = 50;

export interface KeeperOptions {
  readonly registry: ApiRegistry;
  readonly context: RequestContext;
  readonly objects: StoredObjects;
  readonly address: ServerAddress;
  readonly clock: Clock;
  readonly log: Log;
}

/** Makes the service and its endpoints again when somebody deletes them. */
export function keepKubernetesService({ registry, context, objects, address, clock, log }: KeeperOptions): Disposable {
  const remake = async (): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        await clock.sleep(RETRY_MS, context.signal);
        return await ensureKubernetesService(registry, context, address);
      } catch (error) {
        if (context.signal.aborted) return;
        if (attempt < ATTEMPTS) continue;
        log.error('the kubernetes service is gone and could not be made again', { error });
        return;
      }
    }
  };
  const stack = new DisposableStack();
  for (const resource of [services, endpoints, endpointSlices] as readonly ResourceType<KubeObject>[]) {
    stack.use(objects.follow(resource, {
      put: () => {},
      delete: ({ metadata: { namespace, name } }) => {
        if (namespace === 'default' && name === 'kubernetes' && !context.signal.aborted) void remake();
      },
    }));
  }
  return stack;
}
