import type { Deployment, ReplicaSet } from '../api/generated/apps-v1.ts';
import type { Event, Node, PersistentVolumeClaim, Pod, Service } from '../api/generated/core-v1.ts';
import type { EndpointSlice } from '../api/generated/discovery-v1.ts';
import type { IngressClass } from '../api/generated/networking-v1.ts';
import type { PodDisruptionBudget } from '../api/generated/policy-v1.ts';
import type { StorageClass } from '../api/generated/storage-v1.ts';
import type { KubeObject } from '../api/object.ts';

/** Something that does not go on, told to a person. */
export interface Finding {
  /** `512 MiB of memory on some node, for the pod web-1`: completes "Waiting for: ". */
  readonly waitsFor: string;
  /** It is waited for no more: `waitsFor` says what has come to an end, `the job once has failed and is not tried again`. */
  readonly over?: boolean;
  /** What is known of it, a line each. */
  readonly because: readonly string[];
  /** What a person can do, a line each; the likeliest first. */
  readonly help: readonly string[];
}

/** All that diagnoses look at: objects as they are now. What was not fetched or may not be read is empty. */
export interface Situation {
  readonly nowMs: number;
  readonly focus: KubeObject;
  /** The pods that belong to the focus (the focus itself where it is one). */
  readonly pods: readonly Pod[];
  /** The replica sets of a deployment. */
  readonly replicaSets: readonly ReplicaSet[];
  readonly deployment?: Deployment;
  readonly service?: Service;
  readonly slices: readonly EndpointSlice[];
  /** Of the namespace: where an ingress leads. */
  readonly services: readonly Service[];
  readonly ingressClasses: readonly IngressClass[];
  readonly budgets: readonly PodDisruptionBudget[];
  readonly claims: readonly PersistentVolumeClaim[];
  readonly storageClasses: readonly StorageClass[];
  readonly nodes: readonly Node[];
  /** All pods of the cluster that have a node: where a pod found none, or a node is asked about. */
  readonly placed: readonly Pod[];
  /** All pods of the namespace: where a service found none. */
  readonly neighbours: readonly Pod[];
  /** About any of these objects, the newest last. */
  readonly events: readonly Event[];
  /** The last lines that containers wrote, by `pod/container`. */
  readonly logs: ReadonlyMap<string, readonly string[]>;
  /** Whether the cluster is one of ours: then its own commands help. */
  readonly wherry: boolean;
}

/** One kind of trouble. Pure; each has its table of tests. */
export type Diagnose = (situation: Situation) => readonly Finding[];

export function eventsOf({ events }: Situation, uid: string, ...reasons: string[]): readonly Event[] {
  return events.filter((event) => event.involvedObject.uid === uid && (reasons.length === 0 || reasons.includes(event.reason ?? '')));
}
