import type { Deployment, DeploymentCondition, ReplicaSet } from '../../api/generated/apps-v1.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import type { LabelSelector } from '../../api/generated/meta-v1.ts';
import { deployments as deploymentResource, pods as podResource, replicaSets } from '../../api/generated/resources.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf, type KubeObject, type New } from '../../api/object.ts';
import type { ReconcileResult } from '../../client/reconciler.ts';
import { condition } from '../conditions.ts';
import { itself, startLoop } from '../control-loop.ts';
import type { Controller } from '../controller.ts';
import { claim, controllerOf, controllerReference, indexByController, keysOfOwners, orphansIn, ownedBy } from '../ownership.ts';
import { isNamespaceTerminating } from '../pod-control.ts';
import { isPodTerminal } from '../../api/pod/conditions.ts';
import { semanticEqual } from '../semantic-equal.ts';
import { POD_TEMPLATE_HASH, sameTemplate, templateHash } from '../template-hash.ts';
import {
  countedStatus, deploymentCondition, isComplete, progressDeadlineMs, rolloutStatus, untilDeadline, withDeploymentCondition, withPause,
} from './deployment-status.ts';
import { currentAndOld, DESIRED_REPLICAS, MAX_REPLICAS, nextRevision, REVISION, revisionAnnotations, setsToForget, sizeAnnotations } from './revision.ts';
import { currentSize, emptied, isRollingUpdate, proportionalScale, replicasOf, rollingStep, totalReplicas, type Scale } from './rollout.ts';
import { without } from '../without.ts';

const NAME_LIMIT = 253;

/**
 * Rolls templates out: one replica set for each template, the current one growing while the old ones shrink.
 * Upstream: pkg/controller/deployment.
 */
