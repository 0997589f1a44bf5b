// How plugins tell the kubelet of themselves (package pluginregistration), as a compact table: `field=number:type`.
import { MessageTypes } from '../../base/grpc/message-types.ts';
import { service, type Service } from '../../base/grpc/service.ts';

const MESSAGES: Readonly<Record<string, string>> = {
  InfoRequest: '',
  PluginInfo: 'type=1:string name=2:string endpoint=3:string supportedVersions=4:string[]',
  RegistrationStatus: 'pluginRegistered=1:bool error=2:string',
  RegistrationStatusResponse: '',
};

export const registrationService: Service = service('pluginregistration.Registration', new MessageTypes(MESSAGES), {
  GetInfo: { request: 'InfoRequest', response: 'PluginInfo' }, NotifyRegistrationStatus: { request: 'RegistrationStatus', response: 'RegistrationStatusResponse' },
});
