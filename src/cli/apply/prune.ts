import { isReason } from '../../api/errors.ts';
import type { KubeObject, ObjectList } from '../../api/object.ts';
import { LAST_APPLIED } from './last-applied.ts';
import { dryRunOf, printResult } from '../mutation/mutation.ts';
import { pathOf, type DiscoveredResource } from '../command/resource-mapper.ts';
import type { Target } from '../targets/targets.ts';
import { untilGone } from '../watch/until-gone.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** Which kinds are pruned unless the flag names others, `group/version/kind`. */
const ALLOWED = [
  'core/v1/ConfigMap', 'core/v1/Endpoints', 'core/v1/PersistentVolumeClaim', 'core/v1/Pod', 'core/v1/ReplicationController', 'core/v1/Secret', 'core/v1/Service', 'batch/v1/Job', 'batch/v1/CronJob',
  'networking.k8s.io/v1/Ingress', 'apps/v1/DaemonSet', 'apps/v1/Deployment', 'apps/v1/ReplicaSet', 'apps/v1/StatefulSet', 'core/v1/Namespace', 'core/v1/PersistentVolume',
];

export function checkPrune({ flags }: Call): void {
  if (flags.bool('force')) throw new KubectlError('--force cannot be used with --prune');
  if (flags.bool('all') && flags.string('selector')) throw new KubectlError('cannot set --all and --selector at the same time');
  if (!flags.bool('all') && !flags.string('selector')) throw new KubectlError('all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector');
  if (flags.bool('server-side')) throw new KubectlError("--prune is in alpha and doesn't currently work on objects created by server-side apply");
}

/** The kinds that pruning looks at. Throws KubectlError for one that is not served. */
export async function prunedKinds({ session, flags }: Call): Promise<DiscoveredResource[]> {
  const mapper = await session.discovered();
  const chosen = flags.strings('prune-allowlist').length > 0 ? flags.strings('prune-allowlist') : ALLOWED;
  return chosen.map((text) => {
    const [group, version, kind, more] = text.split('/');
    if (!group || !version || !kind || more !== undefined) throw new KubectlError(`invalid GroupVersionKind format: ${text}, please follow <group/version/kind>`);
    const found = mapper.resources.find((r) => r.group === (group === 'core' ? '' : group) && r.version === version && r.kind === kind);
    if (!found) throw new KubectlError(`no matches for kind "${kind}" in version "${group === 'core' ? '' : `${group}/`}${version}"`);
    return found;
  });
}

interface Prunable {
  readonly resource: DiscoveredResource;
  readonly namespace: string | undefined;
  readonly object: KubeObject;
}

/** What earlier applies made and `applied` no longer names, in the namespaces of the manifests. Upstream: kubectl pkg/cmd/apply/prune.go. */
export async function prunable(call: Call, applied: readonly Target[]): Promise<Prunable[]> {
  const { session, flags } = call;
  const kinds = await prunedKinds(call);
  const namespaces = new Set(applied.flatMap(({ namespace }) => (namespace === undefined ? [] : [namespace])));
  const key = (resource: DiscoveredResource, namespace: string | undefined, name: string): string => `${resource.group}/${resource.resource}/${namespace ?? ''}/${name}`;
  const kept = new Set(applied.map(({ resource, namespace, name }) => key(resource, namespace, name ?? '')));
  const found: Prunable[] = [];
  for (const resource of kinds) {
    for (const namespace of resource.namespaced ? namespaces : [undefined]) {
      const { items } = await session.json<ObjectList<KubeObject>>(pathOf(resource, { namespace }), { query: { labelSelector: flags.string('selector') } });
      for (const object of items) {
        if (object.metadata.annotations?.[LAST_APPLIED] === undefined || object.metadata.deletionTimestamp || kept.has(key(resource, namespace, object.metadata.name))) continue;
        found.push({ resource, namespace, object });
      }
    }
  }
  return found;
}

/** Deletes what is prunable, and says so. */
export async function prune(call: Call, applied: readonly Target[]): Promise<void> {
  for (const { resource, namespace, object } of await prunable(call, applied)) await deletePruned(call, resource, namespace, object);
}

export async function deletePruned(call: Call, resource: DiscoveredResource, namespace: string | undefined, object: KubeObject): Promise<void> {
  const { session, flags } = call;
  const policies: Readonly<Record<string, string>> = { background: 'Background', orphan: 'Orphan', foreground: 'Foreground' };
  const grace = flags.int('grace-period');
  const { name, uid } = object.metadata;
  if (dryRunOf(flags) === 'none') {
    try {
      await session.call('DELETE', pathOf(resource, { namespace, name }), { body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: policies[flags.string('cascade')], ...(grace >= 0 && { gracePeriodSeconds: grace }) } });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error; // somebody else was faster
    }
    if (flags.bool('wait')) await untilGone(call, { resource, namespace, name }, uid, flags.duration('timeout'));
  }
  printResult(call, resource, object, 'pruned');
}
