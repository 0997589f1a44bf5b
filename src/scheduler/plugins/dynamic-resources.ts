import type { Pod } from '../../api/generated/core-v1.ts';
import type { ResourceClaim } from '../../api/generated/resource-v1.ts';
import { keyOf } from '../../api/object.ts';
import { matchesNodeSelector } from '../../api/scheduling/node-affinity.ts';
import { unresolvable, type SchedulerPlugin } from '../framework.ts';
import type { PluginContext } from './plugin-context.ts';

/**
 * A pod whose resource claims have their devices goes where those are. Upstream: plugins/dynamicresources. Thinner: nothing is allocated
 * here, so that a pod with a claim without devices waits until somebody else gave it some.
 */
export function dynamicResources(context: PluginContext): SchedulerPlugin<readonly ResourceClaim[]> {
  return {
    name: 'DynamicResources',
    preFilter({ pod }) {
      const claims: ResourceClaim[] = [];
      if (!pod.spec.resourceClaims?.length) return 'skip';
      for (const { name, claimName } of claimsOf(pod)) {
        if (claimName === undefined) return { rejected: unresolvable(`pod "${keyOf(pod)}": ResourceClaim not created yet for pod claim "${name}"`) };
        const claim = context.resourceClaims.get(`${pod.metadata.namespace}/${claimName}`);
        if (!claim) return { rejected: unresolvable(`resourceclaim "${claimName}" not found`) };
        if (claim.metadata.deletionTimestamp !== undefined) return { rejected: unresolvable(`resourceclaim "${claimName}" is being deleted`) };
        claims.push(claim);
      }
      return { state: claims };
    },
    filter(claims, _pod, { node }) {
      for (const { status } of claims) {
        if (!status?.allocation) return unresolvable('cannot allocate all claims');
        const { nodeSelector } = status.allocation;
        if (nodeSelector && !matchesNodeSelector(nodeSelector, node!)) return unresolvable('resourceclaim not available on the node');
      }
      return undefined;
    },
    hints: {
      Node: (_pod, { action }) => action !== 'delete',
      ResourceClaim: (pod, { action, object }) => {
        const { namespace, name } = (object as ResourceClaim).metadata;
        return action !== 'delete' && namespace === pod.metadata.namespace && claimsOf(pod).some(({ claimName }) => claimName === name);
      },
    },
  };
}

/** The claims that a pod uses; a claim made from a template has its name once it is made. */
function claimsOf({ spec, status }: Pod): { readonly name: string; readonly claimName: string | undefined }[] {
  return (spec.resourceClaims ?? []).map(({ name, resourceClaimName }) => ({
    name, claimName: resourceClaimName ?? status?.resourceClaimStatuses?.find((made) => made.name === name)?.resourceClaimName,
  }));
}
