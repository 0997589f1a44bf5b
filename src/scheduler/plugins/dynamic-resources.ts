import type { ContainerExtendedResourceRequest, Pod } from '../../api/generated/core-v1.ts';
import { pods, resourceClaims } from '../../api/generated/resources.ts';
import type { AllocationResult, DeviceRequestAllocationResult, ResourceClaim } from '../../api/generated/resource-v1.ts';
import { isReason } from '../../api/errors.ts';
import { keyOf, parseKey } from '../../api/object.ts';
import { matchesNodeSelector } from '../../api/scheduling/node-affinity.ts';
import { rfc3339 } from '../../base/clock.ts';
import { normalizeByMaximum, type SchedulerPlugin } from '../framework.ts';
import { unresolvable } from '../rejection.ts';
import type { PluginArguments } from '../scheduler-configuration.ts';
import { BINDING_TIMEOUT_MS, claimReadiness } from './claim-readiness.ts';
import type { Capacities } from './consumable-capacity.ts';
import { allocateDevices, deviceId } from './device-allocation.ts';
import { deviceExpressionsLoaded, selects } from './device-expressions.ts';
import { classOfResource, deviceRequests, isExtendedClaimOf, resourcesByDevices, unmadeClaim } from './extended-resources.ts';
import type { PluginContext } from './plugin-context.ts';

const FINALIZER = 'resource.kubernetes.io/delete-protection';
/** So many may share a claim. */
const MOST_USERS = 256;
/** Whether devices have been made ready is looked at so often, in milliseconds, while a pod waits for it. */
const LOOK_MS = 1000;
/**
 * A search for devices on one node may take so long, in milliseconds. Upstream, where it holds up nobody else, gives it ten seconds (DynamicResourcesArgs.filterTimeout); here
 * the API server lives in the same thread.
 */
const FILTER_TIMEOUT_MS = 1000;
/** The time is looked at once in so many steps of the search. */
const STEPS_A_LOOK = 256;
/** Of alternatives there are so many at most. Upstream: FirstAvailableDeviceRequestMaxSize. */
const MOST_ALTERNATIVES = 8;

interface State {
  readonly pod: string;
  readonly allocated: readonly ResourceClaim[];
  readonly open: readonly ResourceClaim[];
  /** The claim for what the pod asks for as extended resources; it asks for nothing until a node is looked at, unless it is left from an earlier try. */
  readonly extended: ResourceClaim | undefined;
  /** What others have. */
  readonly given: Given;
  readonly plans: Map<string, Plan>;
  /** Allocated claims that cannot be used on some node: giving them back may help. */
  readonly unavailable: Set<ResourceClaim>;
}

interface Given {
  readonly taken: ReadonlySet<string>;
  readonly shares: ReadonlyMap<string, readonly Capacities[]>;
}

/** What is to be done on a node: an allocation for each of these claims. */
interface Plan {
  readonly claims: readonly ResourceClaim[];
  readonly allocations: readonly AllocationResult[];
  /** Which container uses what of the claim for extended resources, the last of these, where there is one. */
  readonly mappings: readonly ContainerExtendedResourceRequest[] | undefined;
}

interface Promised {
  readonly claim: ResourceClaim;
  readonly allocation: AllocationResult | undefined;
  readonly mappings: readonly ContainerExtendedResourceRequest[] | undefined;
}

