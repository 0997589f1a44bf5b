import type { Node } from '../api/generated/core-v1.ts';
import type { Labels, Selector } from '../api/selector.ts';
import type { NodeRejection } from './rejection.ts';
import { resourcesOf, type HostPort, type PodInfo, type PodTwins, type Resources } from './pod-info.ts';

const noLabels: Labels = {};
const noImages: ReadonlyMap<string, number> = new Map();
const nothing = resourcesOf(undefined);

/**
 * A node with the pods that are on it, or will be, and their sums. Upstream: framework.NodeInfo. To be changed by its methods alone; plain
 * fields, because they are read a million times a second.
 */
export class NodeInfo {
  readonly name: string;
  /** Undefined while pods are known of a node that is not. */
  node: Node | undefined = undefined;
  labels: Labels = noLabels;
  allocatable: Resources & { readonly pods: number } = nothing;
  /** Bytes by image name. */
  images: ReadonlyMap<string, number> = noImages;
  readonly pods: ReadonlyMap<string, PodInfo>;
  readonly podsWithAffinity: ReadonlyMap<string, PodInfo>;
  readonly podsWithRequiredAntiAffinity: ReadonlyMap<string, PodInfo>;
  readonly requested: Resources;
  readonly nonZeroRequested: Pick<Resources, 'milliCpu' | 'memory'>;
  readonly #pods = new Map<string, PodInfo>();
  readonly #withAffinity = new Map<string, PodInfo>();
  readonly #withRequiredAntiAffinity = new Map<string, PodInfo>();
  readonly #requested = { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: new Map<string, number>() };
  readonly #nonZeroRequested = { milliCpu: 0, memory: 0 };
  /** Raised by every change of the node or its pods; what was found under an older one is void. */
  #generation = 0;
  readonly #verdicts = new Map<PodTwins, Verdict>();
  #verdictsGeneration = 0;
  #lastTwins: PodTwins | undefined;
  #lastVerdict: Verdict | undefined;
  readonly #counts = new Map<PodGroup, { readonly generation: number; readonly count: number }>();
  /** The group asked for last: mostly it is asked for again. */
  #lastGroup: PodGroup | undefined;
  #lastGeneration = 0;
  #lastCount = 0;

  constructor(name: string) {
    this.name = name;
    this.pods = this.#pods;
    this.podsWithAffinity = this.#withAffinity;
    this.podsWithRequiredAntiAffinity = this.#withRequiredAntiAffinity;
    this.requested = this.#requested;
    this.nonZeroRequested = this.#nonZeroRequested;
  }

  setNode(node: Node | undefined): void {
    this.#generation++;
    this.node = node;
    this.labels = node?.metadata.labels ?? noLabels;
    this.allocatable = resourcesOf(node?.status?.allocatable);
    this.images = new Map((node?.status?.images ?? []).flatMap((image) => (image.names ?? []).map((name) => [name, image.sizeBytes ?? 0] as const)));
  }

  add(pod: PodInfo): void {
    this.remove(pod.key);
    this.#pods.set(pod.key, pod);
    if (pod.hasAffinity) this.#withAffinity.set(pod.key, pod);
    if (pod.requiredAntiAffinity.length > 0) this.#withRequiredAntiAffinity.set(pod.key, pod);
    this.#count(pod, 1);
  }

  remove(key: string): void {
    const pod = this.#pods.get(key);
    if (!pod) return;
    this.#pods.delete(key);
    this.#withAffinity.delete(key);
    this.#withRequiredAntiAffinity.delete(key);
    this.#count(pod, -1);
  }

