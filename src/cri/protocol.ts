// The container runtime interface (package runtime.v1) and what is needed of containerd's own services, as a compact table: `field=number:type`.
// One departure from the published interface: KeyValue.value is `string` there in older releases and `bytes` in newer ones; both
// are the same on the wire, and `string` is what an environment variable is here.
import { MessageTypes } from '../base/grpc/message-types.ts';
import { plainMethods, service, type MethodMessages, type Service } from '../base/grpc/service.ts';

const RUNTIME_METHODS = 'Version RunPodSandbox StopPodSandbox RemovePodSandbox PodSandboxStatus ListPodSandbox CreateContainer StartContainer StopContainer RemoveContainer '
  + 'ListContainers ContainerStatus UpdateContainerResources ReopenContainerLog ExecSync Exec Attach PortForward ContainerStats ListContainerStats PodSandboxStats '
  + 'ListPodSandboxStats Status RuntimeConfig UpdatePodSandboxResources';
const IMAGE_METHODS = 'ListImages ImageStatus PullImage RemoveImage ImageFsInfo';

const ENUMS: Readonly<Record<string, string>> = {
  Protocol: 'TCP=0 UDP=1 SCTP=2',
  NamespaceMode: 'POD=0 CONTAINER=1 NODE=2 TARGET=3',
  SupplementalGroupsPolicy: 'Merge=0 Strict=1',
  ProfileType: 'RuntimeDefault=0 Unconfined=1 Localhost=2',
  PodSandboxState: 'SANDBOX_READY=0 SANDBOX_NOTREADY=1',
  ContainerState: 'CONTAINER_CREATED=0 CONTAINER_RUNNING=1 CONTAINER_EXITED=2 CONTAINER_UNKNOWN=3',
  MountPropagation: 'PROPAGATION_PRIVATE=0 PROPAGATION_HOST_TO_CONTAINER=1 PROPAGATION_BIDIRECTIONAL=2',
  ContainerEventType: 'CONTAINER_CREATED_EVENT=0 CONTAINER_STARTED_EVENT=1 CONTAINER_STOPPED_EVENT=2 CONTAINER_DELETED_EVENT=3',
  CgroupDriver: 'SYSTEMD=0 CGROUPFS=1',
};

