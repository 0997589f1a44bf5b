import { podInfoOf, type PodInfo } from './pod-info.ts';
import type { Pod } from '../api/generated/core-v1.ts';

/** Pods that wait for room on a node, made for them by preemption. Others of no higher priority must leave them that room. Upstream: backend/queue nominator. */
export class Nominator {
  readonly #byNode = new Map<string, Map<string, PodInfo>>();
  readonly #nodeOf = new Map<string, string>();
  #version = 0;
  /** When something changed about those that wait for a node; a number that only grows. */
  readonly #versions = new Map<string, number>();

  /** Notes where the pod's status says it waits, or `nodeName` where the status is not yet written. */
  set(pod: Pod, nodeName = pod.status?.nominatedNodeName ?? ''): void {
    const info = podInfoOf(pod);
    this.delete(info.key);
    if (nodeName === '') return;
    this.#nodeOf.set(info.key, nodeName);
    this.#versions.set(nodeName, ++this.#version);
    const waiting = this.#byNode.get(nodeName);
    if (waiting) waiting.set(info.key, info);
    else this.#byNode.set(nodeName, new Map([[info.key, info]]));
  }

  delete(key: string): void {
    const nodeName = this.#nodeOf.get(key);
    if (nodeName === undefined) return;
    this.#nodeOf.delete(key);
    this.#versions.set(nodeName, ++this.#version);
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

  on(nodeName: string): Iterable<PodInfo> {
    return this.#byNode.get(nodeName)?.values() ?? [];
  }
}