/** A pod goes where the devices of its claims are; a claim that has none gets them on the node that is chosen. Upstream: plugins/dynamicresources. */
export function dynamicResources(context: PluginContext, { filterTimeoutMs = FILTER_TIMEOUT_MS, bindingTimeoutMs = BINDING_TIMEOUT_MS }: PluginArguments['devices'] = {}): SchedulerPlugin<State, State> {
  /** By the uid of claims that are being given devices: what the cache does not show yet. */
  const promised = new Map<string, AllocationResult>();
  // Seen at once, and not when the next pod wants devices: by then they may have been given back, and would seem to be promised for ever.
  const shown = ({ metadata, status }: ResourceClaim): void => void (status?.allocation && promised.delete(metadata.uid));
  context.resourceClaims.subscribe({ add: shown, update: (_, claim) => shown(claim), delete: ({ metadata }) => void promised.delete(metadata.uid) });
  /** By pod: what is to be written. */
  const plans = new Map<string, readonly Promised[]>();
  /** By pod: the claim that was made for its extended resources, until the pod is bound. */
  const made = new Map<string, ResourceClaim>();
  /** Of the pod that is being looked at. */
  let current: State | undefined;

  const givenDevices = (): Given => {
    const taken = new Set<string>();
    const shares = new Map<string, readonly Capacities[]>();
    const take = ({ devices }: AllocationResult): void => {
      for (const result of devices?.results ?? []) {
        if (result.adminAccess) continue;
        const id = deviceId(result.driver, result.pool, result.device);
        if (isShare(result)) shares.set(id, [...shares.get(id) ?? [], result.consumedCapacity ?? {}]);
        else taken.add(id);
      }
    };
    for (const { metadata, status } of context.resourceClaims.list()) {
      if (!status?.allocation) continue;
      take(status.allocation);
      promised.delete(metadata.uid);
    }
    for (const allocation of promised.values()) take(allocation);
    return { taken, shares };
  };

  /** For one search. What is over time is tried again later, and not when something happens: it may be quicker then. */
  const timeLimit = (node: string): (() => void) => {
    if (filterTimeoutMs === 0) return () => undefined;
    const end = context.clock.monotonic() + filterTimeoutMs;
    let steps = 0;
    return () => {
      if (++steps % STEPS_A_LOOK === 0 && context.clock.monotonic() > end) throw new Error(`node ${node}: timed out trying to allocate devices`);
    };
  };

  return {
    name: 'DynamicResources',

    preEnqueue(pod) {
      const missing = claimsOf(pod).find(({ claimName }) => claimName === undefined);
      return missing && unresolvable(`pod "${keyOf(pod)}": ResourceClaim not created yet for pod claim "${missing.name}"`);
    },

    preFilter({ pod, key, requests }) {
      current = undefined;
      const claims: ResourceClaim[] = [];
      const byDevices = requests.scalars.size > 0 && requests.scalars.entries().some(([name, amount]) => amount > 0 && classOfResource(name, context.deviceClasses) !== undefined);
      if (!pod.spec.resourceClaims?.length && !byDevices) return 'skip';
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
      const extended = byDevices ? context.resourceClaims.list().find((claim) => isExtendedClaimOf(pod, claim)) ?? { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', ...unmadeClaim(pod) } : undefined;
      const given = open.length > 0 || extended ? givenDevices() : { taken: new Set<string>(), shares: new Map<string, readonly Capacities[]>() };
      current = { pod: key, allocated: claims.filter(({ status }) => status?.allocation), open, extended, given, plans: new Map(), unavailable: new Set() };
      return { state: current };
    },

    filter({ allocated, open, extended, given, plans: found, unavailable }, { pod, requests }, { name, node, allocatable }) {
      if (extended?.metadata.name) return leftOver;
      const unusable = allocated.filter((claim) => {
        const { nodeSelector } = claim.status!.allocation!;
        if (nodeSelector && !matchesNodeSelector(nodeSelector, node!)) return true;
        const { state } = claimReadiness(claim, context.clock.now(), bindingTimeoutMs);
        return state === 'failed' || state === 'late';
      });
      for (const claim of unusable) unavailable.add(claim);
      if (unusable.length > 0) return elsewhere;
      const byDevices = extended ? resourcesByDevices(requests, allocatable, context.deviceClasses) : undefined;
      const asked = byDevices && byDevices.size > 0 ? deviceRequests(pod, byDevices) : undefined;
      const claims = asked ? [...open, { ...extended!, spec: { devices: { requests: asked.requests } } }] : open;
      if (claims.length === 0) return undefined;
      const slices = context.resourceSlices.list();
      // While the evaluation of selectors loads, nothing can be had; the scheduler is told of the slices again afterwards.
      if (!deviceExpressionsLoaded()) return impossible;
      const allocations = allocateDevices({ claims, node: node!, slices, classOf: (className) => context.deviceClasses.get(className), ...given, newShareId: context.newId, selects, checkTime: timeLimit(name) });
      if (!allocations) return impossible;
      found.set(name, { claims, allocations, mappings: asked?.mappings });
      return undefined;
    },

    postFilter({ extended, unavailable }, { pod }) {
      const mayGiveBack = ({ status }: ResourceClaim): boolean => (status?.reservedFor ?? []).every(({ uid }) => uid === pod.metadata.uid);
      const [claim] = [...unavailable].filter(mayGiveBack);
      if (claim) return giveBack(claim, context);
      return extended?.metadata.name ? deleteClaim(extended, context) : undefined;
    },

    preScore(pod) {
      const alternatives = current?.pod === pod.key && [...current.open, ...current.allocated].some(({ spec }) => spec.devices?.requests?.some(({ firstAvailable }) => firstAvailable?.length));
      return alternatives ? current! : 'skip';
    },

    score({ allocated, plans: found }, _pod, { name }) {
      const plan = found.get(name);
      const all = [...allocated.map((claim) => [claim, claim.status!.allocation!] as const), ...(plan?.claims ?? []).map((claim, i) => [claim, plan!.allocations[i]!] as const)];
      return all.reduce((sum, [claim, allocation]) => sum + preference(claim, allocation), 0);
    },

    normalize: (_state, scores) => normalizeByMaximum(scores, false),

    reserve({ allocated, plans: found }, pod, { name }) {
      const { claims = [], allocations = [], mappings } = found.get(name) ?? {};
      plans.set(pod.key, [
        ...claims.map((claim, i) => ({ claim, allocation: allocations[i], mappings: mappings && i === claims.length - 1 ? mappings : undefined })),
        ...allocated.map((claim) => ({ claim, allocation: undefined, mappings: undefined })),
      ]);
      for (const [i, claim] of claims.entries()) promised.set(claim.metadata.uid, allocations[i]!);
    },

    unreserve(pod) {
      for (const { claim } of plans.get(pod.key) ?? []) promised.delete(claim.metadata.uid);
      plans.delete(pod.key);
      const own = made.get(pod.key);
      made.delete(pod.key);
      if (!own) return;
      promised.delete(own.metadata.uid);
      // Where that fails, the next try finds the claim and deletes it.
      void deleteClaim(own, context).catch(() => undefined);
    },

    async preBind({ key, pod }, node, signal) {
      const user = { resource: 'pods', name: pod.metadata.name, uid: pod.metadata.uid };
      const waitFor: ResourceClaim[] = [];
      for (const { claim, allocation, mappings } of plans.get(key) ?? []) {
        let latest = claim;
        if (mappings) {
          latest = await makeExtended(claim, context);
          made.set(key, latest);
          promised.set(latest.metadata.uid, allocation!);
          promised.delete(claim.metadata.uid);
        } else if (!allocation) {
          latest = await context.client.get(resourceClaims, parseKey(keyOf(claim)));
        }
        latest = await reserveClaim(latest, allocation, user, context);
        if (mappings) await tellExtended(pod, latest, mappings, context);
        if (latest.status?.allocation?.devices?.results?.some(({ bindingConditions }) => bindingConditions?.length)) waitFor.push(latest);
      }
      if (waitFor.length > 0) context.event(pod, 'Normal', 'BindingConditionsPending', `waiting for binding conditions for device on node ${node}`);
      for (const claim of waitFor) await untilReady(claim, context, bindingTimeoutMs, signal);
      plans.delete(key);
      made.delete(key);
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
        if (action === 'delete' && isExtendedClaimOf(pod, object as ResourceClaim)) return true;
        const had = action === 'delete' ? (object as ResourceClaim) : (previous as ResourceClaim | undefined);
        return had?.status?.allocation !== undefined && (action === 'delete' || !(object as ResourceClaim).status?.allocation);
      },
    },
  };
}

