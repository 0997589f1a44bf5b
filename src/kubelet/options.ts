import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Pod, Taint } from '../api/generated/core-v1.ts';
import type { Client } from '../client/client.ts';
import type { InformerFactory } from '../client/informer.ts';
import type { CriRuntime } from '../cri/runtime.ts';
import type { WorkSink } from '../ledger/entry.ts';
import type { KubeletConfiguration } from './configuration.ts';
import type { ProbeNetwork } from './probes/probe-network.ts';
import type { PodCgroups } from './container/pod-cgroups.ts';
import type { MachineFacts } from './machine-facts.ts';
import type { Mounter } from './volumes/mounter.ts';

export interface KubeletOptions {
  readonly nodeName: string;
  /** Acts as `system:node:NAME`. */
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly runtime: CriRuntime;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** State of the kubelet: pods' volumes, host files, logs. The runtime must see it under the same path. */
  readonly rootDir: string;
  /** The folder of pods' logs; default `ROOTDIR/logs/pods`. */
  readonly podLogsDir?: string;
  readonly nodeAddress: string;
  /** Written into the node at registration. */
  readonly podCidr?: string;
  /** The node's address of IPv6, and the range of its pods, where the cluster has both families. */
  readonly six?: { readonly address: string; readonly pods: string };
  /** Cluster DNS addresses for pods; none: pods get the host's DNS. */
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The host's resolver configuration, for pods with DNS policy Default; default /etc/resolv.conf. */
  readonly resolvConf?: string;
  /** PEM. Absent: the kubelet serves nothing (tests). */
  readonly servingKeyPair?: { readonly key: string; readonly certificate: string };
  /** PEM of the authority whose client certificates may call the kubelet. */
  readonly clientAuthority?: string;
  /** HTTPS port; 0: any. Published in the node's daemonEndpoints. */
  readonly port: number;
  /** Address to listen on; default all. */
  readonly listenAddress?: string;
  readonly machine: () => Promise<MachineFacts>;
  readonly cgroups: PodCgroups;
  /** Default: mount(8) where pods have cgroups, none where they have not. */
  readonly mounter?: Mounter;
  /** The name by which storage drivers in pods know `rootDir`, in the runtime's mount namespace; absent: none can register. */
  readonly driversRoot?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  /** Default: upstream's. */
  readonly configuration?: KubeletConfiguration;
  /** Images that are never removed, by name: sandboxes need them. */
  readonly pinnedImages?: readonly string[];
  /** Kept from pods: allocatable is capacity less these. */
  readonly reserved?: { readonly milliCpu?: number; readonly memoryBytes?: number };
  /** `v1.36.0+wherry` */
  readonly kubeletVersion?: string;
  /** How probes and hooks reach pods; default the network. */
  readonly probeNetwork?: ProbeNetwork;
  /** Awaited between a pod's sandbox, which has these addresses, and its first container: so that network policies hold from the first moment. */
  readonly protectPod?: (pod: Pod, addresses: readonly string[], signal: AbortSignal) => Promise<void>;
  /**
   * Awaited before the containers of a pod that was deleted get their signal, so that services send no more connections to those who no longer listen.
   * Resolves soon whatever happens, at once when the signal aborts; never rejects.
   */
  readonly drainPod?: (pod: Pod, signal: AbortSignal) => Promise<void>;
  /** Makes room where the input of a command that has ended keeps the runtime from telling how it ended; absent: it never does. */
  readonly unjamInput?: () => void;
  /**
   * Whether containers are processes that read files; default true. If not (simulated nodes), what only they would read is not written: the hosts file, files for last words, and
   * what volumes show. Config maps and secrets have to be there all the same; tokens are not asked for.
   */
  readonly containersReadFiles?: boolean;
  /** Where the kubelet tells what it had the runtime do; default nowhere. */
  readonly work?: WorkSink;
}

export interface Kubelet extends AsyncDisposable {
  /** Where it serves; undefined when it does not. */
  readonly port: number | undefined;
  /** Resolves when the node is registered and its status says Ready. */
  untilReady(signal?: AbortSignal): Promise<void>;
  /** Ends all pods by their priority, as its configuration tells, and takes no new ones; resolves when they have ended or their time is over. At once where no time is configured. */
  shutDown(): Promise<void>;
}
