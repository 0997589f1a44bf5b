import { isReason } from '../../api/errors.ts';
import { apiServices, configMaps, namespaces, priorityClasses } from '../../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { authenticationConfig } from '../aggregator/front-proxy.ts';
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

export function storeOf(registry: ApiRegistry, resource: ResourceType<KubeObject>): Store {
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
      await store.get(context, { name, ...(namespace && { namespace }) });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
      await store.create(context, namespace ?? '', object as unknown as KubeObject);
    }
  }));
}

export function defaultNamespaces(): readonly DefaultObject[] {
  return systemNamespaces.map((name) => [namespaces, { metadata: { name } }]);
}

/** Where other API servers find out whom to trust. */
export function authenticationConfigMap(authorityCertificate: string): DefaultObject {
  return [configMaps, { metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' }, data: authenticationConfig(authorityCertificate) }];
}

/** Upstream: pkg/apis/scheduling.SystemPriorityClasses. */
export function systemPriorityClasses(): readonly DefaultObject[] {
  const of = (name: string, value: number, description: string): DefaultObject => [priorityClasses, { metadata: { name }, value, description, preemptionPolicy: 'PreemptLowerPriority' }];
  return [
    of('system-cluster-critical', 2_000_000_000, 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.'),
    of('system-node-critical', 2_000_001_000, 'Used for system critical pods that must not be moved from their current node.'),
  ];
}

/** Where the groups stand among each other in discovery. Upstream: kube-aggregator's priorities, pkg/controlplane/apiserver/aggregator.go. */
const GROUP_PRIORITIES: Readonly<Record<string, number>> = {
  '': 18_000, apps: 17_800, 'events.k8s.io': 17_750, 'authentication.k8s.io': 17_700, 'authorization.k8s.io': 17_600, autoscaling: 17_500, batch: 17_400, 'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200, policy: 17_100, 'rbac.authorization.k8s.io': 17_000, 'storage.k8s.io': 16_800, 'apiextensions.k8s.io': 16_700, 'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600, 'coordination.k8s.io': 16_500, 'node.k8s.io': 16_300, 'discovery.k8s.io': 16_200, 'resource.k8s.io': 16_200, 'flowcontrol.apiserver.k8s.io': 16_100, 'metrics.k8s.io': 100,
};

/** Versions that do not have the priority of the rest, 15. */
const VERSION_PRIORITIES: Readonly<Record<string, number>> = { '/v1': 1, 'autoscaling/v2': 30, 'flowcontrol.apiserver.k8s.io/v1': 21, 'resource.k8s.io/v1': 21 };

const prioritiesOf = (group: string, version: string) => ({ groupPriorityMinimum: GROUP_PRIORITIES[group] ?? 17_000, versionPriority: VERSION_PRIORITIES[`${group}/${version}`] ?? 15 });

/** One APIService for each group version that the server serves itself, as `kubectl get apiservices` shows. Upstream: kube-aggregator's autoregister controller. */
export async function ensureApiServices(registry: ApiRegistry, context: RequestContext, nowText: string): Promise<void> {
  const versions = new Map([...registry.all()].filter(({ served }) => !served.custom).map(({ served: { resource: { group, version } } }) => [`${version}.${group}`, { group, version }]));
  await Promise.all([...versions].map(async ([name, { group, version }]) => {
    await ensureObjects(registry, context, [[apiServices, {
      metadata: { name, labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
      spec: { ...(group && { group }), version, ...prioritiesOf(group, version) },
    }]]);
    const status = { conditions: [{ type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available', lastTransitionTime: nowText }] };
    await storeOf(registry, apiServices).update(context, { name }, (current) => ('status' in current! ? current : { ...current!, status } as KubeObject), { subresource: 'status' });
  }));
}
