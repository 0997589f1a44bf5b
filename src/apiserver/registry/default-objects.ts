import { isReason } from '../../api/errors.ts';
import { apiServices, endpoints, endpointSlices, namespaces, priorityClasses, services } from '../../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import type { RequestContext } from '../request.ts';
import type { ApiRegistry } from './api-registry.ts';
import type { Store } from './store.ts';

/** A resource and an object of it that every cluster has. */
export type DefaultObject = readonly [
  ResourceType<KubeObject>,
  Readonly<Record<string, unknown>> & { readonly metadata: { readonly name: string; readonly namespace?: string } & Readonly<Record<string, unknown>> },
];

/** The namespaces that every cluster has. */
export const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

function storeOf(registry: ApiRegistry, resource: ResourceType<KubeObject>): Store {
  const store = registry.storeOf(resource);
  if (!store) throw new Error(`${resource.resource} is not served`);
  return store;
}

/** Creates what is missing, all at once: one group commit. */
export async function ensureObjects(registry: ApiRegistry, context: RequestContext, objects: readonly DefaultObject[]): Promise<void> {
  await Promise.all(objects.map(async ([resource, object]) => {
    const store = storeOf(registry, resource);
    const { name, namespace } = object.metadata;
    try {
      store.get(context, { name, ...(namespace && { namespace }) });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      await store.create(context, namespace ?? '', object as unknown as KubeObject);
    }
  }));
}

/** Creates the object, or brings the stored one to it where it differs in what is said of it. */
async function ensureContent(registry: ApiRegistry, context: RequestContext, [resource, object]: DefaultObject): Promise<void> {
  const { metadata, ...content } = object;
  const key = { name: metadata.name, ...(metadata.namespace && { namespace: metadata.namespace }) };
  await ensureObjects(registry, context, [[resource, object]]);
  await storeOf(registry, resource).update(context, key, (current) => ({ ...current!, ...content }));
}

export function defaultNamespaces(): readonly DefaultObject[] {
  return systemNamespaces.map((name) => [namespaces, { metadata: { name } }]);
}

/** Upstream: pkg/apis/scheduling.SystemPriorityClasses. */
export function systemPriorityClasses(): readonly DefaultObject[] {
  const of = (name: string, value: number, description: string): DefaultObject => [priorityClasses, { metadata: { name }, value, description, preemptionPolicy: 'PreemptLowerPriority' }];
  return [
    of('system-cluster-critical', 2_000_000_000, 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.'),
    of('system-node-critical', 2_000_001_000, 'Used for system critical pods that must not be moved from their current node.'),
  ];
}

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

/** One APIService for each group version that the server serves itself, as `kubectl get apiservices` shows. Upstream: kube-aggregator's autoregister controller. */
export async function ensureApiServices(registry: ApiRegistry, context: RequestContext, nowText: string): Promise<void> {
  const versions = new Map([...registry.all()].filter(({ served }) => !served.custom).map(({ served: { resource: { group, version } } }) => [`${version}.${group}`, { group, version }]));
  await Promise.all([...versions].map(async ([name, { group, version }]) => {
    await ensureObjects(registry, context, [[apiServices, {
      metadata: { name, labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
      spec: { ...(group && { group }), version, groupPriorityMinimum: group ? 17_000 : 18_000, versionPriority: 15 },
    }]]);
    const status = { conditions: [{ type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available', lastTransitionTime: nowText }] };
    await storeOf(registry, apiServices).update(context, { name }, (current) => ('status' in current! ? current : { ...current!, status } as KubeObject), { subresource: 'status' });
  }));
}
