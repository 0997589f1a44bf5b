// The container storage interface (package csi.v1) as far as a kubelet speaks it, as compact tables: `field=number:type`.
import { MessageTypes } from '../../base/grpc/message-types.ts';
import { plainMethods, service, type Service } from '../../base/grpc/service.ts';

const CSI: Readonly<Record<string, string>> = {
  NodeStageVolumeRequest:
    'volumeId=1:string publishContext=2:map<string,string> stagingTargetPath=3:string volumeCapability=4:VolumeCapability secrets=5:map<string,string> volumeContext=6:map<string,string>',
  NodeStageVolumeResponse: '',
  NodeUnstageVolumeRequest: 'volumeId=1:string stagingTargetPath=2:string',
  NodeUnstageVolumeResponse: '',
  NodePublishVolumeRequest:
    'volumeId=1:string publishContext=2:map<string,string> stagingTargetPath=3:string targetPath=4:string volumeCapability=5:VolumeCapability readonly=6:bool '
    + 'secrets=7:map<string,string> volumeContext=8:map<string,string>',
  NodePublishVolumeResponse: '',
  NodeUnpublishVolumeRequest: 'volumeId=1:string targetPath=2:string',
  NodeUnpublishVolumeResponse: '',
  NodeExpandVolumeRequest:
    'volumeId=1:string volumePath=2:string capacityRange=3:CapacityRange stagingTargetPath=4:string volumeCapability=5:VolumeCapability secrets=6:map<string,string>',
  NodeExpandVolumeResponse: 'capacityBytes=1:int64',
  CapacityRange: 'requiredBytes=1:int64 limitBytes=2:int64',
  NodeGetCapabilitiesRequest: '',
  NodeGetCapabilitiesResponse: 'capabilities=1:NodeServiceCapability[]',
  NodeServiceCapability: 'rpc=1:Rpc',
  Rpc: 'type=1:NodeCapability',
  NodeGetInfoRequest: '',
  NodeGetInfoResponse: 'nodeId=1:string maxVolumesPerNode=2:int64 accessibleTopology=3:Topology',
  Topology: 'segments=1:map<string,string>',
  VolumeCapability: 'block=1:BlockVolume mount=2:MountVolume accessMode=3:AccessMode',
  BlockVolume: '',
  MountVolume: 'fsType=1:string mountFlags=2:string[] volumeMountGroup=3:string',
  AccessMode: 'mode=1:Mode',
};

const ENUMS: Readonly<Record<string, string>> = {
  NodeCapability: 'UNKNOWN=0 STAGE_UNSTAGE_VOLUME=1 GET_VOLUME_STATS=2 EXPAND_VOLUME=3 VOLUME_CONDITION=4 SINGLE_NODE_MULTI_WRITER=5 VOLUME_MOUNT_GROUP=6',
  Mode:
    'UNKNOWN_MODE=0 SINGLE_NODE_WRITER=1 SINGLE_NODE_READER_ONLY=2 MULTI_NODE_READER_ONLY=3 MULTI_NODE_SINGLE_WRITER=4 MULTI_NODE_MULTI_WRITER=5 '
    + 'SINGLE_NODE_SINGLE_WRITER=6 SINGLE_NODE_MULTI_WRITER=7',
};

const NODE_METHODS = 'NodeStageVolume NodeUnstageVolume NodePublishVolume NodeUnpublishVolume NodeExpandVolume NodeGetCapabilities NodeGetInfo';

export const csiNodeService: Service = service('csi.v1.Node', new MessageTypes(CSI, ENUMS), plainMethods(NODE_METHODS));
