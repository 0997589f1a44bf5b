import type { Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ReplicationController, Service } from '../api/generated/core-v1.ts';
import type { ReplicaSet, StatefulSet } from '../api/generated/apps-v1.ts';
import type { DeviceClass, ResourceClaim, ResourceSlice } from '../api/generated/resource-v1.ts';
import type { CSINode, StorageClass, VolumeAttachment } from '../api/generated/storage-v1.ts';
import { keyOf, type KubeObject } from '../api/object.ts';
import type { Clock } from '../base/clock.ts';
import type { Client } from '../client/client.ts';
import type { InformerHandler } from '../client/informer.ts';
import { ObjectCache } from '../client/object-cache.ts';
import { ClusterCache } from './cluster-cache.ts';
import { Nominator } from './nominator.ts';
import { podInfoOf } from './pod-info.ts';
import type { PluginContext } from './plugins/plugin-context.ts';
import { createPlugins } from './plugins/registry.ts';
import { SchedulingCycle, type CycleResult } from './scheduling-cycle.ts';

/** Makers of objects for the tests of this folder: only what scheduling looks at. */
export const nodeObject = (name: string, { labels = {}, spec = {}, allocatable = {}, images = [] }: {
  labels?: Record<string, string>; spec?: Node['spec']; allocatable?: Record<string, string>; images?: { names: string[]; sizeBytes: number }[];
} = {}): Node => ({
  apiVersion: 'v1', kind: 'Node', spec,
  metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '', labels: { 'kubernetes.io/hostname': name, ...labels } },
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '10', ...allocatable }, images },
});

export const podObject = (name: string, { namespace = 'default', labels = {}, requests = {}, spec = {}, status = {}, metadata = {} }: {
  namespace?: string; labels?: Record<string, string>; requests?: Record<string, string>; spec?: Partial<Pod['spec']>; status?: Pod['status']; metadata?: Partial<Pod['metadata']>;
} = {}): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, uid: name, resourceVersion: '1', creationTimestamp: '', labels, ...metadata },
  spec: { containers: [{ name: 'main', image: 'app:1', resources: { requests } }], ...spec }, status: status!,
});

export interface ClusterDescription {
  readonly nodes: readonly Node[];
  /** Pods by the name of their node. */
  readonly pods?: Readonly<Record<string, readonly Pod[]>>;
  readonly namespaces?: readonly Namespace[];
  readonly services?: readonly Service[];
  readonly replicaSets?: readonly ReplicaSet[];
  readonly volumes?: readonly PersistentVolume[];
  readonly claims?: readonly PersistentVolumeClaim[];
  readonly classes?: readonly StorageClass[];
  readonly csiNodes?: readonly CSINode[];
  readonly attachments?: readonly VolumeAttachment[];
  readonly resourceClaims?: readonly ResourceClaim[];
  readonly slices?: readonly ResourceSlice[];
  readonly deviceClasses?: readonly DeviceClass[];
  readonly random?: () => number;
}

/** A cluster in memory with all plugins, to ask where a pod would go. */
export function describeCluster(description: ClusterDescription) {
  const cluster = new ClusterCache();
  for (const node of description.nodes) cluster.setNode(node);
  for (const [nodeName, list] of Object.entries(description.pods ?? {})) for (const pod of list) cluster.setPod({ ...pod, spec: { ...pod.spec, nodeName } });
  const listed = <T extends KubeObject>(objects: readonly T[] = []): ObjectCache<T> & { subscribe(handler: InformerHandler<T>): Disposable } => {
    const cache = new ObjectCache<T>();
    for (const object of objects) cache.put(keyOf(object), object);
    return Object.assign(cache, { subscribe: () => ({ [Symbol.dispose]() {} }) });
  };
  const nominator = new Nominator();
  const context: PluginContext = {
    cluster, waitingFor: (node) => nominator.on(node), namespaces: listed(description.namespaces), services: listed(description.services), replicationControllers: listed<ReplicationController>(),
    replicaSets: listed(description.replicaSets), statefulSets: listed<StatefulSet>(), persistentVolumes: listed(description.volumes),
    persistentVolumeClaims: listed(description.claims), storageClasses: listed(description.classes), csiNodes: listed(description.csiNodes), volumeAttachments: listed(description.attachments), resourceClaims: listed(description.resourceClaims), resourceSlices: listed(description.slices), deviceClasses: listed(description.deviceClasses), client: undefined as unknown as Client, clock: { now: () => 0, monotonic: () => 0 } as Clock, event: () => undefined, newId: () => 'id',
  };
  const plugins = createPlugins(context);
  const random = { next: description.random ?? (() => 0) };
  const cycle = new SchedulingCycle({ plugins, cluster, nominator, random, percentageOfNodesToScore: 0 });
  return { cluster, context, nominator, plugins, cycle, random, run: (pod: Pod): CycleResult => cycle.run(podInfoOf(pod)) };
}