/** Part of a device that several may have. */
const isShare = ({ shareID, consumedCapacity }: DeviceRequestAllocationResult): boolean => shareID !== undefined || consumedCapacity !== undefined;

/** The better the alternatives are that were had, the more. */
function preference({ spec }: ResourceClaim, { devices }: AllocationResult): number {
  const had = new Set(devices?.results?.map(({ request }) => request));
  return (spec.devices?.requests ?? []).flatMap(({ name, firstAvailable = [] }) => firstAvailable.map((sub, i) => (had.has(`${name}/${sub.name}`) ? MOST_ALTERNATIVES - i : 0))).reduce((a, b) => a + b, 0);
}

/** Writes who uses the claim, and which devices it has where that is new. */
async function reserveClaim(claim: ResourceClaim, allocation: AllocationResult | undefined, user: { readonly resource: string; readonly name: string; readonly uid: string }, { client, clock }: PluginContext): Promise<ResourceClaim> {
  let current = claim;
  if (allocation && !current.metadata.finalizers?.includes(FINALIZER)) {
    current = await client.update(resourceClaims, { ...current, metadata: { ...current.metadata, finalizers: [...(current.metadata.finalizers ?? []), FINALIZER] } });
  }
  const { reservedFor = [] } = current.status ?? {};
  if (!allocation && reservedFor.some((other) => other.uid === user.uid)) return current;
  if (!allocation && !current.status?.allocation) throw new Error(`resourceclaim "${claim.metadata.name}" has lost its devices`);
  const given = allocation && { ...allocation, allocationTimestamp: rfc3339(clock.now()) };
  return await client.updateStatus(resourceClaims, { ...current, status: { ...current.status, ...(given && { allocation: given }), reservedFor: [...reservedFor, user] } });
}

