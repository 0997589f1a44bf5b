import { ChangeLog } from './change-log.ts';
import { podInfoOf, type PodInfo } from './pod-info.ts';
import type { Pod } from '../api/generated/core-v1.ts';

/** Pods that wait for room on a node, made for them by preemption. Others of no higher priority must leave them that room. Upstream: backend/queue nominator. */
export class Nominator {
  readonly #byNode = new Map<string, Map<string, PodInfo>>();
  readonly #nodeOf = new Map<string, string>();
  /** Nodes about which something changed of those that wait for them. */
  readonly #changes = new ChangeLog<string>();
  /** When that was; a number that only grows. */
  readonly #versions = new Map<string, number>();

  /** Notes where the pod's status says it waits, or `nodeName` where the status is not yet written. */
  set(pod: Pod, nodeName = pod.status?.nominatedNodeName ?? ''): void {
    const info = podInfoOf(pod);
    this.delete(info.key);
    if (nodeName === '') return;
    this.#nodeOf.set(info.key, nodeName);
    this.#noteChange(nodeName);
    const waiting = this.#byNode.get(nodeName);
    if (waiting) waiting.set(info.key, info);
    else this.#byNode.set(nodeName, new Map([[info.key, info]]));
  }

  delete(key: string): void {
    const nodeName = this.#nodeOf.get(key);
    if (nodeName === undefined) return;
    this.#nodeOf.delete(key);
    this.#noteChange(nodeName);
    const waiting = this.#byNode.get(nodeName)!;
    waiting.delete(key);
    if (waiting.size === 0) this.#byNode.delete(nodeName);
  }

  nodeOf(key: string): string | undefined {
    return this.#nodeOf.get(key);
  }

  get empty(): boolean {
    return this.#nodeOf.size === 0;
  }

  versionOf(nodeName: string): number {
    return this.#versions.get(nodeName) ?? 0;
  }

  /** Counts all changes; for `changedSince`. */
  get version(): number {
    return this.#changes.version;
  }

  /** The nodes whose waiting pods changed since that version, some of them twice; undefined: too much to tell. */
  changedSince(version: number): readonly string[] | undefined {
    return this.#changes.since(version);
  }

  on(nodeName: string): Iterable<PodInfo> {
    return this.#byNode.get(nodeName)?.values() ?? [];
  }

  #noteChange(nodeName: string): void {
    this.#changes.note(nodeName);
    this.#versions.set(nodeName, this.#changes.version);
  }
}
