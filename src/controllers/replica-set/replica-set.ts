import type { ReplicaSet, ReplicaSetStatus } from '../../api/generated/apps-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { pods as podResource, replicaSets } from '../../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { selectorOf } from '../../api/selector.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { Expectations } from '../expectations.ts';
import { claim, controllerOf, indexByController, keysOfOwners, orphansIn, ownedBy } from '../ownership.ts';
import { PodControl, isNamespaceTerminating, podFromTemplate } from '../pod-control.ts';
import { isPodActive } from '../../api/pod/conditions.ts';
import { isTerminating, nextAvailability } from '../pod-state.ts';
import { slowStart } from '../slow-start.ts';
import { podsToDelete } from './deletion-order.ts';
import { replicaStatus, sameStatus } from './replica-status.ts';

/** At most so many pods are made or deleted before the set is looked at again. */
const BURST = 500;

/** What replica sets and replication controllers differ in. */
export interface ReplicaKind<T extends KubeObject> {
  readonly name: string;
  readonly queue: string;
  readonly resource: ResourceType<T>;
  /** The object in the form of a replica set. */
  view(object: T): ReplicaSet;
  withStatus(object: T, status: ReplicaSetStatus): T;
}

/**
 * Keeps the number of pods that a selector picks at the number wanted. Upstream: pkg/controller/replicaset.
 *
 * A controller is written like this one:
 * 1. It asks for informers of all kinds that it looks at, with the indexes that it needs.
 * 2. `reconcile` brings the world of one key (`namespace/name`) nearer to what it should be: it reads the caches only, decides by pure functions (each in a
 *    file of its own, with a table test), then writes. Run twice, it does nothing the second time. What fails is thrown: the loop logs it and tries again,
 *    ever later. Who waits for mere time to pass answers when to be called again.
 * 3. `follow` says for each informer which keys an object of it concerns. Nothing else wakes a controller, and nothing polls.
 * 4. It gets a line in `controllers.ts`, and what it may do in `apiserver/authz/bootstrap-roles.ts`. What it promises is checked at every revision by a life of its
 *    own in `testing/lives`, where it is killed, refused and kept in the dark.
 *
 * Its caches lag behind its own writes. What that makes dangerous (a second pod for one that is not seen yet) waits for `expectations`; all else only has to be
 * right once the caches have caught up.
 */
export function startReplicaKind<T extends KubeObject>(context: ControllerContext, kind: ReplicaKind<T>): AsyncDisposable {
  const { client, clock, informers } = context;
  const sets = informers.informer(kind.resource);
  const pods = informers.informer(podResource);
  indexByController(sets);
  indexByController(pods);
  const expectations = new Expectations(pods, clock);
  const podControl = new PodControl(context);

  async function reconcile(key: string): Promise<ReconcileResult> {
    const object = sets.get(key);
    if (!object) return expectations.forget(key);
    const set = kind.view(object);
    const { namespace } = set.metadata;
    const selector = set.spec.selector;

    // Asked before the pods are looked at: what comes into the cache between the two would be missing from the pods, but not missed.
    const settled = expectations.settled(key);
    const candidates = [...ownedBy(pods, set), ...orphansIn(pods, namespace)];
    const active = await claim({ client, ownerResource: kind.resource, owner: object, selector, resource: podResource, candidates: candidates.filter(isPodActive) });
    const terminating = ownedBy(pods, set).filter((pod) => isTerminating(pod) && selectorOf(selector).matches(pod.metadata.labels));

    let failure: Error | undefined;
    if (settled && !set.metadata.deletionTimestamp) failure = await bringToNumber(key, set, active);

    const nowMs = clock.now();
    const status = replicaStatus(set, active, terminating, failure, nowMs);
    if (!sameStatus(set.status, status)) await client.updateStatus(kind.resource, kind.withStatus(object, status));
    if (failure) throw failure;
    const wait = settled ? nextAvailability(active, set.spec.minReadySeconds ?? 0, nowMs) : Expectations.timeoutMs;
    if (wait !== undefined) return { requeueAfterMs: wait };
  }

  /** Makes or deletes what is missing or too much. Resolves to what went wrong, which belongs into the status before it is thrown. */
  async function bringToNumber(key: string, set: ReplicaSet, active: readonly Pod[]): Promise<Error | undefined> {
    const missing = (set.spec.replicas ?? 1) - active.length;
    try {
      if (missing > 0) {
        const pod = podFromTemplate(set, set.spec.template);
        await slowStart(Math.min(missing, BURST), () => expectations.create(key, () => podControl.create(set, pod)));
      } else if (missing < 0) {
        const surplus = podsToDelete(active, relatedPods(set), Math.min(-missing, BURST), set.spec.minReadySeconds ?? 0, clock.now());
        const results = await Promise.allSettled(surplus.map((pod) => expectations.delete(key, pod, () => podControl.delete(set, pod))));
        for (const result of results) if (result.status === 'rejected') throw result.reason;
      }
    } catch (error) {
      return isNamespaceTerminating(error) ? undefined : (error as Error);
    }
  }

  /** The pods of all sets that the same deployment controls. */
  function relatedPods(set: ReplicaSet): readonly Pod[] {
    const controller = controllerOf(set);
    const siblings = controller ? sets.byIndex('controller', controller.uid) : [];
    return siblings.length > 0 ? siblings.flatMap((sibling) => ownedBy(pods, sibling)) : ownedBy(pods, set);
  }

  const loop = startLoop(context, { name: kind.name, queue: kind.queue, needs: [sets, pods], workers: 5, reconcile });
  loop.own(expectations);
  loop.follow(sets, itself);
  loop.follow(pods, keysOfOwners(sets, kind.resource.kind, (object) => kind.view(object).spec.selector), { gatherMs: 10 });
  return loop;
}

export const replicaSetController: Controller = {
  name: 'replicaset-controller',
  start: (context) => startReplicaKind(context, {
    name: 'replicaset-controller', queue: 'replicaset', resource: replicaSets, view: (set) => set, withStatus: (set, status) => ({ ...set, status }),
  }),
};
