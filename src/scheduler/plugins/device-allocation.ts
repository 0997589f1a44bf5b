import type { Node, NodeSelector, NodeSelectorTerm } from '../../api/generated/core-v1.ts';
import type { AllocationResult, Device, DeviceAllocationConfiguration, CapacityRequirements, DeviceClass, DeviceConstraint, DeviceRequest, DeviceRequestAllocationResult, DeviceSelector, DeviceToleration, ResourceClaim, ResourceSlice } from '../../api/generated/resource-v1.ts';
import { matchesNodeSelector } from '../../api/scheduling/node-affinity.ts';
import { tolerates } from '../../api/scheduling/taints.ts';
import { consumedCapacity, fitsTogether, type Capacities } from './consumable-capacity.ts';
import { SharedCounters } from './shared-counters.ts';

/** A device that can be had on a node. */
interface Offer {
  readonly id: string;
  readonly driver: string;
  readonly pool: string;
  readonly device: Device;
  /** It is there for this node alone. */
  readonly local: boolean;
  /** It is there for nodes of this kind. */
  readonly nodeSelector: NodeSelector | undefined;
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
  /** How much of each device's capacities. */
  readonly capacity: CapacityRequirements | undefined;
}

interface Taken extends Offer {
  readonly wish: Wish;
  /** Its share of a device that several have; undefined: it has the whole. */
  readonly share: Capacities | undefined;
}

export interface AllocationInput {
  readonly claims: readonly ResourceClaim[];
  readonly node: Node;
  readonly slices: readonly ResourceSlice[];
  readonly classOf: (name: string) => DeviceClass | undefined;
  /** Devices that are given away, by `deviceId`. */
  readonly taken: ReadonlySet<string>;
  /** Shares that are given away, by `deviceId`, of devices that several may have at once. */
  readonly shares?: ReadonlyMap<string, readonly Capacities[]>;
  /** A name for a share. */
  readonly newShareId?: () => string;
  /** Throws where the expression cannot be evaluated. */
  readonly selects: (selectors: readonly DeviceSelector[] | undefined, driver: string, device: Device) => boolean;
  /** Asked again and again while it is searched: throws when that has taken too long. */
  readonly checkTime?: () => void;
}

export const deviceId = (driver: string, pool: string, device: string): string => `${driver}/${pool}/${device}`;

/**
 * Gives each claim the devices that it asks for, of those that the node can have; undefined where there are not enough. Requests are tried one after
 * the other, with each device, until all constraints hold. Upstream: dynamic-resource-allocation/structured.
 */
export function allocateDevices(input: AllocationInput): readonly AllocationResult[] | undefined {
  const slices = wholePools(input.slices);
  const taken = new Set(input.taken);
  const shares = new Map(input.shares);
  const counters = new SharedCounters(slices, ({ driver, pool, device }) => [taken, shares].some((given) => given.has(deviceId(driver, pool, device.name))));
  const stock: Stock = { offers: offersFor(input.node, slices), taken, shares, counters };
  const results: AllocationResult[] = [];
  for (const claim of input.claims) {
    const requests = claim.spec.devices?.requests ?? [];
    const found = choose(requests.map(wishesOf), claim.spec.devices?.constraints ?? [], [], stock, input);
    if (!found) return undefined;
    counters.take(drawing(found, stock));
    for (const { id, wish, share } of found) {
      if (share) shares.set(id, [...shares.get(id) ?? [], share]);
      else if (!wish.adminAccess) taken.add(id);
    }
    results.push(resultOf(claim, found, input));
  }
  return results;
}

/** What is there to choose from. */
interface Stock {
  readonly offers: readonly Offer[];
  readonly taken: ReadonlySet<string>;
  readonly shares: ReadonlyMap<string, readonly Capacities[]>;
  readonly counters: SharedCounters;
}