  #count(pod: PodInfo, sign: 1 | -1): void {
    this.#generation++;
    const { requests, nonZeroRequests } = pod;
    this.#requested.milliCpu += sign * requests.milliCpu;
    this.#requested.memory += sign * requests.memory;
    this.#requested.ephemeralStorage += sign * requests.ephemeralStorage;
    for (const [name, amount] of requests.scalars) this.#requested.scalars.set(name, (this.#requested.scalars.get(name) ?? 0) + sign * amount);
    this.#nonZeroRequested.milliCpu += sign * nonZeroRequests.milliCpu;
    this.#nonZeroRequested.memory += sign * nonZeroRequests.memory;
  }

  /** Whether one of the ports is taken; the address 0.0.0.0 stands for all addresses. */
  conflictsWith(ports: readonly HostPort[]): boolean {
    for (const { hostPorts } of this.#pods.values()) if (hostPorts.length > 0 && portsConflict(hostPorts, ports)) return true;
    return false;
  }

  /** How many pods the group has here, those being deleted aside. Remembered until the pods change. */
  countOf(group: PodGroup): number {
    if (this.#lastGroup === group && this.#lastGeneration === this.#generation) return this.#lastCount;
    const known = this.#counts.get(group);
    let count = 0;
    if (known?.generation === this.#generation) {
      count = known.count;
    } else if (!group.selector.empty) {
      for (const { pod } of this.#pods.values()) {
        if (pod.metadata.namespace === group.namespace && pod.metadata.deletionTimestamp === undefined && group.selector.matches(pod.metadata.labels)) count++;
      }
      if (this.#counts.size >= 32) this.#counts.clear();
      this.#counts.set(group, { generation: this.#generation, count });
    }
    this.#lastGroup = group;
    this.#lastGeneration = this.#generation;
    this.#lastCount = count;
    return count;
  }

  /** What was found of this node for pods like this one, if nothing has changed since. */
  verdictOf(twins: PodTwins): Verdict | undefined {
    if (this.#verdictsGeneration !== this.#generation) {
      this.#verdicts.clear();
      this.#lastTwins = undefined;
      return undefined;
    }
    if (this.#lastTwins === twins) return this.#lastVerdict;
    const found = this.#verdicts.get(twins);
    if (found) {
      this.#lastTwins = twins;
      this.#lastVerdict = found;
    }
    return found;
  }

  setVerdict(twins: PodTwins, verdict: Verdict): void {
    if (this.#verdicts.size >= VERDICTS_KEPT || this.#verdictsGeneration !== this.#generation) this.#verdicts.clear();
    this.#verdictsGeneration = this.#generation;
    this.#verdicts.set(twins, verdict);
    this.#lastTwins = twins;
    this.#lastVerdict = verdict;
  }

  /** To try out what would be. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.name);
    copy.node = this.node;
    copy.labels = this.labels;
    copy.allocatable = this.allocatable;
    copy.images = this.images;
    for (const pod of this.#pods.values()) copy.add(pod);
    return copy;
  }
}

const VERDICTS_KEPT = 8;

/** What those plugins say of a node that look at nothing but pod and node. */
export interface Verdict {
  readonly rejected: NodeRejection | undefined;
  /** Raw, in the order of the plugins that score so, and the weighted sum of those that compare nothing between nodes; undefined until somebody asks. */
  scores: { readonly each: readonly number[]; readonly sum: number } | undefined;
  /** Whether a pod of that priority fits beside those that then waited for the node. */
  besideWaiting: { readonly priority: number; readonly nominatorVersion: number; readonly rejected: NodeRejection | undefined } | undefined;
  /** What would have to be done to make room, for a pod of that priority and with those that then waited for the node. */
  preemption: { readonly priority: number; readonly nominatorVersion: number; readonly result: unknown } | undefined;
}

/** Pods of a namespace that a selector selects. One object for all equal ones, so that counts are found again. */
export interface PodGroup {
  readonly namespace: string;
  readonly selector: Selector;
}

const groups = new Map<string, PodGroup>();
const GROUPS_KEPT = 4096;

export function podGroup(namespace: string, selector: Selector): PodGroup {
  const key = `${namespace}/${selector.matchesNothing ? '<none>' : selector.toString()}`;
  let group = groups.get(key);
  if (!group) {
    if (groups.size >= GROUPS_KEPT) groups.clear();
    groups.set(key, (group = { namespace, selector }));
  }
  return group;
}

export function portsConflict(taken: readonly HostPort[], wanted: readonly HostPort[]): boolean {
  return wanted.some((a) => taken.some((b) => a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0')));
}
