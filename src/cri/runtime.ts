/**
 * The container runtime interface v1 as the kubelet uses it: promises instead of request and response messages. Names and meaning
 * as the published interface (k8s.io/cri-api, runtime/v1), fields in camel case. Times are nanoseconds since 1970, as numbers
 * (exact to about 256 ns); 0 means never. Every method rejects with a `RuntimeError`.
 */
export interface CriRuntime {
  version(): Promise<RuntimeVersion>;
  status(verbose?: boolean): Promise<RuntimeStatus>;
  /** Rejects with Unimplemented where the runtime is older than this call. */
  runtimeConfig(): Promise<{ readonly linux: { readonly cgroupDriver: 'SYSTEMD' | 'CGROUPFS' } | null }>;

  /** Resolves with the sandbox id, when its network is up. */
  runPodSandbox(config: PodSandboxConfig, runtimeHandler?: string): Promise<string>;
  stopPodSandbox(id: string): Promise<void>;
  removePodSandbox(id: string): Promise<void>;
  podSandboxStatus(id: string): Promise<PodSandboxStatus>;
  listPodSandbox(filter?: PodSandboxFilter): Promise<readonly PodSandbox[]>;

  /** Resolves with the container id. */
  createContainer(podSandboxId: string, config: ContainerConfig, sandboxConfig: PodSandboxConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** SIGTERM (or the image's stop signal), then SIGKILL after `timeoutSeconds`; resolves when the container has ended. */
  stopContainer(id: string, timeoutSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  listContainers(filter?: ContainerFilter): Promise<readonly Container[]>;
  containerStatus(id: string): Promise<ContainerStatus>;
  updateContainerResources(id: string, resources: LinuxContainerResources): Promise<void>;
  /** After the log file was moved away. */
  reopenContainerLog(id: string): Promise<void>;

  /** `timeoutSeconds` 0: none. Rejects with DeadlineExceeded when it fires. */
  execSync(id: string, command: readonly string[], timeoutSeconds: number): Promise<ExecSyncResult>;
  /** Resolves with a single-use URL that speaks SPDY/3.1 or WebSocket. So do `attach` and `portForward`. */
  exec(request: ExecRequest): Promise<string>;
  attach(request: AttachRequest): Promise<string>;
  portForward(podSandboxId: string, ports: readonly number[]): Promise<string>;

  containerStats(id: string): Promise<ContainerStats>;
  listContainerStats(filter?: ContainerStatsFilter): Promise<readonly ContainerStats[]>;
  podSandboxStats(id: string): Promise<PodSandboxStats>;
  listPodSandboxStats(): Promise<readonly PodSandboxStats[]>;

  /** Resolves with the reference that names the image exactly. Aborting ends the wait. */
  pullImage(image: ImageSpec, auth?: AuthConfig, sandboxConfig?: PodSandboxConfig, signal?: AbortSignal): Promise<string>;
  listImages(): Promise<readonly Image[]>;
  imageStatus(image: ImageSpec): Promise<Image | undefined>;
  removeImage(image: ImageSpec): Promise<void>;
  imageFsInfo(): Promise<readonly FilesystemUsage[]>;
  /**
   * What to mount, in this order, to see the files of an image that is present, read-only. They stay until `releaseImageView` is called with the
   * same key, whatever becomes of the image; the same key answers the same again. Nothing to mount: the image's files exist in name only.
   */
  viewImage(image: ImageSpec, key: string): Promise<readonly SnapshotMount[]>;
  /** Of a view that is not mounted any more; one that is not there is released already. */
  releaseImageView(key: string): Promise<void>;

  /**
   * What happens to containers and sandboxes, as it happens. The first event, and one after each interruption, is `resync`: list
   * again, for events may have been missed before it. Ends when the signal aborts.
   */
  events(signal: AbortSignal): AsyncIterable<RuntimeEvent>;
}

/** `id` names a container or a sandbox. When `stopped` arrives, the status of the container already says so. */
export type RuntimeEvent =
  | { readonly type: 'resync' }
  | { readonly type: 'created' | 'started' | 'stopped' | 'deleted'; readonly id: string };

export type RuntimeErrorCode =
  | 'Canceled' | 'Unknown' | 'InvalidArgument' | 'DeadlineExceeded' | 'NotFound' | 'AlreadyExists' | 'PermissionDenied'
  | 'ResourceExhausted' | 'FailedPrecondition' | 'Aborted' | 'OutOfRange' | 'Unimplemented' | 'Internal' | 'Unavailable' | 'DataLoss' | 'Unauthenticated';

/** A refusal of the runtime. The message has the form clients know from upstream's events: `rpc error: code = NotFound desc = …`. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly code: RuntimeErrorCode;
  readonly description: string;

  constructor(code: RuntimeErrorCode, description: string) {
    super(`rpc error: code = ${code} desc = ${description}`);
    this.code = code;
    this.description = description;
  }
}

export function isRuntimeError(error: unknown, ...codes: RuntimeErrorCode[]): error is RuntimeError {
  return error instanceof RuntimeError && (codes.length === 0 || codes.includes(error.code));
}

type Labels = Readonly<Record<string, string>>;

export interface RuntimeVersion {
  readonly version: string;
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  readonly runtimeApiVersion: string;
}

export interface RuntimeStatus {
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: boolean; readonly reason: string; readonly message: string }[] } | null;
  readonly info: Labels;
  /** Absent or empty where the runtime is older than this. */
  readonly runtimeHandlers?: readonly { readonly name: string; readonly features: { readonly recursiveReadOnlyMounts: boolean; readonly userNamespaces: boolean } | null }[];
  readonly features?: { readonly supplementalGroupsPolicy: boolean } | null;
}

export type NamespaceMode = 'POD' | 'CONTAINER' | 'NODE' | 'TARGET';

/** So many ids from `containerId` on are in the container, as the host knows them from `hostId` on. */
export interface IdMapping {
  readonly hostId: number;
  readonly containerId: number;
  readonly length: number;
}

export interface UserNamespace {
  readonly mode: 'POD' | 'NODE';
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
}

export interface NamespaceOption {
  readonly network?: NamespaceMode;
  readonly pid?: NamespaceMode;
  readonly ipc?: NamespaceMode;
  readonly targetId?: string;
  /** Absent: the host's users. */
  readonly usernsOptions?: UserNamespace;
}

export interface SecurityProfile {
  readonly profileType: 'RuntimeDefault' | 'Unconfined' | 'Localhost';
  readonly localhostRef?: string;
}

export interface SELinuxOption {
  readonly user?: string;
  readonly role?: string;
  readonly type?: string;
  readonly level?: string;
}

interface Int64Value {
  readonly value: number;
}

export interface LinuxSandboxSecurityContext {
  readonly namespaceOptions?: NamespaceOption;
  readonly selinuxOptions?: SELinuxOption;
  readonly runAsUser?: Int64Value;
  readonly runAsGroup?: Int64Value;
  readonly readonlyRootfs?: boolean;
  readonly supplementalGroups?: readonly number[];
  readonly privileged?: boolean;
  readonly seccomp?: SecurityProfile;
}

export interface LinuxContainerResources {
  /** Microseconds. */
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpuShares?: number;
  readonly memoryLimitInBytes?: number;
  readonly oomScoreAdj?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly unified?: Labels;
  readonly memorySwapLimitInBytes?: number;
}

export interface DNSConfig {
  readonly servers?: readonly string[];
  readonly searches?: readonly string[];
  readonly options?: readonly string[];
}

export interface PodSandboxMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly attempt: number;
}

export interface PodSandboxConfig {
  readonly metadata: PodSandboxMetadata;
  readonly hostname?: string;
  readonly logDirectory?: string;
  readonly dnsConfig?: DNSConfig;
  readonly portMappings?: readonly { readonly protocol: 'TCP' | 'UDP' | 'SCTP'; readonly containerPort: number; readonly hostPort: number; readonly hostIp?: string }[];
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly linux?: {
    readonly cgroupParent?: string;
    readonly securityContext?: LinuxSandboxSecurityContext;
    readonly sysctls?: Labels;
    readonly overhead?: LinuxContainerResources;
    readonly resources?: LinuxContainerResources;
  };
}

export type PodSandboxState = 'SANDBOX_READY' | 'SANDBOX_NOTREADY';

export interface PodSandboxFilter {
  readonly id?: string;
  readonly state?: { readonly state: PodSandboxState };
  readonly labelSelector?: Labels;
}

export interface PodSandbox {
  readonly id: string;
  readonly metadata: PodSandboxMetadata;
  readonly state: PodSandboxState;
  readonly createdAt: number;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly runtimeHandler: string;
}

export interface PodSandboxStatus extends PodSandbox {
  readonly network: { readonly ip: string; readonly additionalIps: readonly { readonly ip: string }[] } | null;
  readonly linux: { readonly namespaces: { readonly options: NamespaceOption | null } | null } | null;
}

export interface ImageSpec {
  readonly image: string;
  readonly annotations?: Labels;
  readonly userSpecifiedImage?: string;
}

export interface Mount {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readonly?: boolean;
  readonly selinuxRelabel?: boolean;
  readonly propagation?: 'PROPAGATION_PRIVATE' | 'PROPAGATION_HOST_TO_CONTAINER' | 'PROPAGATION_BIDIRECTIONAL';
  readonly recursiveReadOnly?: boolean;
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
}

export interface Device {
  readonly containerPath: string;
  readonly hostPath: string;
  /** `mrw`, of the device cgroup. */
  readonly permissions: string;
}

export interface LinuxContainerSecurityContext {
  readonly capabilities?: { readonly addCapabilities?: readonly string[]; readonly dropCapabilities?: readonly string[] };
  readonly privileged?: boolean;
  readonly namespaceOptions?: NamespaceOption;
  readonly selinuxOptions?: SELinuxOption;
  readonly runAsUser?: Int64Value;
  readonly runAsGroup?: Int64Value;
  readonly runAsUsername?: string;
  readonly readonlyRootfs?: boolean;
  readonly supplementalGroups?: readonly number[];
  readonly supplementalGroupsPolicy?: 'Merge' | 'Strict';
  readonly noNewPrivs?: boolean;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  readonly seccomp?: SecurityProfile;
  readonly apparmor?: SecurityProfile;
}

export interface ContainerMetadata {
  readonly name: string;
  readonly attempt: number;
}

export interface ContainerConfig {
  readonly metadata: ContainerMetadata;
  readonly image: ImageSpec;
  /** Replaces the image's entry point. */
  readonly command?: readonly string[];
  /** Replaces the image's command. */
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly envs?: readonly { readonly key: string; readonly value: string }[];
  readonly mounts?: readonly Mount[];
  readonly devices?: readonly Device[];
  /** By their qualified names: `VENDOR/CLASS=NAME`. The runtime finds in its own configuration what they are. */
  readonly CDIDevices?: readonly { readonly name: string }[];
  readonly labels?: Labels;
  readonly annotations?: Labels;
  /** Relative to the sandbox's log directory. */
  readonly logPath?: string;
  readonly stdin?: boolean;
  readonly stdinOnce?: boolean;
  readonly tty?: boolean;
  readonly linux?: { readonly resources?: LinuxContainerResources; readonly securityContext?: LinuxContainerSecurityContext };
}

export type ContainerState = 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN';

export interface ContainerFilter {
  readonly id?: string;
  readonly state?: { readonly state: ContainerState };
  readonly podSandboxId?: string;
  readonly labelSelector?: Labels;
}

export interface Container {
  readonly id: string;
  readonly podSandboxId: string;
  readonly metadata: ContainerMetadata;
  readonly image: ImageSpec;
  readonly imageRef: string;
  readonly state: ContainerState;
  readonly createdAt: number;
  readonly labels: Labels;
  readonly annotations: Labels;
}

export interface ContainerStatus {
  readonly id: string;
  readonly metadata: ContainerMetadata;
  readonly state: ContainerState;
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  readonly image: ImageSpec;
  readonly imageRef: string;
  /** `Completed`, `Error`, `OOMKilled`, or the runtime's own. */
  readonly reason: string;
  readonly message: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly mounts: readonly Mount[];
  /** Absolute. */
  readonly logPath: string;
  readonly resources: { readonly linux: LinuxContainerResources | null } | null;
  readonly user: { readonly linux: { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] } | null } | null;
}

