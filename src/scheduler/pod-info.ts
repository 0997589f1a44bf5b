import type { Container, Pod, PodAffinityTerm, PodSpec } from '../api/generated/core-v1.ts';
import { keyOf } from '../api/object.ts';
import { isSidecar } from '../api/pod/conditions.ts';
import { milliValue, quantityValue } from '../api/quantity.ts';
import { everything, selectorOf, type Labels, type Selector } from '../api/selector.ts';
import { RecentMap } from '../base/recent-map.ts';

/** Amounts as numbers: CPU in millicores, the rest in whole units. */
export interface Resources {
  readonly milliCpu: number;
  readonly memory: number;
  readonly ephemeralStorage: number;
  /** Extended resources, huge pages. */
  readonly scalars: ReadonlyMap<string, number>;
}

/** A term of pod affinity, ready to be asked. */
export interface AffinityTerm {
  readonly namespaces: ReadonlySet<string>;
  readonly namespaceSelector: Selector | undefined;
  readonly selector: Selector;
  readonly topologyKey: string;
}

export interface WeightedAffinityTerm extends AffinityTerm {
  readonly weight: number;
}

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

/** A pod with what scheduling asks of it again and again, computed once per object. */
export interface PodInfo {
  readonly pod: Pod;
  /** `namespace/name` */
  readonly key: string;
  readonly priority: number;
  readonly requests: Resources;
  /** Requests where containers that ask for no CPU or memory count for a little, lest thousands of them pile up on one node. */
  readonly nonZeroRequests: Pick<Resources, 'milliCpu' | 'memory'>;
  readonly hostPorts: readonly HostPort[];
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedAffinityTerm[];
  readonly preferredAntiAffinity: readonly WeightedAffinityTerm[];
  readonly hasAffinity: boolean;
}

/** Stands for all pods that ask the same of a node: those of one template, mostly. Compared by identity. */
export interface PodTwins {
  readonly key: string;
}

const twins = new Map<string, PodTwins>();
const TWINS_KEPT = 4096;

/** By all that plugins may look at which say of themselves that they look at nothing but pod and node. */
export function twinsOf({ requests, nonZeroRequests, hostPorts, pod: { spec } }: PodInfo, profile = ''): PodTwins {
  const key = JSON.stringify([
    requests.milliCpu, requests.memory, requests.ephemeralStorage, requests.scalars.size === 0 ? 0 : [...requests.scalars], nonZeroRequests.milliCpu, nonZeroRequests.memory,
    profile, hostPorts, spec.nodeName, spec.nodeSelector, spec.affinity?.nodeAffinity, spec.tolerations,
  ]);
  let known = twins.get(key);
  if (!known) {
    if (twins.size >= TWINS_KEPT) twins.clear();
    twins.set(key, (known = { key }));
  }
  return known;
}

/** What was found for pods like others holds no longer, for another reason than a node's change. */
export const forgetTwins = (): void => twins.clear();

const infos = new WeakMap<Pod, PodInfo>();
/** What of it comes of the spec, which stays the same while statuses are reported. */
const ofSpecs = new WeakMap<PodSpec, { readonly namespace: string; readonly asked: Asked }>();

type Asked = Omit<PodInfo, 'pod' | 'key'>;

export function podInfoOf(pod: Pod): PodInfo {
  let info = infos.get(pod);
  if (info) return info;
  const { spec, metadata: { namespace } } = pod;
  let known = ofSpecs.get(spec);
  if (known?.namespace !== namespace) ofSpecs.set(spec, (known = { namespace, asked: askedBy(spec, namespace) }));
  infos.set(pod, (info = { pod, key: keyOf(pod), ...known!.asked }));
  return info;
}

function askedBy(spec: PodSpec, namespace: string): Asked {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const termOf = (term: PodAffinityTerm): AffinityTerm => affinityTerm(term, namespace);
  const required = (terms: readonly PodAffinityTerm[] | undefined): readonly AffinityTerm[] => (terms ? terms.map(termOf) : none);
  const preferred = (terms: readonly { readonly weight: number; readonly podAffinityTerm: PodAffinityTerm }[] | undefined): readonly WeightedAffinityTerm[] =>
    (terms ? terms.map(({ weight, podAffinityTerm }) => ({ weight, ...termOf(podAffinityTerm) })) : none);
  return {
    priority: spec.priority ?? 0, requests: requestsOf(spec, { milliCpu: 0, memory: 0 }),
    nonZeroRequests: requestsOf(spec, { milliCpu: 100, memory: 200 * 2 ** 20 }),
    hostPorts: hostPortsOf(spec),
    requiredAffinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAntiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    hasAffinity: podAffinity !== undefined || podAntiAffinity !== undefined,
  };
}

const none: readonly never[] = [];

function affinityTerm(term: PodAffinityTerm, ownNamespace: string): AffinityTerm {
  const { namespaces = [], namespaceSelector, labelSelector, topologyKey } = term;
  return {
    // Without a namespace selector and a list, the pod's own namespace is meant.
    namespaces: new Set(namespaces.length === 0 && !namespaceSelector ? [ownNamespace] : namespaces),
    namespaceSelector: namespaceSelector && selectorOf(namespaceSelector),
    selector: selectorOf(labelSelector), topologyKey,
  };
}

