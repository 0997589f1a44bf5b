import type { Pod } from '../../api/generated/core-v1.ts';
import { resourceClaims } from '../../api/generated/resources.ts';
import type { AllocationResult, ResourceClaim } from '../../api/generated/resource-v1.ts';
import { keyOf, parseKey } from '../../api/object.ts';
import { matchesNodeSelector } from '../../api/scheduling/node-affinity.ts';
import { unresolvable, type SchedulerPlugin } from '../framework.ts';
import { allocateDevices, deviceId } from './device-allocation.ts';
import { deviceExpressionsLoaded, selects } from './device-expressions.ts';
import type { PluginContext } from './plugin-context.ts';

const FINALIZER = 'resource.kubernetes.io/delete-protection';
/** So many may share a claim. */
const MOST_USERS = 256;

interface State {
  readonly allocated: readonly ResourceClaim[];
  readonly open: readonly ResourceClaim[];
  /** Devices that others have. */
  readonly taken: ReadonlySet<string>;
  /** By node, an allocation for each open claim. */
  readonly plans: Map<string, readonly AllocationResult[]>;
}

/** A pod goes where the devices of its claims are; a claim that has none gets them on the node that is chosen. Upstream: plugins/dynamicresources. */
export function dynamicResources(context: PluginContext): SchedulerPlugin<State> {
  /** By the uid of claims that are being given devices: what the cache does not show yet. */
  const promised = new Map<string, AllocationResult>();
  /** By pod: what is to be written. */
  const plans = new Map<string, readonly { readonly claim: ResourceClaim; readonly allocation: AllocationResult | undefined }[]>();

  const takenDevices = (): ReadonlySet<string> => {
    const taken = new Set<string>();
    const take = ({ devices }: AllocationResult): void => {
      for (const { driver, pool, device, adminAccess } of devices?.results ?? []) if (!adminAccess) taken.add(deviceId(driver, pool, device));
    };
    for (const { metadata, status } of context.resourceClaims.list()) {
      if (!status?.allocation) continue;
      take(status.allocation);
      promised.delete(metadata.uid);
    }
    for (const allocation of promised.values()) take(allocation);
    return taken;
  };

  return {
    name: 'DynamicResources',

    preEnqueue(pod) {
      const missing = claimsOf(pod).find(({ claimName }) => claimName === undefined);
      return missing && unresolvable(`pod "${keyOf(pod)}": ResourceClaim not created yet for pod claim "${missing.name}"`);
    },

    preFilter({ pod }) {
      const claims: ResourceClaim[] = [];
      if (!pod.spec.resourceClaims?.length) return 'skip';
      for (const { name, claimName } of claimsOf(pod)) {
        if (claimName === undefined) return { rejected: unresolvable(`pod "${keyOf(pod)}": ResourceClaim not created yet for pod claim "${name}"`) };
        const claim = context.resourceClaims.get(`${pod.metadata.namespace}/${claimName}`);
        if (!claim) return { rejected: unresolvable(`resourceclaim "${claimName}" not found`) };
        if (claim.metadata.deletionTimestamp !== undefined) return { rejected: unresolvable(`resourceclaim "${claimName}" is being deleted`) };
        const users = claim.status?.reservedFor ?? [];
        if (users.length >= MOST_USERS && !users.some(({ uid }) => uid === pod.metadata.uid)) return { rejected: unresolvable('resourceclaim in use') };
        claims.push(claim);
      }
      const open = claims.filter(({ status }) => !status?.allocation);
      for (const { metadata, spec } of open) {
        // Somebody else's pod shares this claim and is about to get its devices.
        if (promised.has(metadata.uid)) return { rejected: unresolvable(`resourceclaim "${metadata.name}" is in the process of being allocated`) };
        for (const { name, exactly } of spec.devices?.requests ?? []) {
          if (exactly && !context.deviceClasses.get(exactly.deviceClassName)) return { rejected: unresolvable(`request ${name}: device class ${exactly.deviceClassName} does not exist`) };
        }
      }
      return { state: { allocated: claims.filter(({ status }) => status?.allocation), open, taken: open.length > 0 ? takenDevices() : new Set(), plans: new Map() } };
    },

    filter({ allocated, open, taken, plans: found }, _pod, { name, node }) {
      for (const { status } of allocated) {
        const { nodeSelector } = status!.allocation!;
        if (nodeSelector && !matchesNodeSelector(nodeSelector, node!)) return elsewhere;
      }
      if (open.length === 0) return undefined;
      const slices = context.resourceSlices.list();
      // While the evaluation of selectors loads, nothing can be had; the scheduler is told of the slices again afterwards.
      if (!deviceExpressionsLoaded()) return impossible;
      const results = allocateDevices({ claims: open, node: node!, slices, classOf: (className) => context.deviceClasses.get(className), taken, selects });
      if (!results) return impossible;
      found.set(name, results);
      return undefined;
    },

    reserve({ allocated, open, plans: found }, pod, { name }) {
      const results = found.get(name) ?? [];
      plans.set(pod.key, [...open.map((claim, i) => ({ claim, allocation: results[i] })), ...allocated.map((claim) => ({ claim, allocation: undefined }))]);
      for (const [i, claim] of open.entries()) promised.set(claim.metadata.uid, results[i]!);
    },

    unreserve(pod) {
      for (const { claim } of plans.get(pod.key) ?? []) promised.delete(claim.metadata.uid);
      plans.delete(pod.key);
    },

    async preBind({ key, pod: { metadata: { name, uid } } }) {
      for (const { claim, allocation } of plans.get(key) ?? []) {
        const user = { resource: 'pods', name, uid };
        const at = parseKey(keyOf(claim));
        let current = allocation ? claim : await context.client.get(resourceClaims, at);
        if (allocation && !current.metadata.finalizers?.includes(FINALIZER)) {
          current = await context.client.update(resourceClaims, { ...current, metadata: { ...current.metadata, finalizers: [...(current.metadata.finalizers ?? []), FINALIZER] } });
        }
        const { reservedFor = [] } = current.status ?? {};
        if (!allocation && reservedFor.some((other) => other.uid === uid)) continue;
        if (!allocation && !current.status?.allocation) throw new Error(`resourceclaim "${claim.metadata.name}" has lost its devices`);
        await context.client.updateStatus(resourceClaims, { ...current, status: { ...current.status, ...(allocation && { allocation }), reservedFor: [...reservedFor, user] } });
      }
      plans.delete(key);
    },

    hints: {
      Node: (_pod, { action }) => action !== 'delete',
      ResourceSlice: (_pod, { action }) => action !== 'delete',
      DeviceClass: (_pod, { action }) => action !== 'delete',
      // Its own, or one that gives devices back.
      ResourceClaim: (pod, { action, previous, object }) => {
        const { namespace, name } = (object as ResourceClaim).metadata;
        const own = namespace === pod.metadata.namespace && claimsOf(pod).some(({ claimName }) => claimName === name);
        if (action !== 'delete' && own) return true;
        const had = action === 'delete' ? (object as ResourceClaim) : (previous as ResourceClaim | undefined);
        return had?.status?.allocation !== undefined && (action === 'delete' || !(object as ResourceClaim).status?.allocation);
      },
    },
  };
}

const impossible = unresolvable('cannot allocate all claims');
const elsewhere = unresolvable('resourceclaim not available on the node');

/** The claims that a pod uses; a claim made from a template has its name once it is made. */
function claimsOf({ spec, status }: Pod): { readonly name: string; readonly claimName: string | undefined }[] {
  return (spec.resourceClaims ?? []).flatMap(({ name, resourceClaimName }) => {
    const made = status?.resourceClaimStatuses?.find((one) => one.name === name);
    // A template may say that the pod needs no claim after all.
    if (resourceClaimName === undefined && made && made.resourceClaimName === undefined) return [];
    return [{ name, claimName: resourceClaimName ?? made?.resourceClaimName }];
  });
}
