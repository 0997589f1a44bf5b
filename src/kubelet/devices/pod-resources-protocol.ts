// The kubelet's pod resources API (package v1), as a compact table: `field=number:type`.
import { MessageTypes } from '../../base/grpc/message-types.ts';
import { service, type Service } from '../../base/grpc/service.ts';

const types = new MessageTypes({
  AllocatableResourcesRequest: '',
  AllocatableResourcesResponse: 'devices=1:ContainerDevices[] cpuIds=2:int64[] memory=3:ContainerMemory[]',
  ListPodResourcesRequest: '',
  ListPodResourcesResponse: 'podResources=1:PodResources[]',
  PodResources: 'name=1:string namespace=2:string containers=3:ContainerResources[]',
  ContainerResources: 'name=1:string devices=2:ContainerDevices[] cpuIds=3:int64[] memory=4:ContainerMemory[] dynamicResources=5:DynamicResource[]',
  ContainerMemory: 'memoryType=1:string size=2:uint64 topology=3:TopologyInfo',
  ContainerDevices: 'resourceName=1:string deviceIds=2:string[] topology=3:TopologyInfo',
  TopologyInfo: 'nodes=1:NUMANode[]',
  NUMANode: 'ID=1:int64',
  DynamicResource: 'claimName=2:string claimNamespace=3:string claimResources=4:ClaimResource[]',
  ClaimResource: 'cdiDevices=1:CDIDevice[] driverName=2:string poolName=3:string deviceName=4:string shareId=5:string',
  CDIDevice: 'name=1:string',
  GetPodResourcesRequest: 'podName=1:string podNamespace=2:string',
  GetPodResourcesResponse: 'podResources=1:PodResources',
});

export const podResourcesService: Service = service('v1.PodResourcesLister', types, {
  List: { request: 'ListPodResourcesRequest', response: 'ListPodResourcesResponse' },
  GetAllocatableResources: { request: 'AllocatableResourcesRequest', response: 'AllocatableResourcesResponse' },
  Get: { request: 'GetPodResourcesRequest', response: 'GetPodResourcesResponse' },
});
