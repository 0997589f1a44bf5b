import type { Pod } from '../api/generated/core-v1.ts';
import type { OwnerReference } from '../api/generated/meta-v1.ts';
import type { PodDisruptionBudget } from '../api/generated/policy-v1.ts';
import { customResourceDefinitions, podDisruptionBudgets, pods as podResource } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import { keyOf, type KubeObject } from '../api/object.ts';
import { parseApiVersion } from '../api/resources.ts';
import { selectorOf } from '../api/selector.ts';
import { rfc3339 } from '../base/clock.ts';
import type { ReconcileResult } from '../client/reconciler.ts';
import { withCondition } from './conditions.ts';
import { itself, startLoop } from './control-loop.ts';
import type { Controller } from './controller.ts';
import { goSelector } from './go-selector.ts';
import { budgetStatus, expectedPods, failedStatus, needsScale, undeleted, untilStale } from './disruption-budget.ts';
import { controllerOf } from './ownership.ts';
import { semanticEqual } from './semantic-equal.ts';
import { storedResources } from './served-resources.ts';

interface Scale {
  readonly spec?: { readonly replicas?: number };
}

/** Says how many pods of each budget may be evicted now. Upstream: pkg/controller/disruption. */
export const disruptionController: Controller = {
  name: 'disruption-controller',
  eventSource: 'controllermanager',
  start(context) {
    const { client, clock, informers, recorder } = context;
    const budgets = informers.informer(podDisruptionBudgets);
    const pods = informers.informer(podResource);
    const definitions = informers.informer(customResourceDefinitions);

    async function reconcile(key: string): Promise<ReconcileResult> {
      const budget = budgets.get(key);
      if (!budget) return;
      const selected = selectedBy(budget);
      if (selected.length === 0) recorder.event(budget, 'Normal', 'NoPods', 'No matching pods found');
      let scale = 0;
      try {
        if (needsScale(budget)) scale = await scaleOf(budget, selected);
      } catch (error) {
        const message = (error as Error).message;
        recorder.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', `Failed to calculate the number of expected pods: ${message}`);
        await client.updateStatus(podDisruptionBudgets, { ...budget, status: failedStatus(budget, message, clock.now()) });
        throw error;
      }
      for (const pod of undeleted(budget, selected, clock.now())) {
        recorder.event(pod, 'Warning', 'NotDeleted', `Pod was expected by PDB ${budget.metadata.namespace}/${budget.metadata.namespace} to be deleted but it wasn't`);
      }
      const { status, recheckMs } = budgetStatus(budget, selected, expectedPods(budget, selected.length, scale), clock.now());
      if (!semanticEqual(budget.status, status)) await client.updateStatus(podDisruptionBudgets, { ...budget, status });
      if (recheckMs !== undefined) return { requeueAfterMs: recheckMs };
    }

    /** An empty selector selects all pods of the namespace, a missing one none. */
    function selectedBy(budget: PodDisruptionBudget): readonly Pod[] {
      const selector = selectorOf(budget.spec?.selector);
      return pods.list(budget.metadata.namespace).filter((pod) => selector.matches(pod.metadata.labels));
    }

    async function scaleOf(budget: PodDisruptionBudget, selected: readonly Pod[]): Promise<number> {
      const owners = new Map<string, OwnerReference>();
      let unmanaged = false;
      for (const pod of selected) {
        const owner = controllerOf(pod);
        if (owner) owners.set(owner.uid, owner);
        else unmanaged = true;
      }
      if (unmanaged) {
        recorder.event(budget, 'Warning', 'UnmanagedPods', `Pods selected by this PodDisruptionBudget (selector: ${goSelector(budget.spec?.selector)}) were found to be unmanaged. As a result, ` +
          'the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.');
      }
      const scales = new Map<string, number>();
      for (const owner of owners.values()) {
        const { uid, replicas } = await topmost(budget.metadata.namespace, owner);
        scales.set(uid, replicas);
      }
      return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
    }

    /** A replica set's deployment speaks for it; any other kind must have a scale subresource. */
    async function topmost(namespace: string, owner: OwnerReference): Promise<{ uid: string; replicas: number }> {
      const { group } = parseApiVersion(owner.apiVersion);
      const resource = storedResources(definitions.list(), 'get').find((stored) => stored.group === group && stored.kind === owner.kind);
      if (!resource) throw new Error(`found no controllers for kind ${owner.kind} of ${owner.apiVersion}`);
      const key = { namespace, name: owner.name };
      if (owner.kind === 'ReplicaSet' && group === 'apps') {
        const above = controllerOf(await client.get<KubeObject>(resource, key));
        if (above?.kind === 'Deployment') return await topmost(namespace, above);
      }
      try {
        const scale = (await client.get(resource, key, { subresource: 'scale' })) as Scale;
        return { uid: owner.uid, replicas: scale.spec?.replicas ?? 0 };
      } catch (error) {
        if (isReason(error, 'NotFound', 'MethodNotAllowed')) throw new Error(`${owner.kind} ${owner.name} does not implement the scale subresource`, { cause: error });
        throw error;
      }
    }

    const budgetsOf = (pod: Pod): readonly PodDisruptionBudget[] => budgets.list(pod.metadata.namespace).filter((budget) => selectorOf(budget.spec?.selector).matches(pod.metadata.labels));

    /** A pod that was to be disrupted and is still there lives on, and its condition says so. Upstream: syncStalePodDisruption. */
    async function clearStale(key: string): Promise<ReconcileResult> {
      const pod = pods.get(key);
      const left = pod && untilStale(pod, clock.now());
      if (!pod || left === undefined) return;
      if (left > 0) return { requeueAfterMs: left };
      const observedGeneration = pod.metadata.generation;
      const conditions = withCondition(pod.status?.conditions, { type: 'DisruptionTarget', status: 'False', lastTransitionTime: rfc3339(clock.now()), ...(observedGeneration && { observedGeneration }) });
      await client.updateStatus(podResource, { ...pod, status: { ...pod.status, conditions } });
    }

    const stale = startLoop(context, { name: 'stale_pod_disruption', needs: [pods], workers: 1, reconcile: clearStale });
    stale.follow(pods, (pod) => (untilStale(pod, 0) === undefined ? [] : itself(pod)));
    const loop = startLoop(context, { name: 'disruption-controller', queue: 'disruption', needs: [budgets, pods, definitions], workers: 1, reconcile });
    loop.follow(budgets, itself);
    loop.follow(pods, (pod) => budgetsOf(pod).map(keyOf), { gatherMs: 10 });
    loop.own(pods.subscribe({
      add(pod) {
        const several = budgetsOf(pod);
        if (several.length < 2) return;
        const { namespace, name } = pod.metadata;
        recorder.event(pod, 'Warning', 'MultiplePodDisruptionBudgets', `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose "${several[0]!.metadata.name}" arbitrarily.`);
      },
    }));
    const both = new AsyncDisposableStack();
    both.use(loop);
    both.use(stale);
    return both;
  },
};
