import type { Pod } from '../api/generated/core-v1.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import type { Rejection } from './rejection.ts';

/** What a plugin found out about a pod before looking at single nodes. */
export type PreFilterResult<S> =
  /** There is nothing for this plugin to filter. */
  | 'skip'
  | { readonly state: S; /** Only these nodes come into question. */ readonly nodeNames?: ReadonlySet<string> }
  | { readonly rejected: Rejection };

/** Something happened in the cluster that may let a rejected pod in. */
export interface ClusterEvent {
  /** `AssignedPod` is a pod that has a node. */
  readonly resource: 'Node' | 'AssignedPod' | 'PersistentVolumeClaim' | 'PersistentVolume' | 'StorageClass' | 'CSINode' | 'VolumeAttachment' | 'ResourceClaim' | 'ResourceSlice' | 'DeviceClass';
  readonly action: 'add' | 'update' | 'delete';
  readonly previous?: unknown;
  readonly object: unknown;
}

/**
 * One concern of scheduling, one file in plugins/ and one line in plugins/registry.ts. Methods are named after upstream's extension points;
 * all but the last three are pure and synchronous. `S` is what `preFilter` hands to `filter`, `P` what `preScore` hands to `score`.
 */
export interface SchedulerPlugin<S = unknown, P = unknown> {
  readonly name: string;
  /**
   * What it finds of a node follows from that node and from what `twinsOf` looks at alone. It is asked before the others, and what it said
   * holds for all twins of the pod until the node changes.
   */
  readonly local?: boolean;
  /** A pod rejected here does not enter the queue. */
  preEnqueue?(pod: Pod): Rejection | undefined;
  preFilter?(pod: PodInfo): PreFilterResult<S>;
  filter?(state: S, pod: PodInfo, node: NodeInfo): Rejection | undefined;
  /** Needed where `addPod` and `removePod` change the state in place. */
  cloneState?(state: S): S;
  /** Asks what would be if `other` were on the node, or gone from it. */
  addPod?(state: S, pod: PodInfo, other: PodInfo, node: NodeInfo): void;
  removePod?(state: S, pod: PodInfo, other: PodInfo, node: NodeInfo): void;
  /** No node takes the pod: what this plugin can give up so that one may. */
  postFilter?(state: S, pod: PodInfo): Promise<void> | undefined;
  preScore?(pod: PodInfo, nodes: readonly NodeInfo[]): P | 'skip';
  /** An integer, 0 to 100 unless `normalize` makes it so. */
  score?(state: P, pod: PodInfo, node: NodeInfo): number;
  /** Brings the nodes' scores to 0…100, in place. */
  normalize?(state: P, scores: number[], nodes: readonly NodeInfo[]): void;
  /** Whether the event may let in a pod that this plugin rejected. A resource without an entry never does. */
  readonly hints?: Partial<Record<ClusterEvent['resource'], (pod: Pod, event: ClusterEvent) => boolean>>;
  /** Takes what the pod will need on the node, until `unreserve` or for good. */
  reserve?(state: S, pod: PodInfo, node: NodeInfo): void;
  unreserve?(pod: PodInfo, nodeName: string): void;
  /** Prepares the binding; a rejection of the promise stops it. */
  preBind?(pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<void>;
}

/** Scores go from 0 to this. */
export const MAX_SCORE = 100;

/** Stretches scores so that the highest is 100 (or, reversed, the lowest). Upstream: helper.DefaultNormalizeScore. */
export function normalizeByMaximum(scores: number[], reverse: boolean): void {
  const most = scores.reduce((a, b) => Math.max(a, b), 0);
  for (let i = 0; i < scores.length; i++) {
    const score = most === 0 ? 0 : Math.trunc((MAX_SCORE * scores[i]!) / most);
    scores[i] = reverse ? MAX_SCORE - score : score;
  }
}
