import { badRequest, conflict, forbidden, isReason, notFound, statusError, tooManyRequests, type StatusError } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import type { Eviction, PodDisruptionBudget } from '../../api/generated/policy-v1.ts';
import { podDisruptionBudgets, pods } from '../../api/generated/resources.ts';
import { labelSelectorMatches } from '../../api/selector.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { DeleteOptions } from '../../client/client.ts';
import { admitPost } from './admitted-post.ts';
import { withCondition } from './pod-binding.ts';
import { storeOf } from './store-of.ts';
import { SUCCESS, type PostCall, type SubresourceHandler, type SubresourceServices } from './subresource-handler.ts';

const PDB = { group: 'policy', resource: 'poddisruptionbudget' };
const VIOLATION = "Cannot evict pod as it would violate the pod's disruption budget.";
const MAX_DISRUPTED_PODS = 2000;
const ATTEMPTS = 20;

/**
 * `POST pods/<name>/eviction`: deletes a pod if its disruption budget has one to spare, 429 otherwise.
 * Upstream: pkg/registry/core/pod/storage/eviction.go.
 */
export function podEviction(services: SubresourceServices): SubresourceHandler {
  return {
    resource: pods, subresource: 'eviction', methods: ['POST'],
    async post(call) {
      const body = call.body as Partial<Eviction>;
      if (body.metadata?.name !== undefined && body.metadata.name !== call.key.name) throw badRequest('name in URL does not match name in Eviction object');
      const eviction = await admitPost(services, pods, 'eviction', call, body as Eviction);
      const options = deleteOptions(eviction, call);
      for (let attempt = 1; ; attempt++) {
        try {
          await evict(services, call, options);
          return SUCCESS;
        } catch (error) {
          if (attempt === ATTEMPTS || options.preconditions?.resourceVersion || !isReason(error, 'Conflict')) throw error;
        }
      }
    },
  };
}

function deleteOptions({ deleteOptions: sent }: Eviction, { dryRun }: PostCall): DeleteOptions {
  const asked = sent?.dryRun?.includes('All') ?? false;
  return {
    dryRun: dryRun || asked,
    ...(sent?.gracePeriodSeconds !== undefined && { gracePeriodSeconds: sent.gracePeriodSeconds }),
    ...(sent?.propagationPolicy && { propagationPolicy: sent.propagationPolicy as NonNullable<DeleteOptions['propagationPolicy']> }),
    ...(sent?.preconditions && { preconditions: sent.preconditions }),
  };
}

async function evict(services: SubresourceServices, call: PostCall, options: DeleteOptions): Promise<void> {
  const pod = services.objects.get(pods, call.key);
  if (!pod) throw notFound(pods, call.key.name);
  // The budget counted this pod as it was seen here: it must not have changed in between.
  const asSeen = { ...options, preconditions: { resourceVersion: pod.metadata.resourceVersion, ...options.preconditions } };
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed' || pod.metadata.deletionTimestamp) return markAndDelete(services, call, pod, options);
  if (phase === 'Pending') return markAndDelete(services, call, pod, asSeen);

  const budgets = services.objects.list(podDisruptionBudgets, pod.metadata.namespace).filter((pdb) => labelSelectorMatches(pdb.spec.selector, pod.metadata.labels));
  if (budgets.length > 1) throw statusError(500, 'InternalError', 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.');
  const budget = budgets[0];
  if (!budget) return markAndDelete(services, call, pod, options);
  if (evictableThoughCounted(pod, budget)) {
    try {
      return await markAndDelete(services, call, pod, asSeen);
    } catch (error) {
      if (isReason(error, 'Conflict') && !options.preconditions?.resourceVersion) throw stillProcessed(budget.metadata.name);
      throw error;
    }
  }
  await takeDisruption(services, call, pod, budget, options.dryRun ?? false);
  return markAndDelete(services, call, pod, options);
}

/** A pod that is not ready does not count for its budget, if the budget allows that. */
function evictableThoughCounted(pod: Pod, { spec, status }: PodDisruptionBudget): boolean {
  if (pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')) return false;
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

const stillProcessed = (name: string): StatusError =>
  tooManyRequests(VIOLATION, 10, [{ reason: 'DisruptionBudget', message: `The disruption budget ${name} is still being processed by the server.` }]);

async function takeDisruption(services: SubresourceServices, call: PostCall, pod: Pod, budget: PodDisruptionBudget, dryRun: boolean): Promise<void> {
  const { name, namespace } = budget.metadata;
  await storeOf(services, podDisruptionBudgets).update(call.context, { namespace, name }, (current) => {
    const next = withDisruption(current!, pod.metadata.name, rfc3339(services.clock.now()));
    return dryRun ? current! : next;
  }, { subresource: 'status', dryRun });
}

/** The budget with one disruption spent on a pod. Throws where it has none. */
export function withDisruption(budget: PodDisruptionBudget, podName: string, now: string): PodDisruptionBudget {
  const { name, generation = 0 } = budget.metadata;
  const status = budget.status;
  if ((status?.observedGeneration ?? 0) < generation || !status) throw stillProcessed(name);
  const { disruptionsAllowed = 0, currentHealthy = 0, desiredHealthy = 0, disruptedPods = {}, conditions = [] } = status;
  if (disruptionsAllowed < 0) throw forbidden(PDB, name, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > MAX_DISRUPTED_PODS) throw forbidden(PDB, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  if (disruptionsAllowed === 0) {
    const condition = conditions.find((c) => c.type === 'DisruptionAllowed' && c.status === 'False' && c.message);
    const message = condition?.reason === 'SyncFailed' ? `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${condition.message}`
      : currentHealthy <= desiredHealthy ? `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
      : condition ? `The disruption budget ${name} does not allow evicting pods currently (${condition.reason}): ${condition.message}`
      : `The disruption budget ${name} does not allow evicting pods currently`;
    throw tooManyRequests(VIOLATION, 0, [{ reason: 'DisruptionBudget', message }]);
  }
  const left = disruptionsAllowed - 1;
  const spent = { type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', message: '', observedGeneration: generation, lastTransitionTime: now };
  const others = conditions.filter((c) => c.type !== 'DisruptionAllowed');
  return {
    ...budget,
    status: { ...status, disruptionsAllowed: left, disruptedPods: { ...disruptedPods, [podName]: now }, ...(left === 0 && { conditions: [...others, spent] }) },
  };
}

async function markAndDelete(services: SubresourceServices, { context, key }: PostCall, pod: Pod, options: DeleteOptions): Promise<void> {
  const store = storeOf(services, pods);
  let { preconditions } = options;
  if (!options.dryRun) {
    const now = rfc3339(services.clock.now());
    const marked = await store.update(context, key, (current) => {
      const { uid, resourceVersion, name } = current!.metadata;
      if (preconditions?.uid && preconditions.uid !== uid) {
        throw conflict({ group: '', resource: 'Pod' }, name, `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`);
      }
      if (preconditions?.resourceVersion && preconditions.resourceVersion !== resourceVersion) {
        throw conflict({ group: '', resource: 'Pod' }, name, `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`);
      }
      const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' };
      return { ...current!, status: { ...current!.status, conditions: withCondition(current!.status?.conditions ?? [], condition, now) } };
    }, { subresource: 'status' });
    if (preconditions?.resourceVersion) preconditions = { ...preconditions, resourceVersion: marked.object.metadata.resourceVersion };
  }
  await store.delete(context, { namespace: pod.metadata.namespace, name: pod.metadata.name }, { ...options, ...(preconditions && { preconditions }) });
}