export interface ExecSyncResult {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly exitCode: number;
}

export interface AttachRequest {
  readonly containerId: string;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface ExecRequest extends AttachRequest {
  readonly cmd: readonly string[];
}

interface UInt64Value {
  readonly value: number;
}

export interface CpuUsage {
  readonly timestamp: number;
  readonly usageCoreNanoSeconds: UInt64Value | null;
  readonly usageNanoCores: UInt64Value | null;
}

export interface MemoryUsage {
  readonly timestamp: number;
  readonly workingSetBytes: UInt64Value | null;
  readonly availableBytes: UInt64Value | null;
  readonly usageBytes: UInt64Value | null;
  readonly rssBytes: UInt64Value | null;
  readonly pageFaults: UInt64Value | null;
  readonly majorPageFaults: UInt64Value | null;
}

export interface FilesystemUsage {
  readonly timestamp: number;
  readonly fsId: { readonly mountpoint: string } | null;
  readonly usedBytes: UInt64Value | null;
  readonly inodesUsed: UInt64Value | null;
}

export interface ContainerStatsFilter {
  readonly id?: string;
  readonly podSandboxId?: string;
  readonly labelSelector?: Labels;
}

export interface ContainerStats {
  readonly attributes: { readonly id: string; readonly metadata: ContainerMetadata | null; readonly labels: Labels; readonly annotations: Labels } | null;
  readonly cpu: CpuUsage | null;
  readonly memory: MemoryUsage | null;
  readonly writableLayer: FilesystemUsage | null;
}

export interface NetworkInterfaceUsage {
  readonly name: string;
  readonly rxBytes: UInt64Value | null;
  readonly rxErrors: UInt64Value | null;
  readonly txBytes: UInt64Value | null;
  readonly txErrors: UInt64Value | null;
}

export interface PodSandboxStats {
  readonly attributes: { readonly id: string; readonly metadata: PodSandboxMetadata | null; readonly labels: Labels } | null;
  readonly linux: {
    readonly cpu: CpuUsage | null;
    readonly memory: MemoryUsage | null;
    readonly network: { readonly timestamp: number; readonly defaultInterface: NetworkInterfaceUsage | null; readonly interfaces: readonly NetworkInterfaceUsage[] } | null;
    readonly process: { readonly timestamp: number; readonly processCount: UInt64Value | null } | null;
    readonly containers: readonly ContainerStats[];
  } | null;
}

export interface Image {
  /** The digest of the image's configuration, `sha256:…`. */
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  /** Bytes. */
  readonly size: number;
  /** The user the image asks for, by number or else by name. */
  readonly uid: Int64Value | null;
  readonly username: string;
  readonly pinned: boolean;
}

/** As mount(8) takes it; `target` is a folder inside the view, mostly empty. */
export interface SnapshotMount {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
}

export interface AuthConfig {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly serverAddress?: string;
  readonly identityToken?: string;
  readonly registryToken?: string;
}