async function makeExtended({ metadata: { name: _name, uid: _uid, resourceVersion: _version, creationTimestamp: _created, ...metadata }, spec }: ResourceClaim, { client }: PluginContext): Promise<ResourceClaim> {
  return await client.create(resourceClaims, { metadata, spec });
}

async function tellExtended({ metadata: { namespace, name, uid } }: Pod, claim: ResourceClaim, requestMappings: readonly ContainerExtendedResourceRequest[], { client }: PluginContext): Promise<void> {
  const status = { extendedResourceClaimStatus: { requestMappings, resourceClaimName: claim.metadata.name } };
  await client.patch(pods, { namespace, name }, { type: 'application/strategic-merge-patch+json', body: { metadata: { uid }, status } }, { subresource: 'status' });
}

/** Rejects where the devices cannot be made ready, or are not in time. */
async function untilReady(claim: ResourceClaim, { resourceClaims: known, clock }: PluginContext, timeoutMs: number, signal: AbortSignal): Promise<void> {
  for (let latest = claim; ; latest = known.get(keyOf(claim)) ?? claim) {
    const readiness = claimReadiness(latest, clock.now(), timeoutMs);
    if (readiness.state === 'ready') return;
    if (readiness.state !== 'waiting') throw new Error(readiness.message);
    await clock.sleep(LOOK_MS, signal);
  }
}

async function giveBack(claim: ResourceClaim, { client }: PluginContext): Promise<void> {
  const { allocation: _allocation, reservedFor: _reservedFor, devices: _devices, ...status } = claim.status ?? {};
  await client.updateStatus(resourceClaims, { ...claim, status });
}

async function deleteClaim(claim: ResourceClaim, context: PluginContext): Promise<void> {
  const { client } = context;
  const at = parseKey(keyOf(claim));
  try {
    let current = await client.get(resourceClaims, at);
    if (current.metadata.uid !== claim.metadata.uid) return;
    if (current.status?.allocation) {
      await giveBack(current, context);
      current = await client.get(resourceClaims, at);
    }
    if (current.metadata.finalizers?.includes(FINALIZER)) await client.update(resourceClaims, { ...current, metadata: { ...current.metadata, finalizers: current.metadata.finalizers.filter((one) => one !== FINALIZER) } });
    await client.delete(resourceClaims, at, { preconditions: { uid: claim.metadata.uid } });
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}

/** It is from an earlier try, for another node maybe. */
const leftOver = unresolvable('cannot schedule extended resource claim');
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
