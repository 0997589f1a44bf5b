import type { Pod } from '../../api/generated/core-v1.ts';
import { nodes as nodeResource, pods as podResource } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf } from '../../api/object.ts';
import { isPodTerminal } from '../../api/pod/conditions.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { readyStatus } from './node-health.ts';
import { withDisruption } from './disruption-target.ts';
import { indexByNode, podsOnNode } from './node-lifecycle.ts';

/** A node that is not in the cache may only be late. */
const QUARANTINE_MS = 40_000;
const DEFAULT_THRESHOLD = 12_500;
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

/** Why a pod is deleted: the values of upstream's metric. */
type Reason = 'orphaned' | 'out-of-service' | 'terminated' | 'unscheduled';

/**
 * Deletes pods that no kubelet will ever bring to an end: those of vanished nodes, those that were deleted before they had
 * a node, those of nodes marked out of service; and ended pods beyond a number. Upstream: pkg/controller/podgc.
 */
export const podGarbageController: Controller = {
  name: 'pod-garbage-collector-controller',
  start(context) {
    const { client, clock, informers, options } = context;
    const nodes = informers.informer(nodeResource);
    const pods = informers.informer(podResource);
    indexByNode(pods);
    pods.addIndex('terminal', (pod) => (isPodTerminal(pod) ? ['yes'] : []));
    const threshold = options.terminatedPodThreshold ?? DEFAULT_THRESHOLD;
    const missingSince = new Map<string, number>();
    const removals = context.metrics.counter('pod_gc_collector_force_delete_pods_total', 'Number of pods that were deleted without grace, by why.', ['namespace', 'reason']);
    const failures = context.metrics.counter('pod_gc_collector_force_delete_pod_errors_total', 'Number of such deletions that failed.', ['namespace', 'reason']);

    async function reconcile(key: string): Promise<ReconcileResult> {
      const pod = pods.get(key);
      if (!pod) return;
      const { nodeName } = pod.spec;
      if (!nodeName) {
        if (pod.metadata.deletionTimestamp) return await remove(pod, 'unscheduled');
      } else if (!nodes.get(nodeName)) {
        const since = missingSince.get(nodeName) ?? clock.now();
        missingSince.set(nodeName, since);
        const left = since + QUARANTINE_MS - clock.now();
        if (left > 0) return { requeueAfterMs: left };
        if (!(await nodeExists(nodeName))) return await remove(pod, 'orphaned');
        return { requeueAfterMs: QUARANTINE_MS };
      } else {
        missingSince.delete(nodeName);
        const node = nodes.get(nodeName)!;
        const outOfService = node.spec?.taints?.some((taint) => taint.key === OUT_OF_SERVICE);
        if (pod.metadata.deletionTimestamp && outOfService && readyStatus(node) !== 'True') return await remove(pod, 'out-of-service');
      }
      if (isPodTerminal(pod)) await removeOldest();
    }

    async function removeOldest(): Promise<void> {
      const ended = pods.byIndex('terminal', 'yes');
      const surplus = ended.length - threshold;
      if (threshold <= 0 || surplus <= 0) return;
      for (const pod of ended.toSorted(lessWorthFirst).slice(0, surplus)) await remove(pod, 'terminated');
    }

    async function nodeExists(name: string): Promise<boolean> {
      try {
        await client.get(nodeResource, { name });
        return true;
      } catch (error) {
        if (isReason(error, 'NotFound')) return false;
        throw error;
      }
    }

    /** Without grace: there is nobody to wait for. A pod that has not ended is said to have failed first, so that its owner counts it so. */
    async function remove(pod: Pod, reason: Reason): Promise<void> {
      const { namespace, name, uid } = pod.metadata;
      removals.of(namespace, reason).add();
      try {
        if (!isPodTerminal(pod)) {
          const told = reason === 'orphaned' ? withDisruption(pod, 'DeletionByPodGC', 'PodGC: node no longer exists', clock.now()) : pod;
          await client.updateStatus(podResource, { ...told, status: { ...told.status, phase: 'Failed' } });
        }
        await client.delete(podResource, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
      } catch (error) {
        if (isReason(error, 'NotFound')) return;
        failures.of(namespace, reason).add();
        throw error;
      }
    }

    const loop = startLoop(context, { name: 'pod-garbage-collector-controller', needs: [nodes, pods], workers: 2, reconcile });
    const doubtful = (pod: Pod): boolean => isPodTerminal(pod) || pod.metadata.deletionTimestamp !== undefined || (pod.spec.nodeName !== undefined && !nodes.get(pod.spec.nodeName));
    loop.follow(pods, (pod) => (doubtful(pod) ? itself(pod) : []));
    const revisit = (node: { readonly metadata: { readonly name: string } }): void => podsOnNode(pods, node.metadata.name).forEach((pod) => loop.enqueue(keyOf(pod)));
    loop.own(nodes.subscribe({
      add: (node) => void missingSince.delete(node.metadata.name),
      update: (before, node) => void (before.spec?.taints !== node.spec?.taints && revisit(node)),
      delete: revisit,
    }));
    return loop;
  },
};

const isEvicted = ({ status }: Pod): boolean => status?.phase === 'Failed' && status.reason === 'Evicted';

/** Evicted pods tell nobody anything, ended ones of jobs may; then the older before the younger. Upstream: byEvictionAndCreationTimestamp. */
export function lessWorthFirst(a: Pod, b: Pod): number {
  return Number(isEvicted(b)) - Number(isEvicted(a)) || Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) || (keyOf(a) < keyOf(b) ? -1 : 1);
}
