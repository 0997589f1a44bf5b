import type { DaemonSet } from '../../api/generated/apps-v1.ts';
import type { Node, Pod } from '../../api/generated/core-v1.ts';
import { controllerRevisions, daemonSets, nodes as nodeResource, pods as podResource } from '../../api/generated/resources.ts';
import { keyOf } from '../../api/object.ts';
import { isPodTerminal } from '../../api/pod/conditions.ts';
import { selectorOf } from '../../api/selector.ts';
import { KeyedBackoff } from '../../base/backoff.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { Expectations } from '../expectations.ts';
import { claim, controllerOf, indexByController, keysOfOwners, orphansIn, ownedBy } from '../ownership.ts';
import { isNamespaceTerminating, PodControl, podFromTemplate } from '../pod-control.ts';
import { nextAvailability } from '../pod-state.ts';
import { syncRevisions, truncateHistory } from '../revision-history.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { slowStart } from '../slow-start.ts';
import { daemonStatus, placementPlan, REVISION_HASH, updatePlan, type DaemonNode, type DaemonPlan } from './daemon-plan.ts';
import { daemonTemplate, onNode, placementOn, targetNode } from './placement.ts';

const BURST = 250;
const GENERATION = 'deprecated.daemonset.template.generation';

/** One pod on every node that the template fits. Upstream: pkg/controller/daemon. */
export const daemonSetController: Controller = {
  name: 'daemonset-controller',
  start(context) {
    const { client, clock, informers, recorder } = context;
    const sets = informers.informer(daemonSets);
    const pods = informers.informer(podResource);
    const nodes = informers.informer(nodeResource);
    const revisions = informers.informer(controllerRevisions);
    indexByController(pods);
    indexByController(revisions);
    const expectations = new Expectations(pods, clock);
    const podControl = new PodControl(context);
    /** Until when an ended pod on a node of a set is left alone. */
    const notBefore = new Map<string, number>();
    const backoff = new KeyedBackoff({ initialMs: 1000, maxMs: 15 * 60_000 });

    async function reconcile(key: string): Promise<ReconcileResult> {
      const set = sets.get(key);
      if (!set) return expectations.forget(key);
      const { selector } = set.spec;
      if (selectorOf(selector).empty) return recorder.event(set, 'Warning', 'SelectingAll', 'This daemon set is selecting all pods. A non-empty selector is required.');
      // Asked before the pods are looked at: what comes into the cache between the two would be missing from the pods, but not missed.
      const settled = expectations.settled(key);
      const candidates = [...ownedBy(pods, set), ...orphansIn(pods, set.metadata.namespace)];
      const owned = await claim({ client, ownerResource: daemonSets, owner: set, selector, resource: podResource, candidates });
      if (set.metadata.deletionTimestamp) return;

      const history = await syncRevisions({ client, informer: revisions, resource: daemonSets, owner: set, hashLabel: REVISION_HASH });
      if (!history) return void (await client.updateStatus(daemonSets, { ...set, status: { ...set.status!, collisionCount: (set.status?.collisionCount ?? 0) + 1 } }));
      const hash = history.current.metadata.labels![REVISION_HASH]!;
      const template = daemonTemplate(set.spec.template, hash, set.metadata.annotations?.[GENERATION]);
      const view = daemonNodes(owned, (node) => placementOn(node, template));
      let failure: unknown;
      const nowMs = clock.now();
      if (settled) {
        try {
          const placement = placementPlan(set, view, hash, (node) => mayRetry(key, node), nowMs);
          const acted = await carryOut(key, set, { ...placement, delete: [...placement.delete, ...strays(owned)] }, template);
          const rolling = (set.spec.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
          if (!acted && rolling) await carryOut(key, set, updatePlan(set, view, hash, nowMs), template);
        } catch (error) {
          if (!isNamespaceTerminating(error)) failure = error;
        }
      }
      const live = new Set(owned.map((pod) => pod.metadata.labels?.[REVISION_HASH]));
      await truncateHistory(client, history.old, set.spec.revisionHistoryLimit ?? 10, (revision) => live.has(revision.metadata.labels?.[REVISION_HASH]));
      const status = daemonStatus(set, view, hash, nowMs);
      if (!semanticEqual(status, set.status)) await client.updateStatus(daemonSets, { ...set, status });
      if (failure) throw failure;

      const waits = [settled ? undefined : Expectations.timeoutMs, nextAvailability(owned, set.spec.minReadySeconds ?? 0, nowMs), ...view.map((node) => retryIn(key, node))].filter((wait) => wait !== undefined);
      if (waits.length > 0) return { requeueAfterMs: Math.min(...waits) };
    }

    function daemonNodes(owned: readonly Pod[], placement: (node: Node) => DaemonNode['placement']): readonly DaemonNode[] {
      const present = owned.filter((pod) => !(isPodTerminal(pod) && pod.metadata.deletionTimestamp));
      const byNode = Map.groupBy(present, (pod) => targetNode(pod.spec));
      return nodes.list().map((node) => ({ name: node.metadata.name, placement: placement(node), pods: byNode.get(node.metadata.name) ?? [] }));
    }

    /** Pods on their way to a node that is no more. */
    function strays(owned: readonly Pod[]): readonly Pod[] {
      return owned.filter((pod) => !pod.spec.nodeName && !pod.metadata.deletionTimestamp && !nodes.get(targetNode(pod.spec) ?? ''));
    }

    /** Answers whether there was anything to do. */
    async function carryOut(key: string, set: DaemonSet, plan: DaemonPlan, template: DaemonSet['spec']['template']): Promise<boolean> {
      for (const pod of plan.ended) {
        const { namespace, name } = pod.metadata;
        const failed = pod.status?.phase === 'Failed';
        if (failed) noteFailure(key, targetNode(pod.spec)!);
        const found = `Found ${failed ? 'failed' : 'succeeded'} daemon pod ${namespace}/${name} on node ${pod.spec.nodeName}, will try to ${failed ? 'kill' : 'delete'} it`;
        recorder.event(set, failed ? 'Warning' : 'Normal', failed ? 'FailedDaemonPod' : 'SucceededDaemonPod', found);
      }
      const targets = plan.create.slice(0, BURST);
      let next = 0;
      await slowStart(targets.length, () => {
        const pod = podFromTemplate(set, onNode(template, targets[next++]!));
        return expectations.create(key, () => podControl.create(set, pod));
      });
      const doomed = [...plan.delete, ...plan.ended].slice(0, BURST);
      const results = await Promise.allSettled(doomed.map((pod) => expectations.delete(key, pod, () => podControl.delete(set, pod))));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
      return targets.length + doomed.length > 0;
    }

    function mayRetry(key: string, node: string): boolean {
      return (notBefore.get(`${key}/${node}`) ?? 0) <= clock.now();
    }

    function noteFailure(key: string, node: string): void {
      const id = `${key}/${node}`;
      notBefore.set(id, clock.now() + backoff.next(id));
    }

    function retryIn(key: string, { name, pods: here }: DaemonNode): number | undefined {
      const left = (notBefore.get(`${key}/${name}`) ?? 0) - clock.now();
      return left > 0 && here.some((pod) => pod.status?.phase === 'Failed') ? left : undefined;
    }

    const loop = startLoop(context, { name: 'daemonset-controller', queue: 'daemonset', needs: [sets, pods, nodes, revisions], workers: 2, reconcile });
    loop.own(expectations);
    loop.follow(sets, itself);
    loop.follow(pods, keysOfOwners(sets, 'DaemonSet', ({ spec }) => spec.selector), { gatherMs: 10 });
    loop.follow(revisions, (revision) => {
      const owner = controllerOf(revision);
      return owner?.kind === 'DaemonSet' ? [keyOf({ metadata: { namespace: revision.metadata.namespace, name: owner.name } })] : [];
    });
    const all = (): void => sets.list().forEach((set) => loop.enqueue(keyOf(set)));
    loop.own(nodes.subscribe({
      add: all,
      delete: all,
      // Heartbeats change nothing that decides where a daemon runs.
      update: (before, node) => void (semanticEqual(before.metadata.labels, node.metadata.labels) && semanticEqual(before.spec?.taints, node.spec?.taints) || all()),
    }));
    return loop;
  },
};
