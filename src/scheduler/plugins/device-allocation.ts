import type { Node } from '../../api/generated/core-v1.ts';
import type { AllocationResult, Device, DeviceAllocationConfiguration, DeviceClass, DeviceConstraint, DeviceRequest, DeviceRequestAllocationResult, DeviceSelector, DeviceToleration, ResourceClaim, ResourceSlice } from '../../api/generated/resource-v1.ts';
import { matchesNodeSelector } from '../../api/scheduling/node-affinity.ts';
import { tolerates } from '../../api/scheduling/taints.ts';
import { SharedCounters } from './shared-counters.ts';

/** A device that can be had on a node. */
interface Offer {
  readonly id: string;
  readonly driver: string;
  readonly pool: string;
  readonly device: Device;
  /** It is there for this node alone. */
  readonly local: boolean;
}

/** One thing that is asked for, of several that would do. */
interface Wish {
  /** `request`, or `request/subrequest` */
  readonly request: string;
  readonly className: string;
  readonly selectors: readonly DeviceSelector[];
  /** Undefined: all that there are. */
  readonly count: number | undefined;
  readonly adminAccess: boolean;
  readonly tolerations: readonly DeviceToleration[];
}

interface Taken extends Offer {
  readonly wish: Wish;
}

export interface AllocationInput {
  readonly claims: readonly ResourceClaim[];
  readonly node: Node;
  readonly slices: readonly ResourceSlice[];
  readonly classOf: (name: string) => DeviceClass | undefined;
  /** Devices that are given away, by `deviceId`. */
  readonly taken: ReadonlySet<string>;
  /** Throws where the expression cannot be evaluated. */
  readonly selects: (selectors: readonly DeviceSelector[] | undefined, driver: string, device: Device) => boolean;
}

export const deviceId = (driver: string, pool: string, device: string): string => `${driver}/${pool}/${device}`;

/**
 * Gives each claim the devices that it asks for, of those that the node can have; undefined where there are not enough. Requests are tried one after
 * the other, with each device, until all constraints hold. Upstream: dynamic-resource-allocation/structured. Thinner: devices that are given to several
 * at once are left alone.
 */
export function allocateDevices(input: AllocationInput): readonly AllocationResult[] | undefined {
  const slices = wholePools(input.slices);
  const taken = new Set(input.taken);
  const counters = new SharedCounters(slices, ({ driver, pool, device }) => taken.has(deviceId(driver, pool, device.name)));
  const stock: Stock = { offers: offersFor(input.node, slices), taken, counters };
  const results: AllocationResult[] = [];
  for (const claim of input.claims) {
    const requests = claim.spec.devices?.requests ?? [];
    const found = choose(requests.map(wishesOf), claim.spec.devices?.constraints ?? [], [], stock, input);
    if (!found) return undefined;
    const own = found.filter(({ wish }) => !wish.adminAccess);
    for (const { id } of own) taken.add(id);
    counters.take(own);
    results.push(resultOf(claim, found, input));
  }
  return results;
}

/** What is there to choose from. */
interface Stock {
  readonly offers: readonly Offer[];
  readonly taken: ReadonlySet<string>;
  readonly counters: SharedCounters;
}

/** The slices of complete pools, of their newest generation. */
function wholePools(slices: readonly ResourceSlice[]): readonly ResourceSlice[] {
  const pools = new Map<string, ResourceSlice[]>();
  for (const slice of slices) {
    const key = `${slice.spec.driver}/${slice.spec.pool.name}`;
    const members = pools.get(key);
    const newest = members?.[0]?.spec.pool.generation ?? -1;
    if (slice.spec.pool.generation > newest) pools.set(key, [slice]);
    else if (slice.spec.pool.generation === newest) members!.push(slice);
  }
  return [...pools.values()].filter((members) => members.length === members[0]!.spec.pool.resourceSliceCount).flat();
}

/** The devices that the node can reach. */
function offersFor(node: Node, slices: readonly ResourceSlice[]): readonly Offer[] {
  return slices.flatMap(({ spec }) => (spec.devices ?? []).flatMap((device): Offer[] => {
    const { nodeName, nodeSelector, allNodes } = spec.perDeviceNodeSelection ? device : spec;
    const here = allNodes || nodeName === node.metadata.name || (nodeSelector !== undefined && matchesNodeSelector(nodeSelector, node));
    if (!here || device.allowMultipleAllocations) return [];
    return [{ id: deviceId(spec.driver, spec.pool.name, device.name), driver: spec.driver, pool: spec.pool.name, device, local: !allNodes }];
  }));
}

