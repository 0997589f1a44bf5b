import type { ReplicaSet, ReplicaSetStatus } from '../../api/generated/apps-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { pods as podResource, replicaSets } from '../../api/generated/resources.ts';
import { keyOf, type KubeObject, type ResourceType } from '../../api/object.ts';
import { selectorOf } from '../../api/selector.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { Expectations } from '../expectations.ts';
import { claim, controllerOf, indexByController, isControlledBy, orphansIn, ownedBy } from '../ownership.ts';
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
  readonly resource: ResourceType<T>;
  /** The object in the form of a replica set. */
  view(object: T): ReplicaSet;
  withStatus(object: T, status: ReplicaSetStatus): T;
}

/**
 * Keeps the number of pods that a selector picks at the number wanted. Upstream: pkg/controller/replicaset.
 *
 * A controller is written like this one:
 * 1. ask for informers of all kinds it looks at, with the indexes it needs;
 * 2. `startLoop` with a `reconcile` for one key; it reads the caches only, decides by pure functions (each in a file of
 *    its own with a table test), then writes; run twice, it does nothing the second time;
 * 3. `follow` each informer: which keys does an object of it concern?
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

    const status = replicaStatus(set, active, terminating, failure, clock.now());
    if (!sameStatus(set.status, status)) await client.updateStatus(kind.resource, kind.withStatus(object, status));
    if (failure) throw failure;
    const wait = settled ? nextAvailability(active, set.spec.minReadySeconds ?? 0, clock.now()) : Expectations.timeoutMs;
    if (wait !== undefined) return { requeueAfterMs: wait };
  }

  /** Resolves to what went wrong, which belongs into the status before it is thrown. */
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

  /** A pod concerns its controller; one without concerns every set that would adopt it. */
  function* setsOf(pod: Pod): Iterable<string> {
    const { namespace } = pod.metadata;
    const controller = controllerOf(pod);
    if (controller) {
      const set = controller.kind === kind.resource.kind ? sets.get(keyOf({ metadata: { namespace, name: controller.name } })) : undefined;
      if (set && isControlledBy(pod, set)) yield keyOf(set);
      return;
    }
    for (const set of sets.list(namespace)) if (selectorOf(kind.view(set).spec.selector).matches(pod.metadata.labels)) yield keyOf(set);
  }

  const loop = startLoop(context, { name: kind.name, needs: [sets, pods], workers: 5, reconcile });
  loop.own(expectations);
  loop.follow(sets, itself);
  loop.follow(pods, setsOf, { gatherMs: 10 });
  return loop;
}

export const replicaSetController: Controller = {
  name: 'replicaset-controller',
  start: (context) => startReplicaKind(context, {
    name: 'replicaset-controller', resource: replicaSets, view: (set) => set, withStatus: (set, status) => ({ ...set, status }),
  }),
};