export const deploymentController: Controller = {
  name: 'deployment-controller',
  start(context) {
    const { client, clock, informers, recorder } = context;
    const deployments = informers.informer(deploymentResource);
    const sets = informers.informer(replicaSets);
    const pods = informers.informer(podResource);
    indexByController(sets);
    indexByController(pods);

    async function reconcile(key: string): Promise<ReconcileResult> {
      let deployment = deployments.get(key);
      if (!deployment) return;
      const { metadata, spec } = deployment;
      if (selectsEverything(spec.selector)) {
        recorder.event(deployment, 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.');
        const observedGeneration = metadata.generation;
        if ((deployment.status?.observedGeneration ?? 0) < (observedGeneration ?? 0)) await writeStatus(deployment, { status: { ...deployment.status, observedGeneration } });
        return;
      }
      const candidates = [...ownedBy(sets, deployment), ...orphansIn(sets, metadata.namespace)];
      const owned = await claim({ client, ownerResource: deploymentResource, owner: deployment, selector: spec.selector, resource: replicaSets, candidates });
      const { current, old } = currentAndOld(deployment, owned);
      if (metadata.deletionTimestamp) return await finish(deployment, countedStatus(deployment, current, old, clock.now()));

      const conditions = withPause(deployment, clock.now());
      if (conditions !== deployment.status?.conditions) deployment = await writeStatus(deployment, { status: { ...deployment.status, conditions } });

      const active = owned.filter((set) => replicasOf(set) > 0);
      const scaled = active.some((set) => (desiredAnnotation(set) ?? replicasOf(deployment!)) !== replicasOf(deployment!));
      if (spec.paused || scaled) return await scale(deployment, current, old);
      return isRollingUpdate(deployment) ? await roll(deployment, current, old) : await recreate(deployment, current, old);
    }

    /** Paused or scaled: sizes follow the deployment, the template does not. */
    async function scale(deployment: Deployment, current: ReplicaSet | undefined, old: readonly ReplicaSet[]): Promise<ReconcileResult> {
      if (current) ({ deployment, current } = await markCurrent(deployment, current, old));
      const { scales, force } = proportionalScale(deployment, current, old, desiredAnnotation, maxAnnotation);
      const written = await resize(deployment, scales, force);
      if (deployment.spec.paused) await forget(deployment, old);
      await finish(deployment, countedStatus(deployment, current && written(current), old.map(written), clock.now()));
    }

    async function roll(deployment: Deployment, found: ReplicaSet | undefined, old: readonly ReplicaSet[]): Promise<ReconcileResult> {
      const made = await ensureCurrent(deployment, found, old);
      if (!made) return;
      const steps = rollingStep(made.deployment, made.current, old);
      const written = await resize(made.deployment, steps);
      if (steps.length === 0 && isComplete(made.deployment, made.deployment.status ?? {})) await forget(made.deployment, old);
      return await finishRollout(made.deployment, written(made.current), old.map(written));
    }

    async function recreate(deployment: Deployment, found: ReplicaSet | undefined, old: readonly ReplicaSet[]): Promise<ReconcileResult> {
      if (found) ({ deployment, current: found } = await markCurrent(deployment, found, old));
      const steps = emptied(old);
      const written = await resize(deployment, steps);
      if (steps.length > 0 || oldPodsRun(old)) return await finishRollout(deployment, found, old.map(written));
      const made = await ensureCurrent(deployment, found, old);
      if (!made) return;
      const grow = replicasOf(made.current) === replicasOf(made.deployment) ? [] : [{ set: made.current, replicas: replicasOf(made.deployment) }];
      const grown = await resize(made.deployment, grow);
      if (isComplete(made.deployment, made.deployment.status ?? {})) await forget(made.deployment, old);
      return await finishRollout(made.deployment, grown(made.current), old);
    }

    function oldPodsRun(old: readonly ReplicaSet[]): boolean {
      return old.some((set) => (set.status?.replicas ?? 0) > 0 || ownedBy<Pod>(pods, set).some((pod) => !isPodTerminal(pod)));
    }

    /** Gives the current set its revision, and the deployment the same. */
    async function markCurrent(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Promise<{ deployment: Deployment; current: ReplicaSet }> {
      const annotations = revisionAnnotations(current.metadata.annotations, deployment, nextRevision(old));
      const minReadySeconds = deployment.spec.minReadySeconds;
      if (annotations !== current.metadata.annotations || (current.spec.minReadySeconds ?? 0) !== (minReadySeconds ?? 0)) {
        const spec = without(current.spec, 'minReadySeconds');
        current = await client.update(replicaSets, {
          ...current, metadata: { ...current.metadata, annotations }, spec: { ...spec, ...(minReadySeconds !== undefined && { minReadySeconds }) },
        });
      }
      const progressing = deploymentCondition('Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${current.metadata.name}"`, clock.now());
      return { current, deployment: await noteRevision(deployment, annotations[REVISION], condition(deployment.status?.conditions, 'Progressing') ? undefined : progressing) };
    }

    /** Undefined when there can be none for now: its name is taken by a set of another template, and the next hash will differ. */
    async function ensureCurrent(deployment: Deployment, found: ReplicaSet | undefined, old: readonly ReplicaSet[]): Promise<{ deployment: Deployment; current: ReplicaSet } | undefined> {
      if (found) return await markCurrent(deployment, found, old);
      const wanted = newSet(deployment, old);
      const { name, namespace } = wanted.metadata;
      let current: ReplicaSet;
      try {
        current = await client.create(replicaSets, wanted);
      } catch (error) {
        if (isNamespaceTerminating(error)) return undefined;
        if (!isReason(error, 'AlreadyExists')) {
          await noteFailure(deployment, `Failed to create new replica set "${name}": ${(error as Error).message}`);
          throw error;
        }
        current = await client.get(replicaSets, { namespace, name: name! });
        if (controllerOf(current)?.uid === deployment.metadata.uid && sameTemplate(current.spec.template, deployment.spec.template)) {
          return { current, deployment: await noteRevision(deployment, wanted.metadata.annotations![REVISION]) };
        }
        await writeStatus(deployment, { status: { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 } });
        return undefined;
      }
      const size = replicasOf(current);
      if (size > 0) recorder.event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${size}`);
      const progressing = deploymentCondition('Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${name}"`, clock.now());
      return { current, deployment: await noteRevision(deployment, wanted.metadata.annotations![REVISION], progressing) };
    }

    async function noteRevision(deployment: Deployment, revision: string | undefined, progressing?: DeploymentCondition): Promise<Deployment> {
      const annotations = { ...deployment.metadata.annotations, [REVISION]: revision! };
      const before = deployment.status?.conditions;
      const conditions = progressing && progressDeadlineMs(deployment) !== undefined ? withDeploymentCondition(before, progressing) : before;
      if (deployment.metadata.annotations?.[REVISION] === revision && conditions === before) return deployment;
      return await writeStatus(deployment, { annotations, status: { ...deployment.status, ...(conditions && { conditions }) } });
    }

    async function noteFailure(deployment: Deployment, message: string): Promise<void> {
      recorder.event(deployment, 'Warning', 'ReplicaSetCreateError', message);
      if (progressDeadlineMs(deployment) === undefined) return;
      const conditions = withDeploymentCondition(deployment.status?.conditions, deploymentCondition('Progressing', 'False', 'ReplicaSetCreateError', message, clock.now()));
      if (conditions !== deployment.status?.conditions) await writeStatus(deployment, { status: { ...deployment.status, conditions } });
    }

    /** Resizes one set after another; answers what each set has become. With `force` also sets whose size stays get the annotations of this scaling. */
    async function resize(deployment: Deployment, scales: readonly Scale[], force = false): Promise<(set: ReplicaSet) => ReplicaSet> {
      const became = new Map<ReplicaSet, ReplicaSet>();
      const annotations = sizeAnnotations(deployment);
      for (const { set, replicas } of scales) {
        const before = replicasOf(set);
        const marked = Object.entries(annotations).every(([key, value]) => set.metadata.annotations?.[key] === value);
        if (before === replicas && (!force || marked)) continue;
        const metadata = { ...set.metadata, annotations: { ...set.metadata.annotations, ...annotations } };
        became.set(set, await client.update(replicaSets, { ...set, metadata, spec: { ...set.spec, replicas } }));
        if (before === replicas) continue;
        const direction = before < replicas ? 'up' : 'down';
        recorder.event(deployment, 'Normal', 'ScalingReplicaSet', `Scaled ${direction} replica set ${metadata.name} from ${before} to ${replicas}`);
      }
      return (set) => became.get(set) ?? set;
    }

    async function forget(deployment: Deployment, old: readonly ReplicaSet[]): Promise<void> {
      for (const { metadata: { namespace, name, uid } } of setsToForget(deployment, old)) {
        try {
          await client.delete(replicaSets, { namespace, name }, { preconditions: { uid } });
        } catch (error) {
          if (!isReason(error, 'NotFound', 'Conflict')) throw error;
        }
      }
    }

    async function finishRollout(deployment: Deployment, current: ReplicaSet | undefined, old: readonly ReplicaSet[]): Promise<ReconcileResult> {
      const status = rolloutStatus(deployment, current, old, clock.now());
      await finish(deployment, status);
      const wait = untilDeadline(deployment, status, clock.now());
      if (wait !== undefined) return { requeueAfterMs: wait };
    }

    async function finish(deployment: Deployment, status: Deployment['status']): Promise<void> {
      if (!semanticEqual(deployment.status, status)) await writeStatus(deployment, { status });
    }

    /** The revision annotation is written with the status: whoever may write the one may write the other. */
    async function writeStatus(deployment: Deployment, change: { status: Deployment['status']; annotations?: Record<string, string> }): Promise<Deployment> {
      const metadata = change.annotations ? { ...deployment.metadata, annotations: change.annotations } : deployment.metadata;
      return await client.updateStatus(deploymentResource, { ...deployment, metadata, status: change.status });
    }

    const deploymentsOf = keysOfOwners(deployments, 'Deployment', ({ spec }) => spec.selector);

    /** Recreate waits for the last old pod to be gone. */
    function* recreatesOf(pod: Pod): Iterable<string> {
      const owner = controllerOf(pod);
      const set = owner?.kind === 'ReplicaSet' ? sets.get(keyOf({ metadata: { namespace: pod.metadata.namespace, name: owner.name } })) : undefined;
      for (const key of set ? deploymentsOf(set) : []) {
        const deployment = deployments.get(key);
        if (deployment && !isRollingUpdate(deployment)) yield key;
      }
    }

    const loop = startLoop(context, { name: 'deployment-controller', queue: 'deployment', needs: [deployments, sets, pods], workers: 5, reconcile });
    loop.follow(deployments, itself);
    loop.follow(sets, deploymentsOf);
    loop.follow(pods, recreatesOf);
    return loop;
  },
};

function selectsEverything(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

const numberAnnotation = (key: string) => (object: KubeObject): number | undefined => {
  const text = object.metadata.annotations?.[key];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
};
const desiredAnnotation = numberAnnotation(DESIRED_REPLICAS);
const maxAnnotation = numberAnnotation(MAX_REPLICAS);

/** The set for the deployment's template, which has none yet. The hash keeps its pods apart from those of the other sets. */
function newSet(deployment: Deployment, old: readonly ReplicaSet[]): New<ReplicaSet> {
  const { metadata, spec, status } = deployment;
  const hash = templateHash(spec.template, status?.collisionCount);
  const labels = { ...spec.template.metadata?.labels, [POD_TEMPLATE_HASH]: hash };
  const annotations = { ...revisionAnnotations(undefined, deployment, nextRevision(old)), ...sizeAnnotations(deployment) };
  return {
    metadata: {
      name: `${metadata.name.slice(0, NAME_LIMIT - 1 - hash.length)}-${hash}`, namespace: metadata.namespace, ownerReferences: [controllerReference(deployment)], labels, annotations,
    },
    spec: {
      replicas: currentSize(deployment, 0, totalReplicas(old)),
      ...(spec.minReadySeconds !== undefined && { minReadySeconds: spec.minReadySeconds }),
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [POD_TEMPLATE_HASH]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
}
