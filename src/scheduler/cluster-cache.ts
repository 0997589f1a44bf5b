import type { Node, Pod } from '../api/generated/core-v1.ts';
import { ChangeLog } from './change-log.ts';
import { NodeInfo } from './node-info.ts';
import { podInfoOf, type PodInfo } from './pod-info.ts';

/** The cluster as plugins see it during a scheduling cycle. */
export interface ClusterView {
  /** Nodes that are there, zones taking turns. */
  nodes(): readonly NodeInfo[];
  node(name: string): NodeInfo | undefined;
  /** Counts changes of nodes and their pods; for `changedSince`. */
  readonly version: number;
  /** The nodes that changed, came or went (these have no `node`) since that version, some of them twice; undefined: too much to tell, begin anew. */
  changedSince(version: number): readonly NodeInfo[] | undefined;
  nodesWithAffinity(): Iterable<NodeInfo>;
  nodesWithRequiredAntiAffinity(): Iterable<NodeInfo>;
  /** How many nodes have the image. */
  nodesWithImage(name: string): number;
}

/**
 * What the scheduler believes of nodes and their pods: what the informers told it, and the pods that it has assumed on a node while their
 * binding is under way. Upstream: scheduler backend/cache. A cycle runs in one turn, in which nothing changes but by itself; so
 * plugins read this cache directly, where upstream takes a snapshot for its threads.
 */
export class ClusterCache implements ClusterView {
  readonly #nodes = new Map<string, NodeInfo>();
  /** The node of each pod that has one. */
  readonly #places = new Map<string, { readonly info: PodInfo; readonly node: string; readonly assumed: boolean }>();
  readonly #withAffinity = new Set<NodeInfo>();
  readonly #withRequiredAntiAffinity = new Set<NodeInfo>();
  readonly #imageNodes = new Map<string, number>();
  readonly #changes = new ChangeLog<NodeInfo>();
  #ordered: readonly NodeInfo[] | undefined;

  nodes(): readonly NodeInfo[] {
    return (this.#ordered ??= interleaveZones([...this.#nodes.values()].filter((info) => info.node)));
  }

  node(name: string): NodeInfo | undefined {
    const info = this.#nodes.get(name);
    return info?.node ? info : undefined;
  }

  get version(): number {
    return this.#changes.version;
  }

  changedSince(version: number): readonly NodeInfo[] | undefined {
    return this.#changes.since(version);
  }

  nodesWithAffinity(): Iterable<NodeInfo> {
    return this.#withAffinity;
  }

  nodesWithRequiredAntiAffinity(): Iterable<NodeInfo> {
    return this.#withRequiredAntiAffinity;
  }

  nodesWithImage(name: string): number {
    return this.#imageNodes.get(name) ?? 0;
  }

  setNode(node: Node): void {
    const info = this.#infoOf(node.metadata.name);
    if (!info.node || zoneOf(info.node) !== zoneOf(node)) this.#ordered = undefined;
    this.#countImages(info, -1);
    info.setNode(node);
    this.#countImages(info, 1);
    this.#changes.note(info);
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (!info) return;
    this.#countImages(info, -1);
    info.setNode(undefined);
    this.#ordered = undefined;
    this.#changes.note(info);
    this.#forgetIfEmpty(info);
  }

  /** Puts a pod on the node that its spec names. */
  setPod(pod: Pod): void {
    this.#put(podInfoOf(pod), pod.spec.nodeName!, false);
  }

  removePod(key: string): void {
    const place = this.#places.get(key);
    if (!place) return;
    this.#places.delete(key);
    const info = this.#nodes.get(place.node)!;
    info.remove(key);
    this.#noteAffinity(info);
    this.#changes.note(info);
    this.#forgetIfEmpty(info);
  }

  /** Counts the pod as being on the node, until the informers say where it is or `forget` takes it back. */
  assume(pod: PodInfo, node: string): void {
    this.#put(pod, node, true);
  }

  /** Takes an assumption back; a pod that the informers have seen on its node stays. */
  forget(pod: PodInfo): void {
    if (this.isAssumed(pod.key) && this.#places.get(pod.key)!.info.pod.metadata.uid === pod.pod.metadata.uid) this.removePod(pod.key);
  }

  isAssumed(key: string): boolean {
    return this.#places.get(key)?.assumed === true;
  }

  placeOf(key: string): string | undefined {
    return this.#places.get(key)?.node;
  }

  /** How much is kept; counted when somebody asks. */
  sizes(): Readonly<Record<'nodes' | 'pods' | 'assumed_pods', number>> {
    let assumed = 0;
    for (const place of this.#places.values()) if (place.assumed) assumed++;
    return { nodes: this.#nodes.size, pods: this.#places.size, assumed_pods: assumed };
  }

  #put(pod: PodInfo, node: string, assumed: boolean): void {
    const before = this.#places.get(pod.key);
    if (before && before.node !== node) this.removePod(pod.key);
    this.#places.set(pod.key, { info: pod, node, assumed });
    const info = this.#infoOf(node);
    info.add(pod);
    this.#noteAffinity(info);
    this.#changes.note(info);
  }

  #infoOf(name: string): NodeInfo {
    let info = this.#nodes.get(name);
    if (!info) this.#nodes.set(name, (info = new NodeInfo(name)));
    return info;
  }

  #forgetIfEmpty(info: NodeInfo): void {
    if (!info.node && info.pods.size === 0) this.#nodes.delete(info.name);
  }

  #noteAffinity(info: NodeInfo): void {
    if (info.podsWithAffinity.size > 0) this.#withAffinity.add(info);
    else this.#withAffinity.delete(info);
    if (info.podsWithRequiredAntiAffinity.size > 0) this.#withRequiredAntiAffinity.add(info);
    else this.#withRequiredAntiAffinity.delete(info);
  }

  #countImages(info: NodeInfo, sign: 1 | -1): void {
    for (const name of info.images.keys()) {
      const count = (this.#imageNodes.get(name) ?? 0) + sign;
      if (count > 0) this.#imageNodes.set(name, count);
      else this.#imageNodes.delete(name);
    }
  }
}

function zoneOf(node: Node): string {
  const labels = node.metadata.labels ?? {};
  return `${labels['topology.kubernetes.io/region'] ?? ''}/${labels['topology.kubernetes.io/zone'] ?? ''}`;
}

/** The first node of each zone, then the second of each, and so on, so that a search that stops early has seen all zones. */
function interleaveZones(infos: readonly NodeInfo[]): readonly NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>();
  for (const info of infos) {
    const zone = zoneOf(info.node!);
    const members = zones.get(zone);
    if (members) members.push(info);
    else zones.set(zone, [info]);
  }
  if (zones.size < 2) return infos;
  const ordered: NodeInfo[] = [];
  for (let i = 0; ordered.length < infos.length; i++) for (const members of zones.values()) if (members[i]) ordered.push(members[i]!);
  return ordered;
}
