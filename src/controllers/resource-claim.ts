import type { Pod, PodResourceClaim } from '../api/generated/core-v1.ts';
import type { ResourceClaim, ResourceClaimConsumerReference } from '../api/generated/resource-v1.ts';
import { pods as podResource, resourceClaims, resourceClaimTemplates } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import { keyOf, parseKey } from '../api/object.ts';
import { isPodTerminal } from '../api/pod/conditions.ts';
import { startLoop } from './control-loop.ts';
import type { Controller } from './controller.ts';
import { controllerOf } from './ownership.ts';
import { without } from './without.ts';

/** On a claim that was made for a pod: which of the pod's claims it is. */
const POD_CLAIM = 'resource.kubernetes.io/pod-claim-name';
/** On a claim that the scheduler made for what a pod asks for as extended resources. */
const EXTENDED = 'resource.kubernetes.io/extended-resource-claim';
const FINALIZER = 'resource.kubernetes.io/delete-protection';

/**
 * Makes the claims that pods ask for by templates, says in the pods what they are called, and frees the devices of claims that no pod uses any
 * longer. Upstream: pkg/controller/resourceclaim.
 */
export const resourceClaimController: Controller = {
  name: 'resource-claim-controller',
  eventSource: 'resource_claim',
  start(context) {
    const { client, informers, recorder } = context;
    const pods = informers.informer(podResource);
    const claims = informers.informer(resourceClaims);
    const templates = informers.informer(resourceClaimTemplates);
    const creates = context.metrics.counter('resourceclaim_controller_creates_total', 'Number of claims that were to be made, by what came of it.', ['status', 'admin_access']);
    context.metrics.derived('resourceclaim_controller_resource_claims', 'Number of claims, by whether they have their devices, and by what they were made for.', 'gauge', ['allocated', 'admin_access', 'source'], () => {
      const counts = new Map<string, readonly [readonly string[], number]>();
      for (const claim of claims.list()) {
        const labels = [String(claim.status?.allocation !== undefined), String(isAdmin(claim.spec)), sourceOf(claim)];
        counts.set(labels.join(), [labels, (counts.get(labels.join())?.[1] ?? 0) + 1]);
      }
      return counts.values();
    });

    /** By the uid of the claim: what was made and the cache does not show yet. It would be made a second time. */
    const unseen = new Map<string, ResourceClaim>();

    async function syncPod(key: string): Promise<void> {
      const pod = pods.get(key);
      if (!pod?.spec.resourceClaims?.length || pod.metadata.deletionTimestamp || isPodTerminal(pod)) return;
      const made = new Map((pod.status?.resourceClaimStatuses ?? []).map(({ name, resourceClaimName }) => [name, resourceClaimName]));
      for (const wanted of pod.spec.resourceClaims) {
        if (wanted.resourceClaimTemplateName === undefined || made.has(wanted.name)) continue;
        try {
          made.set(wanted.name, (ownedClaim(pod, wanted.name) ?? (await make(pod, wanted))).metadata.name);
        } catch (error) {
          recorder.event(pod, 'Warning', 'FailedResourceClaimCreation', `PodResourceClaim ${wanted.name}: ${(error as Error).message}`);
          throw error;
        }
      }
      const statuses = [...made].map(([name, resourceClaimName]) => ({ name, ...(resourceClaimName !== undefined && { resourceClaimName }) }));
      if (statuses.length > (pod.status?.resourceClaimStatuses?.length ?? 0)) {
        await client.patch(podResource, parseKey(key), { type: 'application/strategic-merge-patch+json', body: { metadata: { uid: pod.metadata.uid }, status: { resourceClaimStatuses: statuses } } }, { subresource: 'status' });
      }
      if (pod.spec.nodeName) await reserveForPlaced(pod, made);
    }

    async function make(pod: Pod, { name, resourceClaimTemplateName }: PodResourceClaim): Promise<ResourceClaim> {
      const { namespace, uid } = pod.metadata;
      const template = templates.get(`${namespace}/${resourceClaimTemplateName!}`);
      if (!template) throw new Error(`resource claim template "${resourceClaimTemplateName!}": resourceclaimtemplate.resource.k8s.io "${resourceClaimTemplateName!}" not found`);
      const { metadata, spec } = template.spec;
      const admin = String(isAdmin(spec));
      const claim = await client.create(resourceClaims, {
        metadata: {
          generateName: `${pod.metadata.name}-${name}-`, namespace, ...(metadata?.labels && { labels: metadata.labels }), annotations: { ...metadata?.annotations, [POD_CLAIM]: name },
          ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid, controller: true, blockOwnerDeletion: true }],
        },
        spec,
      }).catch((error: unknown) => {
        creates.of('failure', admin).add();
        throw error;
      });
      creates.of('success', admin).add();
      if (!claims.get(keyOf(claim))) unseen.set(claim.metadata.uid, claim);
      return claim;
    }

    const ownedClaim = (pod: Pod, name: string): ResourceClaim | undefined => [...claims.list(pod.metadata.namespace), ...unseen.values()]
      .find((claim) => controllerOf(claim)?.uid === pod.metadata.uid && claim.metadata.annotations?.[POD_CLAIM] === name && !claim.metadata.deletionTimestamp);

    /** A pod that got its node without the scheduler uses its claims all the same. */
    async function reserveForPlaced(pod: Pod, made: ReadonlyMap<string, string | undefined>): Promise<void> {
      const { namespace, name, uid } = pod.metadata;
      for (const wanted of pod.spec.resourceClaims ?? []) {
        const claim = claims.get(`${namespace}/${wanted.resourceClaimName ?? made.get(wanted.name) ?? ''}`);
        const { allocation, reservedFor = [] } = claim?.status ?? {};
        if (!claim || !allocation || reservedFor.some((user) => user.uid === uid)) continue;
        await client.updateStatus(resourceClaims, { ...claim, status: { ...claim.status, reservedFor: [...reservedFor, { resource: 'pods', name, uid }] } });
      }
    }

    async function syncClaim(key: string): Promise<void> {
      let claim = claims.get(key);
      if (!claim) return;
      const { namespace } = claim.metadata;
      const before = claim.status?.reservedFor ?? [];
      const users = before.filter((user) => isInUse(user, namespace));
      // What is allocated and not yet reserved is on its way to a pod.
      const over = users.length === 0 && (before.length > 0 || claim.metadata.deletionTimestamp !== undefined);
      if (users.length < before.length || (over && claim.status?.allocation)) {
        const status = over ? without(without(without(claim.status ?? {}, 'reservedFor'), 'allocation'), 'devices') : { ...claim.status, reservedFor: users };
        claim = await client.updateStatus(resourceClaims, { ...claim, status });
      }
      if (users.length > 0) return;
      if (over && claim.metadata.finalizers?.includes(FINALIZER)) {
        claim = await client.update(resourceClaims, { ...claim, metadata: { ...claim.metadata, finalizers: claim.metadata.finalizers.filter((finalizer) => finalizer !== FINALIZER) } });
      }
      const { [POD_CLAIM]: podClaim, [EXTENDED]: extended } = claim.metadata.annotations ?? {};
      const owner = podClaim === undefined && extended !== 'true' ? undefined : controllerOf(claim);
      if (owner?.kind !== 'Pod' || claim.metadata.deletionTimestamp) return;
      const pod = pods.get(`${namespace}/${owner.name}`);
      if (pod && pod.metadata.uid === owner.uid && !isPodTerminal(pod)) return;
      try {
        await client.delete(resourceClaims, { namespace, name: claim.metadata.name }, { preconditions: { uid: claim.metadata.uid } });
      } catch (error) {
        if (!isReason(error, 'NotFound', 'Conflict')) throw error;
      }
    }

    /** What is no pod is somebody else's to take away. */
    function isInUse({ apiGroup = '', resource, name, uid }: ResourceClaimConsumerReference, namespace: string): boolean {
      if (apiGroup !== '' || resource !== 'pods') return true;
      const pod = pods.get(`${namespace}/${name}`);
      // One that goes before it ever had a node will never use anything.
      return pod?.metadata.uid === uid && !isPodTerminal(pod) && !(pod.metadata.deletionTimestamp && !pod.spec.nodeName);
    }

    const needs = [pods, claims, templates];
    const ofPods = startLoop(context, { name: 'resource-claims-of-pods', queue: 'resource_claim', needs, workers: 4, reconcile: syncPod });
    ofPods.follow(pods, (pod) => (pod.spec.resourceClaims?.length ? [keyOf(pod)] : []));
    ofPods.follow(templates, ({ metadata: { namespace, name } }) => pods.list(namespace).filter((pod) => pod.spec.resourceClaims?.some((claim) => claim.resourceClaimTemplateName === name)).map(keyOf));
    const seen = ({ metadata: { uid } }: ResourceClaim): void => void unseen.delete(uid);
    ofPods.own(claims.subscribe({ add: seen, update: (_, claim) => seen(claim), delete: seen }));
    const ofClaims = startLoop(context, { name: 'resource-claim-controller', queue: 'resource_claim', needs, workers: 4, reconcile: syncClaim });
    ofClaims.follow(claims, (claim) => [keyOf(claim)]);
    ofClaims.follow(pods, (pod) => [
      ...(pod.status?.extendedResourceClaimStatus ? [`${pod.metadata.namespace}/${pod.status.extendedResourceClaimStatus.resourceClaimName}`] : []),
      ...(pod.spec.resourceClaims ?? []).flatMap(({ name, resourceClaimName }) => {
        const claimName = resourceClaimName ?? pod.status?.resourceClaimStatuses?.find((made) => made.name === name)?.resourceClaimName ?? ownedClaim(pod, name)?.metadata.name;
        return claimName === undefined ? [] : [`${pod.metadata.namespace}/${claimName}`];
      }),
    ]);
    const both = new AsyncDisposableStack();
    both.use(ofPods);
    both.use(ofClaims);
    return both;
  },
};

const isAdmin = ({ devices }: ResourceClaim['spec']): boolean => devices?.requests?.some(({ exactly }) => exactly?.adminAccess === true) ?? false;

function sourceOf({ metadata: { annotations } }: ResourceClaim): string {
  return annotations?.[POD_CLAIM] !== undefined ? 'resource_claim_template' : annotations?.[EXTENDED] === 'true' ? 'extended_resource' : '';
}
