import type { ControllerRevision, StatefulSet } from '../../api/generated/apps-v1.ts';
import type { PersistentVolumeClaim, Pod } from '../../api/generated/core-v1.ts';
import { controllerRevisions, persistentVolumeClaims, pods as podResource, statefulSets } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf, type New } from '../../api/object.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { Expectations } from '../expectations.ts';
import { claim, controllerOf, indexByController, keysOfOwners, orphansIn, ownedBy } from '../ownership.ts';
import { isNamespaceTerminating } from '../pod-control.ts';
import { nextAvailability } from '../pod-state.ts';
import { syncRevisions, templateOf, truncateHistory } from '../revision-history.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { claimOwners, isMindedByOthers, isOfFormerPod } from './claim-retention.ts';
import { claimsFor, ordinalOf, statefulPod, withIdentity } from './identity.ts';
import { revisionOf, statefulPlan, statefulStatus, type StatefulAction, type StatefulState } from './stateful-plan.ts';

const HASH = 'controller.kubernetes.io/hash';

/** Pods with names, volumes and an order that last. Upstream: pkg/controller/statefulset. */
export const statefulSetController: Controller = {
  name: 'statefulset-controller',
  start(context) {
    const { client, clock, informers, recorder } = context;
    const sets = informers.informer(statefulSets);
    const pods = informers.informer(podResource);
    const claims = informers.informer(persistentVolumeClaims);
    const revisions = informers.informer(controllerRevisions);
    indexByController(pods);
    indexByController(revisions);
    const expectations = new Expectations(pods, clock);

    async function reconcile(key: string): Promise<ReconcileResult> {
      const set = sets.get(key);
      if (!set) return expectations.forget(key);
      const { selector } = set.spec;
      // Asked before the pods are looked at: what comes into the cache between the two would be missing from the pods, but not missed.
      const settled = expectations.settled(key);
      const candidates = [...ownedBy(pods, set), ...orphansIn(pods, set.metadata.namespace)].filter((pod) => ordinalOf(set, pod) !== undefined);
      const owned = await claim({ client, ownerResource: statefulSets, owner: set, selector, resource: podResource, candidates });
      const history = await syncRevisions({ client, informer: revisions, resource: statefulSets, owner: set, hashLabel: HASH });
      if (!history) return void (await client.updateStatus(statefulSets, { ...set, status: { ...set.status!, collisionCount: (set.status?.collisionCount ?? 0) + 1 } }));

      const update = history.current;
      const current = history.old.find((revision) => revision.metadata.name === set.status?.currentRevision) ?? update;
      const state: StatefulState = { currentRevision: current.metadata.name, updateRevision: update.metadata.name, pods: owned, nowMs: clock.now() };
      let failure: unknown;
      if (!set.metadata.deletionTimestamp && settled) {
        try {
          for (const action of statefulPlan(set, state)) await carryOut(key, set, action, { current, update });
        } catch (error) {
          if (!isNamespaceTerminating(error)) failure = error;
        }
      }
      const status = statefulStatus(set, state);
      if (!semanticEqual(set.status, status)) await client.updateStatus(statefulSets, { ...set, status });
      const live = new Set([current.metadata.name, update.metadata.name, ...owned.map(revisionOf)]);
      await truncateHistory(client, history.old, set.spec.revisionHistoryLimit ?? 10, (revision) => live.has(revision.metadata.name));
      if (failure) throw failure;
      const wait = settled ? nextAvailability(owned, set.spec.minReadySeconds ?? 0, state.nowMs) : Expectations.timeoutMs;
      if (wait !== undefined) return { requeueAfterMs: wait };
    }

    async function carryOut(key: string, set: StatefulSet, action: StatefulAction, revision: { current: ControllerRevision; update: ControllerRevision }): Promise<void> {
      switch (action.type) {
        case 'create': {
          const chosen = revision[action.revision];
          const pod = statefulPod(set, templateOf(chosen), chosen.metadata.name, action.ordinal);
          await told(set, 'Create', pod.metadata.name!, async () => {
            await createClaims(set, pod.metadata.name!, true);
            const created = await expectations.create(key, () => createPod(pod));
            await retain(set, created);
          });
          break;
        }
        case 'delete': {
          const { namespace, name, uid } = action.pod.metadata;
          await retain(set, action.pod);
          await told(set, 'Delete', name, () => expectations.delete(key, action.pod, async () => {
            try {
              await client.delete(podResource, { namespace, name }, { preconditions: { uid } });
            } catch (error) {
              if (!isReason(error, 'NotFound', 'Conflict')) throw error;
            }
          }));
          break;
        }
        case 'mend': {
          if (action.pod.metadata.deletionTimestamp) break;
          if (action.pod.status?.phase === 'Pending') await createClaims(set, action.pod.metadata.name, false);
          await retain(set, action.pod);
          const mended = withIdentity(set, action.pod);
          if (mended !== action.pod) await told(set, 'Update', action.pod.metadata.name, () => client.update(podResource, mended));
        }
      }
    }

    /** The name may be taken by the pod's own predecessor, whose end the cache does not show yet. */
    async function createPod(pod: New<Pod>): Promise<Pod> {
      return await client.create(podResource, pod);
    }

    async function createClaims(set: StatefulSet, podName: string, forNewPod: boolean): Promise<void> {
      for (const wanted of claimsFor(set, podName)) {
        const existing = claims.get(keyOf(wanted));
        if (existing) {
          if (existing.metadata.deletionTimestamp) throw new Error(`pvc ${existing.metadata.name} is being deleted`);
          if (forNewPod && isOfFormerPod(existing, podName)) throw new Error(`pvc ${existing.metadata.name} goes with the pod that had it before`);
          continue;
        }
        try {
          await client.create(persistentVolumeClaims, wanted);
          recorder.event(set, 'Normal', 'SuccessfulCreate', `Create Claim ${wanted.metadata.name} Pod ${podName} in StatefulSet ${set.metadata.name} success`);
        } catch (error) {
          if (isReason(error, 'AlreadyExists')) continue;
          recorder.event(set, 'Warning', 'FailedCreate', `Create Claim ${wanted.metadata.name} for Pod ${podName} in StatefulSet ${set.metadata.name} failed error: ${(error as Error).message}`);
          throw error;
        }
      }
    }

    /** Brings the owners of a pod's claims in line with the retention policy. */
    async function retain(set: StatefulSet, pod: Pod): Promise<void> {
      for (const { metadata } of claimsFor(set, pod.metadata.name)) {
        const existing: PersistentVolumeClaim | undefined = claims.get(keyOf({ metadata }));
        if (!existing) continue;
        if (isMindedByOthers(existing, set, pod)) {
          const message = `PersistentVolumeClaim ${existing.metadata.name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`;
          recorder.event(set, 'Warning', 'ConflictingController', message);
        }
        const ownerReferences = claimOwners(existing, set, pod);
        if (ownerReferences) await client.update(persistentVolumeClaims, { ...existing, metadata: { ...existing.metadata, ownerReferences } });
      }
    }

    /** Tells the outcome by an event. That the cache is behind (another pod has the name) is no news to anybody. */
    async function told(set: StatefulSet, verb: 'Create' | 'Update' | 'Delete', pod: string, act: () => Promise<unknown>): Promise<void> {
      try {
        await act();
      } catch (error) {
        if (!isReason(error, 'AlreadyExists', 'Conflict') && !isNamespaceTerminating(error)) {
          recorder.event(set, 'Warning', `Failed${verb}`, `${verb} Pod ${pod} in StatefulSet ${set.metadata.name} failed error: ${(error as Error).message}`);
        }
        throw error;
      }
      recorder.event(set, 'Normal', `Successful${verb}`, `${verb} Pod ${pod} in StatefulSet ${set.metadata.name} successful`);
    }

    const loop = startLoop(context, { name: 'statefulset-controller', queue: 'statefulset', needs: [sets, pods, claims, revisions], workers: 5, reconcile });
    loop.own(expectations);
    loop.follow(sets, itself);
    loop.follow(pods, keysOfOwners(sets, 'StatefulSet', ({ spec }) => spec.selector));
    loop.follow(revisions, (revision) => {
      const owner = controllerOf(revision);
      return owner?.kind === 'StatefulSet' ? [keyOf({ metadata: { namespace: revision.metadata.namespace, name: owner.name } })] : [];
    });
    return loop;
  },
};
