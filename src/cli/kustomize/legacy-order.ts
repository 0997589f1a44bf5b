import type { Kustomization } from './kustomization.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import type { ResourceList } from './resource-list.ts';
import type { ResourceId } from './resource.ts';

const FIRST = [
  'Namespace', 'ResourceQuota', 'StorageClass', 'CustomResourceDefinition', 'ServiceAccount', 'PodSecurityPolicy', 'Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'ConfigMap', 'Secret', 'Endpoints', 'Service',
  'LimitRange', 'PriorityClass', 'PersistentVolume', 'PersistentVolumeClaim', 'Deployment', 'StatefulSet', 'CronJob', 'PodDisruptionBudget',
];
const LAST = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

/** Sorts by what depends on what (`legacy`), or leaves the order of the files (`fifo`). Upstream: kustomize SortOrderTransformer. */
export function sortResources(list: ResourceList, options: Kustomization['sortOptions']): void {
  const order = options?.order ?? (options ? '' : 'legacy');
  if (order !== 'legacy' && order !== 'fifo') throw new KubectlError("the field 'sortOptions.order' must be one of [fifo, legacy]");
  if (order === 'fifo') return;
  const first = options?.legacySortOptions?.orderFirst ?? FIRST;
  const last = options?.legacySortOptions?.orderLast ?? LAST;
  const rank = (kind: string): number => (first.includes(kind) ? first.indexOf(kind) - first.length : last.includes(kind) ? last.indexOf(kind) + 1 : 0);
  const kindText = ({ group, version, kind }: ResourceId): string => `${group || '~G'}_${version || '~V'}_${kind || '~K'}`;
  const idText = (id: ResourceId): string => `${id.kind}.${id.version}.${id.group || '[noGrp]'}|${id.namespace || '~X'}|${id.name || '~N'}`;
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  list.sort((a, b) => rank(a.id.kind) - rank(b.id.kind) || compare(kindText(a.id), kindText(b.id)) || compare(idText(a.id), idText(b.id)));
}