const MESSAGES: Readonly<Record<string, string>> = {
  VersionRequest: 'version=1:string',
  VersionResponse: 'version=1:string runtimeName=2:string runtimeVersion=3:string runtimeApiVersion=4:string',
  RunPodSandboxRequest: 'config=1:PodSandboxConfig runtimeHandler=2:string',
  PodSandboxConfig:
    'metadata=1:PodSandboxMetadata hostname=2:string logDirectory=3:string dnsConfig=4:DNSConfig portMappings=5:PortMapping[] '
    + 'labels=6:map<string,string> annotations=7:map<string,string> linux=8:LinuxPodSandboxConfig',
  PodSandboxMetadata: 'name=1:string uid=2:string namespace=3:string attempt=4:uint32',
  DNSConfig: 'servers=1:string[] searches=2:string[] options=3:string[]',
  PortMapping: 'protocol=1:Protocol containerPort=2:int32 hostPort=3:int32 hostIp=4:string',
  LinuxPodSandboxConfig:
    'cgroupParent=1:string securityContext=2:LinuxSandboxSecurityContext sysctls=3:map<string,string> '
    + 'overhead=4:LinuxContainerResources resources=5:LinuxContainerResources',
  LinuxSandboxSecurityContext:
    'namespaceOptions=1:NamespaceOption selinuxOptions=2:SELinuxOption runAsUser=3:Int64Value runAsGroup=8:Int64Value '
    + 'readonlyRootfs=4:bool supplementalGroups=5:int64[] supplementalGroupsPolicy=11:SupplementalGroupsPolicy '
    + 'privileged=6:bool seccomp=9:SecurityProfile apparmor=10:SecurityProfile seccompProfilePath=7:string',
  NamespaceOption:
    'network=1:NamespaceMode pid=2:NamespaceMode ipc=3:NamespaceMode targetId=4:string '
    + 'usernsOptions=5:UserNamespace',
  UserNamespace: 'mode=1:NamespaceMode uids=2:IDMapping[] gids=3:IDMapping[]',
  IDMapping: 'hostId=1:uint32 containerId=2:uint32 length=3:uint32',
  SELinuxOption: 'user=1:string role=2:string type=3:string level=4:string',
  Int64Value: 'value=1:int64',
  SecurityProfile: 'profileType=1:ProfileType localhostRef=2:string',
  LinuxContainerResources:
    'cpuPeriod=1:int64 cpuQuota=2:int64 cpuShares=3:int64 memoryLimitInBytes=4:int64 oomScoreAdj=5:int64 cpusetCpus=6:string '
    + 'cpusetMems=7:string hugepageLimits=8:HugepageLimit[] unified=9:map<string,string> memorySwapLimitInBytes=10:int64',
  HugepageLimit: 'pageSize=1:string limit=2:uint64',
  RunPodSandboxResponse: 'podSandboxId=1:string',
  StopPodSandboxRequest: 'podSandboxId=1:string',
  StopPodSandboxResponse: '',
  RemovePodSandboxRequest: 'podSandboxId=1:string',
  RemovePodSandboxResponse: '',
  PodSandboxStatusRequest: 'podSandboxId=1:string verbose=2:bool',
  PodSandboxStatusResponse:
    'status=1:PodSandboxStatus info=2:map<string,string> containersStatuses=3:ContainerStatus[] timestamp=4:int64',
  PodSandboxStatus:
    'id=1:string metadata=2:PodSandboxMetadata state=3:PodSandboxState createdAt=4:int64 network=5:PodSandboxNetworkStatus '
    + 'linux=6:LinuxPodSandboxStatus labels=7:map<string,string> annotations=8:map<string,string> runtimeHandler=9:string',
  PodSandboxNetworkStatus: 'ip=1:string additionalIps=2:PodIP[]',
  PodIP: 'ip=1:string',
  LinuxPodSandboxStatus: 'namespaces=1:Namespace',
  Namespace: 'options=2:NamespaceOption',
  ContainerStatus:
    'id=1:string metadata=2:ContainerMetadata state=3:ContainerState createdAt=4:int64 startedAt=5:int64 finishedAt=6:int64 '
    + 'exitCode=7:int32 image=8:ImageSpec imageRef=9:string reason=10:string message=11:string labels=12:map<string,string> '
    + 'annotations=13:map<string,string> mounts=14:Mount[] logPath=15:string resources=16:ContainerResources imageId=17:string '
    + 'user=18:ContainerUser',
  ContainerMetadata: 'name=1:string attempt=2:uint32',
  ImageSpec:
    'image=1:string annotations=2:map<string,string> userSpecifiedImage=18:string runtimeHandler=19:string '
    + 'imageRef=20:string',
  Mount:
    'containerPath=1:string hostPath=2:string readonly=3:bool selinuxRelabel=4:bool propagation=5:MountPropagation '
    + 'uidMappings=6:IDMapping[] gidMappings=7:IDMapping[] recursiveReadOnly=8:bool image=9:ImageSpec imageSubPath=10:string',
  ContainerResources: 'linux=1:LinuxContainerResources',
  ContainerUser: 'linux=1:LinuxContainerUser',
  LinuxContainerUser: 'uid=1:int64 gid=2:int64 supplementalGroups=3:int64[]',
  ListPodSandboxRequest: 'filter=1:PodSandboxFilter',
  PodSandboxFilter: 'id=1:string state=2:PodSandboxStateValue labelSelector=3:map<string,string>',
  PodSandboxStateValue: 'state=1:PodSandboxState',
  ListPodSandboxResponse: 'items=1:PodSandbox[]',
  PodSandbox:
    'id=1:string metadata=2:PodSandboxMetadata state=3:PodSandboxState createdAt=4:int64 labels=5:map<string,string> '
    + 'annotations=6:map<string,string> runtimeHandler=7:string',
  CreateContainerRequest: 'podSandboxId=1:string config=2:ContainerConfig sandboxConfig=3:PodSandboxConfig',
  ContainerConfig:
    'metadata=1:ContainerMetadata image=2:ImageSpec command=3:string[] args=4:string[] workingDir=5:string envs=6:KeyValue[] '
    + 'mounts=7:Mount[] devices=8:Device[] labels=9:map<string,string> annotations=10:map<string,string> logPath=11:string '
    + 'stdin=12:bool stdinOnce=13:bool tty=14:bool linux=15:LinuxContainerConfig CDIDevices=17:CDIDevice[]',
  KeyValue: 'key=1:string value=2:string',
  Device: 'containerPath=1:string hostPath=2:string permissions=3:string',
  LinuxContainerConfig: 'resources=1:LinuxContainerResources securityContext=2:LinuxContainerSecurityContext',
  LinuxContainerSecurityContext:
    'capabilities=1:Capability privileged=2:bool namespaceOptions=3:NamespaceOption selinuxOptions=4:SELinuxOption '
    + 'runAsUser=5:Int64Value runAsGroup=12:Int64Value runAsUsername=6:string readonlyRootfs=7:bool '
    + 'supplementalGroups=8:int64[] supplementalGroupsPolicy=17:SupplementalGroupsPolicy noNewPrivs=11:bool '
    + 'maskedPaths=13:string[] readonlyPaths=14:string[] seccomp=15:SecurityProfile apparmor=16:SecurityProfile '
    + 'apparmorProfile=9:string seccompProfilePath=10:string',
  Capability: 'addCapabilities=1:string[] dropCapabilities=2:string[] addAmbientCapabilities=3:string[]',
  CDIDevice: 'name=1:string',
  CreateContainerResponse: 'containerId=1:string',
  StartContainerRequest: 'containerId=1:string',
  StartContainerResponse: '',
  StopContainerRequest: 'containerId=1:string timeout=2:int64',
  StopContainerResponse: '',
  RemoveContainerRequest: 'containerId=1:string',
  RemoveContainerResponse: '',
  ListContainersRequest: 'filter=1:ContainerFilter',
  ContainerFilter: 'id=1:string state=2:ContainerStateValue podSandboxId=3:string labelSelector=4:map<string,string>',
  ContainerStateValue: 'state=1:ContainerState',
  ListContainersResponse: 'containers=1:Container[]',
  Container:
    'id=1:string podSandboxId=2:string metadata=3:ContainerMetadata image=4:ImageSpec imageRef=5:string '
    + 'state=6:ContainerState createdAt=7:int64 labels=8:map<string,string> annotations=9:map<string,string> imageId=10:string',
  ContainerStatusRequest: 'containerId=1:string verbose=2:bool',
  ContainerStatusResponse: 'status=1:ContainerStatus info=2:map<string,string>',
  UpdateContainerResourcesRequest: 'containerId=1:string linux=2:LinuxContainerResources annotations=4:map<string,string>',
  UpdateContainerResourcesResponse: '',
  ReopenContainerLogRequest: 'containerId=1:string',
  ReopenContainerLogResponse: '',
  ExecSyncRequest: 'containerId=1:string cmd=2:string[] timeout=3:int64',
  ExecSyncResponse: 'stdout=1:bytes stderr=2:bytes exitCode=3:int32',
  ExecRequest: 'containerId=1:string cmd=2:string[] tty=3:bool stdin=4:bool stdout=5:bool stderr=6:bool',
  ExecResponse: 'url=1:string',
  AttachRequest: 'containerId=1:string stdin=2:bool tty=3:bool stdout=4:bool stderr=5:bool',
  AttachResponse: 'url=1:string',
  PortForwardRequest: 'podSandboxId=1:string port=2:int32[]',
  PortForwardResponse: 'url=1:string',
  ContainerStatsRequest: 'containerId=1:string',
  ContainerStatsResponse: 'stats=1:ContainerStats',
  ContainerStats:
    'attributes=1:ContainerAttributes cpu=2:CpuUsage memory=3:MemoryUsage writableLayer=4:FilesystemUsage swap=5:SwapUsage '
    + 'io=6:IoUsage',
  ContainerAttributes: 'id=1:string metadata=2:ContainerMetadata labels=3:map<string,string> annotations=4:map<string,string>',
  CpuUsage: 'timestamp=1:int64 usageCoreNanoSeconds=2:UInt64Value usageNanoCores=3:UInt64Value psi=4:PsiStats',
  UInt64Value: 'value=1:uint64',
  PsiStats: 'Full=1:PsiData Some=2:PsiData',
  PsiData: 'Total=1:uint64 Avg10=2:double Avg60=3:double Avg300=4:double',
  MemoryUsage:
    'timestamp=1:int64 workingSetBytes=2:UInt64Value availableBytes=3:UInt64Value usageBytes=4:UInt64Value '
    + 'rssBytes=5:UInt64Value pageFaults=6:UInt64Value majorPageFaults=7:UInt64Value psi=8:PsiStats',
  FilesystemUsage: 'timestamp=1:int64 fsId=2:FilesystemIdentifier usedBytes=3:UInt64Value inodesUsed=4:UInt64Value',
  FilesystemIdentifier: 'mountpoint=1:string',
  SwapUsage: 'timestamp=1:int64 swapAvailableBytes=2:UInt64Value swapUsageBytes=3:UInt64Value',
  IoUsage: 'timestamp=1:int64 psi=2:PsiStats',
  ListContainerStatsRequest: 'filter=1:ContainerStatsFilter',
  ContainerStatsFilter: 'id=1:string podSandboxId=2:string labelSelector=3:map<string,string>',
  ListContainerStatsResponse: 'stats=1:ContainerStats[]',
  PodSandboxStatsRequest: 'podSandboxId=1:string',
  PodSandboxStatsResponse: 'stats=1:PodSandboxStats',
  PodSandboxStats: 'attributes=1:PodSandboxAttributes linux=2:LinuxPodSandboxStats',
  PodSandboxAttributes: 'id=1:string metadata=2:PodSandboxMetadata labels=3:map<string,string> annotations=4:map<string,string>',
  LinuxPodSandboxStats:
    'cpu=1:CpuUsage memory=2:MemoryUsage network=3:NetworkUsage process=4:ProcessUsage containers=5:ContainerStats[] '
    + 'io=6:IoUsage',
  NetworkUsage: 'timestamp=1:int64 defaultInterface=2:NetworkInterfaceUsage interfaces=3:NetworkInterfaceUsage[]',
  NetworkInterfaceUsage: 'name=1:string rxBytes=2:UInt64Value rxErrors=3:UInt64Value txBytes=4:UInt64Value txErrors=5:UInt64Value',
  ProcessUsage: 'timestamp=1:int64 processCount=2:UInt64Value',
  ListPodSandboxStatsRequest: 'filter=1:PodSandboxStatsFilter',
  PodSandboxStatsFilter: 'id=1:string labelSelector=2:map<string,string>',
  ListPodSandboxStatsResponse: 'stats=1:PodSandboxStats[]',
  StatusRequest: 'verbose=1:bool',
  StatusResponse:
    'status=1:RuntimeStatus info=2:map<string,string> runtimeHandlers=3:RuntimeHandler[] features=4:RuntimeFeatures',
  RuntimeStatus: 'conditions=1:RuntimeCondition[]',
  RuntimeCondition: 'type=1:string status=2:bool reason=3:string message=4:string',
  RuntimeHandler: 'name=1:string features=2:RuntimeHandlerFeatures',
  RuntimeHandlerFeatures: 'recursiveReadOnlyMounts=1:bool userNamespaces=2:bool',
  RuntimeFeatures: 'supplementalGroupsPolicy=1:bool userNamespacesHostNetwork=2:bool',
  GetEventsRequest: '',
  ContainerEventResponse:
    'containerId=1:string containerEventType=2:ContainerEventType createdAt=3:int64 podSandboxStatus=4:PodSandboxStatus '
    + 'containersStatuses=5:ContainerStatus[]',
  RuntimeConfigRequest: '',
  RuntimeConfigResponse: 'linux=1:LinuxRuntimeConfiguration',
  LinuxRuntimeConfiguration: 'cgroupDriver=1:CgroupDriver',
  UpdatePodSandboxResourcesRequest: 'podSandboxId=1:string overhead=2:LinuxContainerResources resources=3:LinuxContainerResources',
  UpdatePodSandboxResourcesResponse: '',
  ListImagesRequest: 'filter=1:ImageFilter',
  ImageFilter: 'image=1:ImageSpec',
  ListImagesResponse: 'images=1:Image[]',
  Image:
    'id=1:string repoTags=2:string[] repoDigests=3:string[] size=4:uint64 uid=5:Int64Value username=6:string spec=7:ImageSpec '
    + 'pinned=8:bool',
  ImageStatusRequest: 'image=1:ImageSpec verbose=2:bool',
  ImageStatusResponse: 'image=1:Image info=2:map<string,string>',
  PullImageRequest: 'image=1:ImageSpec auth=2:AuthConfig sandboxConfig=3:PodSandboxConfig',
  AuthConfig:
    'username=1:string password=2:string auth=3:string serverAddress=4:string identityToken=5:string '
    + 'registryToken=6:string',
  PullImageResponse: 'imageRef=1:string',
  RemoveImageRequest: 'image=1:ImageSpec',
  RemoveImageResponse: '',
  ImageFsInfoRequest: '',
  ImageFsInfoResponse: 'imageFilesystems=1:FilesystemUsage[] containerFilesystems=2:FilesystemUsage[]',
};