/** Those that draw on counters now: a device that several have does so once. */
function drawing(chosen: readonly Taken[], { shares }: Pick<Stock, 'shares'>): readonly Taken[] {
  return chosen.filter(({ id, wish, share }, i) => (share ? !shares.has(id) && chosen.findIndex((other) => other.id === id) === i : !wish.adminAccess));
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

/** The devices that the node can reach; those of pools in which some must be made ready first come last. */
function offersFor(node: Node, slices: readonly ResourceSlice[]): readonly Offer[] {
  const slow = new Set(slices.filter(({ spec }) => spec.devices?.some(({ bindingConditions }) => bindingConditions?.length)).map(({ spec }) => `${spec.driver}/${spec.pool.name}`));
  const offers = slices.flatMap(({ spec }) => (spec.devices ?? []).flatMap((device): Offer[] => {
    const { nodeName, nodeSelector, allNodes } = spec.perDeviceNodeSelection ? device : spec;
    const here = allNodes || nodeName === node.metadata.name || (nodeSelector !== undefined && matchesNodeSelector(nodeSelector, node));
    if (!here) return [];
    const local = nodeName !== undefined || device.bindsToNode === true;
    return [{ id: deviceId(spec.driver, spec.pool.name, device.name), driver: spec.driver, pool: spec.pool.name, device, local, nodeSelector }];
  }));
  if (slow.size === 0) return offers;
  const isSlow = ({ driver, pool }: Offer): boolean => slow.has(`${driver}/${pool}`);
  return [...offers.filter((offer) => !isSlow(offer)), ...offers.filter(isSlow)];
}

/** What would do, the best first. */
function wishesOf({ name, exactly, firstAvailable = [] }: DeviceRequest): readonly Wish[] {
  const wish = (request: string, { deviceClassName, selectors = [], allocationMode, count = 1, tolerations = [], capacity }: Omit<NonNullable<typeof exactly>, 'adminAccess'>, adminAccess = false): Wish =>
    ({ request, className: deviceClassName, selectors, count: allocationMode === 'All' ? undefined : count, adminAccess, tolerations, capacity });
  return exactly ? [wish(name, exactly, exactly.adminAccess)] : firstAvailable.map((sub) => wish(`${name}/${sub.name}`, sub));
}

function choose(left: readonly (readonly Wish[])[], constraints: readonly DeviceConstraint[], chosen: readonly Taken[], stock: Stock, input: AllocationInput): readonly Taken[] | undefined {
  const { offers, taken, shares, counters } = stock;
  const [first, ...rest] = left;
  if (!first) return chosen;
  for (const wish of first) {
    const deviceClass = input.classOf(wish.className);
    if (!deviceClass) continue;
    const free = ({ id, device, share }: Taken): boolean => {
      const others = chosen.filter((other) => other.id === id);
      if (share) return fitsTogether(device, [...shares.get(id) ?? [], ...others.map((other) => other.share!), share]);
      return others.length === 0 && (wish.adminAccess || !taken.has(id));
    };
    const fitting = offers.flatMap((offer): Taken[] => {
      const { driver, device } = offer;
      if (!bears(wish, device) || !input.selects(deviceClass.spec.selectors, driver, device) || !input.selects(wish.selectors, driver, device)) return [];
      const share = device.allowMultipleAllocations || wish.capacity ? consumedCapacity(wish.capacity, device) : {};
      return share ? [{ ...offer, wish, share: device.allowMultipleAllocations ? share : undefined }] : [];
    });
    const next = (now: readonly Taken[]): readonly Taken[] | undefined => choose(rest, constraints, now, stock, input);
    const mayBe = (now: readonly Taken[]): boolean => holds(constraints, now) && counters.allow(drawing(now, stock));
    if (wish.count === undefined) {
      const found = fitting.length > 0 && fitting.every(free) && mayBe([...chosen, ...fitting]) ? next([...chosen, ...fitting]) : undefined;
      if (found) return found;
      continue;
    }
    const pick = (from: number, count: number, now: readonly Taken[]): readonly Taken[] | undefined => {
      if (count === 0) return next(now);
      for (let i = from; i <= fitting.length - count; i++) {
        input.checkTime?.();
        const candidate = [...now, fitting[i]!];
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

function resultOf(claim: ResourceClaim, chosen: readonly Taken[], { node, classOf, newShareId }: AllocationInput): AllocationResult {
  const results = chosen.map(({ wish, driver, pool, device, share }): DeviceRequestAllocationResult => ({
    request: wish.request, driver, pool, device: device.name, ...(wish.adminAccess && { adminAccess: true }), ...(wish.tolerations.length > 0 && { tolerations: wish.tolerations }),
    ...(device.bindingConditions?.length && { bindingConditions: device.bindingConditions }), ...(device.bindingFailureConditions?.length && { bindingFailureConditions: device.bindingFailureConditions }),
    ...(share && newShareId && { shareID: newShareId() }), ...(share && Object.keys(share).length > 0 && { consumedCapacity: share }),
  }));
  // What a class is set up with stands once, for all requests that it serves.
  const byClass = new Map<string, Set<string>>();
  for (const { wish: { className, request } } of chosen) byClass.set(className, (byClass.get(className) ?? new Set()).add(request));
  const served = new Set(chosen.flatMap(({ wish: { request } }) => [request, request.split('/')[0]!]));
  const config: DeviceAllocationConfiguration[] = [
    ...[...byClass].flatMap(([className, requests]) => (classOf(className)?.spec.config ?? []).map((of) => ({ source: 'FromClass', requests: [...requests], ...of }))),
    ...(claim.spec.devices?.config ?? []).filter(({ requests = [] }) => requests.length === 0 || requests.some((request) => served.has(request))).map((of) => ({ source: 'FromClaim', ...of })),
  ];
  const nodeSelector = placeOf(chosen, node);
  return { devices: { results, ...(config.length > 0 && { config }) }, ...(nodeSelector && { nodeSelector }) };
}

/** Where all that was chosen can be used; undefined: everywhere. */
function placeOf(chosen: readonly Taken[], node: Node): NodeSelector | undefined {
  if (chosen.some(({ local }) => local)) return { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node.metadata.name] }] }] };
  const distinct = <T>(list: readonly T[]): readonly T[] => [...new Map(list.map((item) => [JSON.stringify(item), item])).values()];
  const terms = chosen.flatMap(({ nodeSelector }) => nodeSelector?.nodeSelectorTerms[0] ?? []);
  const matchFields = distinct(terms.flatMap((term) => term.matchFields ?? []));
  const matchExpressions = distinct(terms.flatMap((term) => term.matchExpressions ?? []));
  const term: NodeSelectorTerm = { ...(matchFields.length > 0 && { matchFields }), ...(matchExpressions.length > 0 && { matchExpressions }) };
  return Object.keys(term).length > 0 ? { nodeSelectorTerms: [term] } : undefined;
}
