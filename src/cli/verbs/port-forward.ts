import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Service } from '../../api/generated/core-v1.ts';
import type { HttpClient } from '../../client/http-client.ts';
import type { FlagSpecs } from '../command/flags.ts';
import { podOf } from '../pods/pod-of.ts';
import { forwardedPorts, type ForwardedPort } from '../pods/forwarded-ports.ts';
import { openSocket } from '../pods/socket.ts';
import { resolveTargets, targetPath } from '../targets/targets.ts';
import type { Call, Verb } from '../command/verb.ts';
import type { KubectlIo } from '../command/kubectl-io.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  address: { type: 'strings', default: ['localhost'], usage: 'Addresses to listen on (comma separated). Only accepts IP addresses or localhost as a value.' },
  'pod-running-timeout': { type: 'duration', default: '1m0s', usage: 'The length of time (like 5s, 2m, or 3h, higher than zero) to wait until at least one pod is running' },
} as const satisfies FlagSpecs;

/** Upstream: kubectl pkg/cmd/portforward, client-go tools/portforward. */
export const verb: Verb = {
  usage: 'TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]',
  summary: 'Forward one or more local ports to a pod',
  flags,
  async run(call) {
    const { args, flags: given, session, io } = call;
    const [what, ...specs] = args;
    if (what === undefined || specs.length === 0) throw new KubectlError("TYPE/NAME and list of ports are required for port-forward\nSee 'kubectl port-forward -h' for help and examples");
    const pod = await podOf(call, what);
    const ports = forwardedPorts(specs, pod, await serviceOf(call, what));
    if (pod.status?.phase !== 'Running') throw new KubectlError(`unable to forward port because pod is not running. Current status=${pod.status?.phase ?? ''}`);
    const http = await session.http();
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/portforward`;
    const addresses = given.strings('address').flatMap((address) => (address === 'localhost' ? ['127.0.0.1', '::1'] : [address]));
    const servers: Server[] = [];
    try {
      for (const port of ports) servers.push(...await listen(port, addresses, http, path, io));
      if (!io.signal.aborted) await once(io.signal, 'abort');
    } finally {
      for (const server of servers) server.close();
    }
    return 0;
  },
};

/** The service that was named, for its ports are not the pod's. */
async function serviceOf(call: Call, what: string): Promise<Service | undefined> {
  if (!what.includes('/')) return undefined;
  const [target] = await resolveTargets(call, { args: [what] });
  return target!.resource.kind === 'Service' ? call.session.json<Service>(targetPath(target!)) : undefined;
}

/** Listens on each address that there is; one that cannot be had is no fault while another can. */
async function listen(port: ForwardedPort, addresses: readonly string[], http: HttpClient, path: string, io: KubectlIo): Promise<Server[]> {
  const servers: Server[] = [];
  const faults: string[] = [];
  let { local } = port;
  for (const address of addresses) {
    const server = createServer({ allowHalfOpen: true }, (connection) => {
      io.out(`Handling connection for ${local}\n`);
      forward(connection, port.remote, http, path).catch((error: Error) => {
        io.err(`error: an error occurred forwarding ${local} -> ${port.remote}: ${error.message}\n`);
        connection.destroy();
      });
    });
    try {
      server.listen(local, address);
      await once(server, 'listening');
    } catch (error) {
      faults.push((error as Error).message);
      continue;
    }
    local = (server.address() as AddressInfo).port;
    io.out(`Forwarding from ${address.includes(':') ? `[${address}]` : address}:${local} -> ${port.remote}\n`);
    servers.push(server);
  }
  if (servers.length === 0) {
    io.err(`Unable to listen on port ${local}: Listeners failed to create with the following errors: [${faults.join(' ')}]\n`);
    throw new KubectlError(`unable to listen on any of the requested ports: [{${local} ${port.remote}}]`);
  }
  return servers;
}

const DATA = 0;

/**
 * Carries one connection over a WebSocket of its own: channel 0 is the data, channel 1 the fault. The first message of each channel is the
 * port. The protocol knows no half-open connection: when the near end has finished writing, the far end may still answer.
 */
async function forward(connection: Socket, remote: number, http: HttpClient, path: string): Promise<void> {
  connection.pause();
  const socket = await openSocket(http, `${path}?ports=${remote}`, ['v4.channel.k8s.io']);
  const announced = new Set<number>();
  connection.on('data', (chunk: Buffer) => {
    connection.pause();
    socket.send(Buffer.concat([Buffer.from([DATA]), chunk]), () => connection.resume());
  });
  connection.on('close', () => socket.close());
  connection.on('error', () => socket.close());
  connection.resume();
  await new Promise<void>((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      const channel = data[0]!;
      if (!announced.has(channel)) {
        announced.add(channel);
        return;
      }
      if (channel !== DATA) return reject(new Error(data.subarray(1).toString()));
      if (!connection.write(data.subarray(1))) {
        socket.pause();
        connection.once('drain', () => socket.resume());
      }
    });
    socket.on('close', () => {
      connection.end();
      resolve();
    });
    socket.on('error', reject);
  });
}