/** `labelsOfNamespace` is asked only where the term selects namespaces by their labels. */
export function termMatches(term: AffinityTerm, pod: Pod, labelsOfNamespace: (namespace: string) => Labels | undefined): boolean {
  const { namespace, labels } = pod.metadata;
  const here = term.namespaces.has(namespace) || (term.namespaceSelector !== undefined && (term.namespaceSelector === everything || term.namespaceSelector.matches(labelsOfNamespace(namespace))));
  return here && term.selector.matches(labels);
}

/** A mutable sum of requests. */
interface Sum {
  milliCpu: number;
  memory: number;
  ephemeralStorage: number;
  scalars: Map<string, number>;
}

type Defaults = Pick<Resources, 'milliCpu' | 'memory'>;

/**
 * V8 lays a number field out for small integers until the first other number comes; objects laid out before that then make it throw its compiled
 * code away again and again. So the first sums of all hold fractions.
 */
const emptySum = (amount = 0): Sum => ({ milliCpu: amount, memory: amount, ephemeralStorage: amount, scalars: new Map() });
emptySum(0.5);

const noScalars: ReadonlyMap<string, number> = new Map();
/** Sums of lately: thousands of pods ask for the same. */
const sums = new RecentMap<Resources>(256);

/** Extended resources have a domain; names without one are native, and those not named here are not scheduled by. */
const isScalar = (name: string): boolean => name.includes('/') || name.startsWith('hugepages-') || name.startsWith('attachable-volumes-');

/**
 * Containers and sidecars together, or the largest moment of initialization if that is more, and the overhead; requests of the pod as a
 * whole replace those of its containers. Upstream: component-helpers resource.PodRequests.
 */
function requestsOf(spec: PodSpec, missing: Defaults): Resources {
  const total = emptySum();
  for (const container of spec.containers) add(total, container, missing);
  const sidecars = emptySum();
  const peak = emptySum();
  for (const container of spec.initContainers ?? []) {
    if (isSidecar(container)) {
      add(total, container, missing);
      add(sidecars, container, missing);
      raise(peak, sidecars);
    } else {
      const moment = { ...sidecars, scalars: new Map(sidecars.scalars) };
      add(moment, container, missing);
      raise(peak, moment);
    }
  }
  raise(total, peak);
  for (const [name, amount] of Object.entries(spec.resources?.requests ?? {})) {
    if (name === 'cpu') total.milliCpu = milliValue(amount);
    else if (name === 'memory') total.memory = quantityValue(amount);
    else if (name.startsWith('hugepages-')) total.scalars.set(name, quantityValue(amount));
  }
  for (const [name, amount] of Object.entries(spec.overhead ?? {})) addAmount(total, name, amount);
  const { milliCpu, memory, ephemeralStorage, scalars } = total;
  return scalars.size > 0 ? total : sums.get(`${milliCpu} ${memory} ${ephemeralStorage}`, () => ({ ...total, scalars: noScalars }));
}

function add(sum: Sum, container: Container, missing: Defaults): void {
  const requests = container.resources?.requests ?? {};
  for (const name in requests) addAmount(sum, name, requests[name]!);
  if (requests['cpu'] === undefined) sum.milliCpu += missing.milliCpu;
  if (requests['memory'] === undefined) sum.memory += missing.memory;
}

function addAmount(sum: Sum, name: string, amount: string): void {
  if (name === 'cpu') sum.milliCpu += milliValue(amount);
  else if (name === 'memory') sum.memory += quantityValue(amount);
  else if (name === 'ephemeral-storage') sum.ephemeralStorage += quantityValue(amount);
  else if (isScalar(name)) sum.scalars.set(name, (sum.scalars.get(name) ?? 0) + quantityValue(amount));
}

function raise(sum: Sum, other: Sum): void {
  sum.milliCpu = Math.max(sum.milliCpu, other.milliCpu);
  sum.memory = Math.max(sum.memory, other.memory);
  sum.ephemeralStorage = Math.max(sum.ephemeralStorage, other.ephemeralStorage);
  for (const [name, amount] of other.scalars) sum.scalars.set(name, Math.max(sum.scalars.get(name) ?? 0, amount));
}

function hostPortsOf(spec: PodSpec): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter(isSidecar);
  return [...spec.containers, ...sidecars].flatMap((container) => (container.ports ?? [])
    .filter((port) => port.hostPort)
    .map((port) => ({ ip: port.hostIP || '0.0.0.0', protocol: port.protocol || 'TCP', port: port.hostPort! })));
}

/** A node's allocatable resources in numbers. */
export function resourcesOf(list: Readonly<Record<string, string>> | undefined): Resources & { readonly pods: number } {
  const sum = emptySum();
  for (const [name, amount] of Object.entries(list ?? {})) addAmount(sum, name, amount);
  return { ...sum, pods: quantityValue(list?.['pods']) };
}
