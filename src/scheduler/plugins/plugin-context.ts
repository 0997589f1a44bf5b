import type { Namespace, PersistentVolume, PersistentVolumeClaim, Pod, ReplicationController, Service } from '../../api/generated/core-v1.ts';
import type { ReplicaSet, StatefulSet } from '../../api/generated/apps-v1.ts';
import type { DeviceClass, ResourceClaim, ResourceSlice } from '../../api/generated/resource-v1.ts';
import type { CSINode, StorageClass, VolumeAttachment } from '../../api/generated/storage-v1.ts';
import type { Client } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import type { Clock } from '../../base/clock.ts';
import type { PodInfo } from '../pod-info.ts';
import type { ClusterView } from '../cluster-cache.ts';

type Lister<T> = Pick<Informer<T>, 'get' | 'list'>;

/** What plugins may ask of the world. */
export interface PluginContext {
  readonly cluster: ClusterView;
  /** Pods for which room is made on the node. */
  waitingFor(node: string): Iterable<PodInfo>;
  readonly namespaces: Lister<Namespace>;
  readonly services: Lister<Service>;
  readonly replicationControllers: Lister<ReplicationController>;
  readonly replicaSets: Lister<ReplicaSet>;
  readonly statefulSets: Lister<StatefulSet>;
  readonly persistentVolumes: Lister<PersistentVolume>;
  readonly persistentVolumeClaims: Pick<Informer<PersistentVolumeClaim>, 'get' | 'list' | 'subscribe'>;
  readonly storageClasses: Lister<StorageClass>;
  readonly csiNodes: Lister<CSINode>;
  readonly volumeAttachments: Lister<VolumeAttachment>;
  readonly resourceClaims: Pick<Informer<ResourceClaim>, 'get' | 'list' | 'subscribe'>;
  readonly resourceSlices: Lister<ResourceSlice>;
  readonly deviceClasses: Lister<DeviceClass>;
  /** For `preBind` and `postFilter` alone. */
  readonly client: Client;
  readonly clock: Clock;
  /** Tells of a pod in its events. */
  readonly event: (pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string) => void;
  readonly newId: () => string;
}
