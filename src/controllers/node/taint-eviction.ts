import { nodes as nodeResource, pods as podResource } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf } from '../../api/object.ts';
import { isPodTerminal } from '../../api/pod/conditions.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { withDisruption } from './disruption-target.ts';
import { indexByNode, podsOnNode } from './node-lifecycle.ts';
import { evictionTime } from './taints.ts';

const DELAYS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 30, 60, 120, 180, 240];

/** Deletes pods from nodes whose taints they do not bear (any longer). Upstream: pkg/controller/tainteviction. */
export const taintEvictionController: Controller = {
  name: 'taint-eviction-controller',
  start(context) {
    const { client, clock, informers, recorder } = context;
    const nodes = informers.informer(nodeResource);
    const pods = informers.informer(podResource);
    indexByNode(pods);
    /** Pods that are to go, and since when. */
    const marked = new Map<string, number>();
    const deletions = context.metrics.counter('taint_eviction_controller_pod_deletions_total', 'Number of pods that were deleted because of taints.').of();
    const delays = context.metrics.histogram('taint_eviction_controller_pod_deletion_duration_seconds', 'Time from when a pod was to go until it was deleted, in seconds.', DELAYS).of();

    async function reconcile(key: string): Promise<ReconcileResult> {
      const pod = pods.get(key);
      const node = pod?.spec.nodeName ? nodes.get(pod.spec.nodeName) : undefined;
      if (!pod || !node || pod.metadata.deletionTimestamp || isPodTerminal(pod)) return void marked.delete(key);
      const seenMs = marked.get(key) ?? clock.now();
      const due = evictionTime(pod, node.spec.taints ?? [], seenMs);
      if (due === undefined) {
        if (marked.delete(key)) recorder.event(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`);
        return;
      }
      marked.set(key, seenMs);
      if (due > clock.now()) return { requeueAfterMs: due - clock.now() };
      recorder.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`);
      const { namespace, name, uid } = pod.metadata;
      try {
        await client.updateStatus(podResource, withDisruption(pod, 'DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint', clock.now()));
        await client.delete(podResource, { namespace, name }, { preconditions: { uid } });
        deletions.add();
        delays.observe(Math.max(0, clock.now() - due) / 1000);
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }

    const loop = startLoop(context, { name: 'taint-eviction-controller', needs: [nodes, pods], workers: 8, reconcile });
    loop.follow(pods, itself);
    const revisit = (name: string): void => podsOnNode(pods, name).forEach((pod) => loop.enqueue(keyOf(pod)));
    loop.own(nodes.subscribe({
      add: (node) => revisit(node.metadata.name),
      update: (before, node) => void (semanticEqual(before.spec?.taints, node.spec?.taints) || revisit(node.metadata.name)),
    }));
    return loop;
  },
};
