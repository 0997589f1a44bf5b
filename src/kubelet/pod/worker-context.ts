import type { Pod, Service } from '../../api/generated/core-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { Client } from '../../client/client.ts';
import type { EventRecorder } from '../../client/event-recorder.ts';
import type { CriRuntime } from '../../cri/runtime.ts';
import type { WorkSink } from '../../ledger/entry.ts';
import type { CgroupTree } from '../container/cgroup-tree.ts';
import type { SandboxSettings } from '../container/sandbox-config.ts';
import type { PodDevices } from '../devices/pod-devices.ts';
import type { UserNamespaces } from '../container/user-namespaces.ts';
import type { ImagePuller } from '../images/image-puller.ts';
import type { KubeletMetrics } from '../kubelet-metrics.ts';
import type { RuntimeFeatures } from '../node/runtime-features.ts';
import type { KubeletOptions } from '../options.ts';
import type { PodCgroups } from '../container/pod-cgroups.ts';
import type { ProbeCounts } from '../probes/probe-counts.ts';
import type { ProbeNetwork } from '../probes/probe-network.ts';
import type { TokenSource } from '../volumes/token-source.ts';
import type { VolumeGround } from '../volumes/volume-type.ts';
import type { ResizeVerdict } from './pod-resize.ts';
import type { ReferencedObjectCache } from './referenced-object-cache.ts';
import type { RestartBackoff } from './restart-backoff.ts';
import type { StatusWriter } from './status-writer.ts';

/** What all pod workers of a kubelet share. */
export interface WorkerContext {
  readonly client: Client;
  readonly runtime: CriRuntime;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly recorder: EventRecorder;
  /** Where what the runtime was asked to do is told, with its time. */
  readonly work: WorkSink;
  readonly statuses: StatusWriter;
  readonly puller: ImagePuller;
  readonly objects: ReferencedObjectCache;
  readonly tokens: TokenSource;
  readonly backoff: RestartBackoff;
  readonly network: ProbeNetwork;
  readonly probeCounts: ProbeCounts;
  readonly metrics: Pick<KubeletMetrics, 'rejected'>;
  readonly protectPod?: KubeletOptions['protectPod'];
  readonly drainPod?: KubeletOptions['drainPod'];
  readonly userNamespaces: UserNamespaces;
  readonly cgroups: PodCgroups;
  /** undefined: pods have no cgroups. */
  readonly cgroupTree: CgroupTree | undefined;
  readonly volumeGround: VolumeGround;
  /** undefined: no drivers of devices can register (simulated nodes), and claims are taken to be ready. */
  readonly devices: PodDevices | undefined;
  readonly sandbox: SandboxSettings;
  readonly hostIps: readonly string[];
  /** The host's /etc/hosts, for pods on the host network. */
  readonly hostHosts: string;
  readonly capacity: { readonly milliCpu: number; readonly memoryBytes: number; readonly storageBytes: number };
  /** `ROOTDIR/pods/UID` */
  podDirectory(uid: string): string;
  /** Services of a namespace, and `default/kubernetes`. */
  services(namespace: string, links: boolean): readonly Service[];
  /** What the runtime can do, as far as it is known. */
  features(): RuntimeFeatures;
  /** Why the node cannot give a pod the resources it now asks for. */
  resizeVerdict(pod: Pod): ResizeVerdict | undefined;
  /** Whether the end of this container was told before its worker could know that it is its own; told once. */
  endedUnclaimed(id: string): boolean;
  /** A pod has less of the node than before: resizes of others that were deferred may fit now. */
  roomFreed(): void;
  /** A pod has been launched: the classes' shares may have to change. */
  launched(): void;
  /** A pod is over and all of it has been removed from this node. */
  gone(uid: string): void;
}