/** containerd's own services on the same socket, by package: their messages and methods. The body of an event is told by its type URL. */
const CONTAINERD: Readonly<Record<string, { readonly service: string; readonly methods: Readonly<Record<string, MethodMessages>>; readonly messages: Readonly<Record<string, string>> }>> = {
  events: {
    service: 'Events', methods: { Subscribe: { request: 'SubscribeRequest', response: 'Envelope', responseStream: true } },
    messages: {
      SubscribeRequest: 'filters=1:string[]',
      Envelope: 'timestamp=1:Stamp namespace=2:string topic=3:string event=4:Anything',
      Stamp: 'seconds=1:int64 nanos=2:int32',
      Anything: 'typeUrl=1:string value=2:bytes',
    },
  },
  containers: {
    service: 'Containers', methods: { List: { request: 'ListContainersRequest', response: 'ListContainersResponse' } },
    messages: {
      ListContainersRequest: 'filters=1:string[]',
      ListContainersResponse: 'containers=1:Container[]',
      Container: 'id=1:string spec=5:Anything',
      Anything: 'typeUrl=1:string value=2:bytes',
    },
  },
  snapshots: {
    service: 'Snapshots',
    methods: {
      View: { request: 'ViewSnapshotRequest', response: 'MountsResponse' }, Mounts: { request: 'SnapshotRequest', response: 'MountsResponse' },
      Remove: { request: 'SnapshotRequest', response: 'Nothing' },
    },
    messages: {
      ViewSnapshotRequest: 'snapshotter=1:string key=2:string parent=3:string labels=4:map<string,string>',
      SnapshotRequest: 'snapshotter=1:string key=2:string',
      MountsResponse: 'mounts=1:SnapshotMount[]',
      SnapshotMount: 'type=1:string source=2:string target=3:string options=4:string[]',
      Nothing: '',
    },
  },
};

/** containerd keeps what belongs to Kubernetes under this name. */
export const CONTAINERD_HEADERS = { 'containerd-namespace': 'k8s.io' } as const;

const types = new MessageTypes(MESSAGES, ENUMS);

const containerd = (name: string): Service => {
  const { service: called, methods, messages } = CONTAINERD[name]!;
  return service(`containerd.services.${name}.v1.${called}`, new MessageTypes(messages), methods);
};

export const runtimeService: Service = service('runtime.v1.RuntimeService', types, {
  ...plainMethods(RUNTIME_METHODS), GetContainerEvents: { request: 'GetEventsRequest', response: 'ContainerEventResponse', responseStream: true },
});
export const imageService: Service = service('runtime.v1.ImageService', types, plainMethods(IMAGE_METHODS));
export const containerdEvents: Service = containerd('events');
export const containerdContainers: Service = containerd('containers');
export const containerdSnapshots: Service = containerd('snapshots');
