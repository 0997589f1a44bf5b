import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Server, ServerCredentials, type ServerWritableStream, type ServiceDefinition, type UntypedHandleCall } from '@grpc/grpc-js';
import { draHealthService, draService } from '../kubelet/devices/dra-protocol.ts';
import { registrationService } from '../kubelet/plugins/registration-protocol.ts';

interface Call {
  readonly method: string;
  readonly claims: readonly string[];
}

export interface DeviceDriver {
  readonly calls: Call[];
  /** What the kubelet said of its registration. */
  told: unknown;
  /** What goes wrong with every claim. */
  fault: string;
  tell(health: 'HEALTHY' | 'UNHEALTHY', message: string): void;
  end(): void;
}

/** A driver that makes the device `gpu-0` of the pool `boat` ready for each claim, as the CDI device `NAME/gpu=CLAIM`, and notes what it is asked for. `rootDir` is the kubelet's. */
export async function startDeviceDriver(rootDir: string, name: string, supportedVersions: readonly string[] = ['v1.DRAPlugin']): Promise<DeviceDriver> {
  const watchers = new Set<ServerWritableStream<object, object>>();
  const endpoint = join(rootDir, 'plugins', `${name}.sock`);
  const registered = join(rootDir, 'plugins_registry', `${name}-reg.sock`);
  const servers: Server[] = [];
  const driver: DeviceDriver = {
    calls: [], told: undefined, fault: '',
    tell(health, message) {
      for (const watcher of watchers) watcher.write({ devices: [{ device: { poolName: 'boat', deviceName: 'gpu-0' }, health, message, healthCheckTimeoutSeconds: 3600 }] });
    },
    end() {
      for (const server of servers.splice(0)) server.forceShutdown();
      rmSync(registered, { force: true });
    },
  };
  interface Asked { readonly request: { readonly claims: readonly { readonly name: string; readonly uid: string }[] } }
  const answer = (method: string, each: (name: string) => object): UntypedHandleCall => ({ request: { claims } }: Asked, done: (error: null, value: object) => void) => {
    driver.calls.push({ method, claims: claims.map((claim) => claim.name) });
    done(null, { claims: Object.fromEntries(claims.map((claim) => [claim.uid, driver.fault === '' ? each(claim.name) : { error: driver.fault }])) });
  };
  const serve = async (path: string, ...services: readonly (readonly [ServiceDefinition, Record<string, UntypedHandleCall>])[]): Promise<void> => {
    const server = new Server();
    for (const [service, handlers] of services) server.addService(service, handlers);
    await new Promise<void>((resolve, reject) => server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())));
    servers.push(server);
  };
  await serve(endpoint, [draService('v1.DRAPlugin'), {
    NodePrepareResources: answer('prepare', (claim) => ({ devices: [{ requestNames: ['r'], poolName: 'boat', deviceName: 'gpu-0', cdiDeviceIds: [`${name}/gpu=${claim}`] }] })),
    NodeUnprepareResources: answer('unprepare', () => ({})),
  }], [draHealthService, {
    NodeWatchResources: (stream: ServerWritableStream<object, object>) => {
      watchers.add(stream);
      stream.on('cancelled', () => watchers.delete(stream));
    },
  }]);
  await serve(registered, [registrationService, {
    GetInfo: (_: unknown, done: (error: null, value: object) => void) => done(null, { type: 'DRAPlugin', name, endpoint, supportedVersions }),
    NotifyRegistrationStatus: ({ request }: { request: unknown }, done: (error: null, value: object) => void) => {
      driver.told = request;
      done(null, {});
    },
  }]);
  return driver;
}
