/**
 * What the dashboard's page knows of objects: one small row each, made by the server side (the files beside this one) and sent whenever it changes. Whole objects are
 * fetched only when somebody looks at one. Shared with the browser: types only.
 */
export interface Row {
  /** `namespace/name`, or `name` where cluster-scoped: unique within its table. */
  readonly id: string;
  readonly ns?: string;
  readonly name: string;
  readonly uid: string;
  /** resourceVersion: changes with every write. */
  readonly rv: string;
  /** Milliseconds since 1970. */
  readonly born: number;
}

/** How well a thing is: `busy` is on its way, `done` over and well, `bad` needs somebody. */
export type Tone = 'ok' | 'busy' | 'bad' | 'done' | 'idle';

export interface OwnerRef {
  readonly kind: string;
  readonly name: string;
}

export interface PodRow extends Row {
  /** As kubectl's STATUS column. */
  readonly status: string;
  readonly tone: Tone;
  /** In words, when not well: what waits for what, how the last run ended. */
  readonly why?: string;
  readonly ready: number;
  readonly total: number;
  readonly restarts: number;
  readonly node?: string;
  readonly ip?: string;
  readonly owner?: OwnerRef;
  readonly containers: readonly string[];
  readonly init: readonly string[];
  readonly images: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface WorkloadRow extends Row {
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'ReplicaSet' | 'Job' | 'CronJob';
  readonly wanted: number;
  readonly ready: number;
  /** Pods of the newest template. */
  readonly updated?: number;
  readonly tone: Tone;
  readonly status: string;
  readonly why?: string;
  readonly owner?: OwnerRef;
  readonly containers: readonly { readonly name: string; readonly image: string }[];
  readonly selector: Readonly<Record<string, string>>;
  readonly paused?: boolean;
  /** CronJob: its schedule. */
  readonly schedule?: string;
}

export interface NodeRow extends Row {
  readonly tone: Tone;
  readonly status: string;
  readonly why?: string;
  readonly roles: string;
  readonly version: string;
  readonly runtime: string;
  readonly os: string;
  readonly ip?: string;
  readonly podCidr?: string;
  /** Allocatable: cores, bytes, pods. */
  readonly cpu: number;
  readonly memory: number;
  readonly podLimit: number;
  readonly cordoned: boolean;
  readonly taints: readonly string[];
}

export interface ServiceRow extends Row {
  readonly type: string;
  readonly clusterIp: string;
  readonly external: readonly string[];
  /** Waits for an external address. */
  readonly pending: boolean;
  /** `8080:30838/TCP` */
  readonly ports: readonly string[];
  readonly selector: Readonly<Record<string, string>>;
}

export interface EndpointRow extends Row {
  readonly service: string;
  readonly ready: readonly { readonly ip: string; readonly pod?: string }[];
  readonly notReady: readonly { readonly ip: string; readonly pod?: string }[];
}

export interface EventRow extends Row {
  readonly warning: boolean;
  readonly reason: string;
  readonly message: string;
  readonly about: { readonly kind: string; readonly ns?: string; readonly name: string; readonly uid?: string };
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly last: number;
  readonly from: string;
}

export interface NamespaceRow extends Row {
  readonly status: string;
}

export interface ClaimRow extends Row {
  readonly status: string;
  readonly tone: Tone;
  readonly size: string;
  readonly volume?: string;
  readonly storageClass?: string;
}

/** The tables that the page is kept current of, by their resource's name. */
export interface Tables {
  readonly pods: PodRow;
  readonly nodes: NodeRow;
  readonly namespaces: NamespaceRow;
  readonly deployments: WorkloadRow;
  readonly replicasets: WorkloadRow;
  readonly statefulsets: WorkloadRow;
  readonly daemonsets: WorkloadRow;
  readonly jobs: WorkloadRow;
  readonly cronjobs: WorkloadRow;
  readonly services: ServiceRow;
  readonly endpointslices: EndpointRow;
  readonly events: EventRow;
  readonly persistentvolumeclaims: ClaimRow;
}
export type TableName = keyof Tables;

/** Measured use: `namespace/name` of pods, names of nodes; cores and bytes. */
export interface Usage {
  readonly nodes: Readonly<Record<string, readonly [cpu: number, memory: number]>>;
  readonly pods: Readonly<Record<string, readonly [cpu: number, memory: number]>>;
}

/** What nodes used, some time ago. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly nodes: Usage['nodes'];
}

/** One message of the live connection. All parts may be absent; `put` comes before `drop` of other ids. */
export interface Frame {
  readonly hello?: {
    readonly context: string;
    readonly server: string;
    readonly namespace: string;
    readonly version: string;
    readonly history: readonly Sample[];
  };
  readonly put?: { readonly [T in TableName]?: readonly Tables[T][] };
  readonly drop?: { readonly [T in TableName]?: readonly string[] };
  /** Tables that are complete now. */
  readonly synced?: readonly TableName[];
  /** By table: why it cannot be followed; null: it can again. */
  readonly problems?: { readonly [T in TableName]?: string | null };
  readonly usage?: Usage | null;
}