/** What would do, the best first. */
function wishesOf({ name, exactly, firstAvailable = [] }: DeviceRequest): readonly Wish[] {
  const wish = (request: string, { deviceClassName, selectors = [], allocationMode, count = 1, tolerations = [] }: Omit<NonNullable<typeof exactly>, 'adminAccess'>, adminAccess = false): Wish =>
    ({ request, className: deviceClassName, selectors, count: allocationMode === 'All' ? undefined : count, adminAccess, tolerations });
  return exactly ? [wish(name, exactly, exactly.adminAccess)] : firstAvailable.map((sub) => wish(`${name}/${sub.name}`, sub));
}

function choose(left: readonly (readonly Wish[])[], constraints: readonly DeviceConstraint[], chosen: readonly Taken[], stock: Stock, input: AllocationInput): readonly Taken[] | undefined {
  const { offers, taken, counters } = stock;
  const [first, ...rest] = left;
  if (!first) return chosen;
  for (const wish of first) {
    const deviceClass = input.classOf(wish.className);
    if (!deviceClass) continue;
    const free = (offer: Offer): boolean => wish.adminAccess || (!taken.has(offer.id) && !chosen.some((other) => other.id === offer.id && !other.wish.adminAccess));
    const fitting = offers.filter(({ driver, device }) => bears(wish, device) && input.selects(deviceClass.spec.selectors, driver, device) && input.selects(wish.selectors, driver, device));
    const next = (now: readonly Taken[]): readonly Taken[] | undefined => choose(rest, constraints, now, stock, input);
    const mayBe = (now: readonly Taken[]): boolean => holds(constraints, now) && counters.allow(now.filter((one) => !one.wish.adminAccess));
    if (wish.count === undefined) {
      const all = fitting.map((offer) => ({ ...offer, wish }));
      const found = all.length > 0 && fitting.every(free) && mayBe([...chosen, ...all]) ? next([...chosen, ...all]) : undefined;
      if (found) return found;
      continue;
    }
    const pick = (from: number, count: number, now: readonly Taken[]): readonly Taken[] | undefined => {
      if (count === 0) return next(now);
      for (let i = from; i <= fitting.length - count; i++) {
        const candidate = [...now, { ...fitting[i]!, wish }];
        const found = free(fitting[i]!) && mayBe(candidate) ? pick(i + 1, count - 1, candidate) : undefined;
        if (found) return found;
      }
      return undefined;
    };
    const found = pick(0, wish.count, chosen);
    if (found) return found;
  }
  return undefined;
}

const bears = ({ tolerations, adminAccess }: Wish, { taints = [] }: Device): boolean =>
  adminAccess || taints.every((taint) => taint.effect === 'None' || tolerations.some((toleration) => tolerates(toleration, taint)));

/** Whether what was chosen so far breaks no constraint. */
function holds(constraints: readonly DeviceConstraint[], chosen: readonly Taken[]): boolean {
  return constraints.every(({ requests = [], matchAttribute, distinctAttribute }) => {
    const concerned = chosen.filter(({ wish }) => requests.length === 0 || requests.includes(wish.request) || requests.includes(wish.request.split('/')[0]!));
    const attribute = matchAttribute ?? distinctAttribute;
    if (attribute === undefined || concerned.length === 0) return true;
    const values = concerned.map(({ driver, device: { attributes = {} } }) => attributes[attribute] ?? (attribute.startsWith(`${driver}/`) ? attributes[attribute.slice(driver.length + 1)] : undefined));
    if (values.some((value) => value === undefined)) return false;
    const different = new Set(values.map((value) => JSON.stringify(value))).size;
    return matchAttribute !== undefined ? different === 1 : different === values.length;
  });
}

function resultOf(claim: ResourceClaim, chosen: readonly Taken[], { node, classOf }: AllocationInput): AllocationResult {
  const results = chosen.map(({ wish, driver, pool, device }): DeviceRequestAllocationResult => ({
    request: wish.request, driver, pool, device: device.name, ...(wish.adminAccess && { adminAccess: true }), ...(wish.tolerations.length > 0 && { tolerations: wish.tolerations }),
  }));
  const wishes = [...new Map(chosen.map(({ wish }) => [wish.request, wish])).values()];
  const config: DeviceAllocationConfiguration[] = [
    ...wishes.flatMap(({ request, className }) => (classOf(className)?.spec.config ?? []).map((of) => ({ source: 'FromClass', requests: [request], ...of }))),
    ...(claim.spec.devices?.config ?? []).map((of) => ({ source: 'FromClaim', ...of })),
  ];
  const onlyHere = chosen.some(({ local }) => local);
  return {
    devices: { results, ...(config.length > 0 && { config }) },
    ...(onlyHere && { nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node.metadata.name] }] }] } }),
  };
}
