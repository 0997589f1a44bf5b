// What the kubelet and drivers of devices say to each other (packages dra.v1 and dra.v1beta1, which are alike, and v1alpha1 of their health), as compact tables: `field=number:type`.
import { MessageTypes } from '../../base/grpc/message-types.ts';
import { plainMethods, service, type Service } from '../../base/grpc/service.ts';

const dra = new MessageTypes({
  NodePrepareResourcesRequest: 'claims=1:Claim[]',
  NodePrepareResourcesResponse: 'claims=1:map<string,NodePrepareResourceResponse>',
  NodePrepareResourceResponse: 'devices=1:Device[] error=2:string',
  Device: 'requestNames=1:string[] poolName=2:string deviceName=3:string cdiDeviceIds=4:string[] shareId=5:string',
  NodeUnprepareResourcesRequest: 'claims=1:Claim[]',
  NodeUnprepareResourcesResponse: 'claims=1:map<string,NodeUnprepareResourceResponse>',
  NodeUnprepareResourceResponse: 'error=1:string',
  Claim: 'namespace=1:string uid=2:string name=3:string',
});

const health = new MessageTypes({
  NodeWatchResourcesRequest: '',
  DeviceIdentifier: 'poolName=1:string deviceName=2:string',
  DeviceHealth: 'device=1:DeviceIdentifier health=2:HealthStatus lastUpdatedTime=3:int64 healthCheckTimeoutSeconds=4:int64 message=5:string',
  NodeWatchResourcesResponse: 'devices=1:DeviceHealth[]',
}, { HealthStatus: 'UNKNOWN=0 HEALTHY=1 UNHEALTHY=2' });

/** The services that a driver may have, the best first, by the names that it tells; each with its package. */
const PACKAGES = { 'v1.DRAPlugin': 'k8s.io.kubelet.pkg.apis.dra.v1', 'v1beta1.DRAPlugin': 'k8s.io.kubelet.pkg.apis.dra.v1beta1' } as const;
export type DraService = keyof typeof PACKAGES;
export const draServices = Object.keys(PACKAGES) as readonly DraService[];

export const draService = (name: DraService): Service => service(`${PACKAGES[name]}.DRAPlugin`, dra, plainMethods('NodePrepareResources NodeUnprepareResources'));

export const draHealthService: Service = service('v1alpha1.DRAResourceHealth', health, {
  NodeWatchResources: { request: 'NodeWatchResourcesRequest', response: 'NodeWatchResourcesResponse', responseStream: true },
});
