import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { UserError } from '../base/user-error.ts';
import type { HttpClientOptions } from '../client/http-client.ts';
import { socketTarget } from '../client/socket-options.ts';
import type { Log } from '../base/log.ts';

/**
 * Where forwarded ports are served. Cookies do not tell ports apart: on the dashboard's own address, a pod's page would be sent the session, so that pods have another one. All of
 * 127.0.0.0/8 is this machine's own on Linux.
 */
const HOST = '127.0.0.2';

export interface Forwarded {
  readonly namespace: string;
  readonly pod: string;
  /** In the pod. */
  readonly port: number;
  readonly address: string;
}

/** Ports of pods on this machine, until the dashboard ends or somebody closes them. */
export class PortForwards implements AsyncDisposable {
  readonly #options: HttpClientOptions;
  readonly #log: Log;
  readonly #open = new Map<string, { readonly forwarded: Forwarded; readonly server: Server; readonly sockets: Set<Socket> }>();

  constructor(options: HttpClientOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  list(): readonly Forwarded[] {
    return [...this.#open.values()].map(({ forwarded }) => forwarded);
  }

  /** The same port of the same pod stays where it is. Throws UserError where no port can be had. */
  async open(namespace: string, pod: string, port: number): Promise<Forwarded> {
    const id = `${namespace}/${pod}/${port}`;
    const known = this.#open.get(id);
    if (known) return known.forwarded;
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true }, (near) => {
      sockets.add(near);
      near.on('close', () => sockets.delete(near));
      near.on('error', (error) => this.#log.debug('a forwarded connection broke', { error }));
      this.#carry(near, `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward?ports=${port}`);
    });
    // The number that the pod has, where it is free here.
    const local = (await listen(server, port >= 1024 ? port : 0)) ?? (await listen(server, 0));
    if (local === undefined) throw new UserError(`no port of ${HOST} can be listened on`, `kubectl port-forward ${pod} ${port}`);
    const forwarded = { namespace, pod, port, address: `http://${HOST}:${local}/` };
    this.#open.set(id, { forwarded, server, sockets });
    return forwarded;
  }

  close(namespace: string, pod: string, port: number): void {
    const id = `${namespace}/${pod}/${port}`;
    const known = this.#open.get(id);
    if (!known) return;
    this.#open.delete(id);
    known.server.close();
    for (const socket of known.sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { namespace, pod, port } of this.list()) this.close(namespace, pod, port);
  }

  /** One connection, one WebSocket: channel 0 is the data, channel 1 the fault; the first message of each is the port's number. */
  #carry(near: Socket, path: string): void {
    const { url, settings } = socketTarget(this.#options, path);
    const far = new WebSocket(url, ['v4.channel.k8s.io'], settings);
    const announced = new Set<number>();
    near.pause();
    near.on('data', (chunk: Buffer) => {
      near.pause();
      far.send(Buffer.concat([Buffer.from([0]), chunk]), () => near.resume());
    });
    near.on('close', () => far.close());
    far.on('open', () => near.resume());
    far.on('message', (data: Buffer) => {
      const channel = data[0]!;
      if (!announced.has(channel)) return void announced.add(channel);
      if (channel !== 0) {
        this.#log.debug('a pod refused a forwarded connection', { fault: data.subarray(1).toString() });
        near.destroy();
      } else if (!near.write(data.subarray(1))) {
        far.pause();
        near.once('drain', () => far.resume());
      }
    });
    far.on('error', (error) => {
      this.#log.debug('a port cannot be forwarded', { path, error });
      near.destroy();
    });
    far.on('close', () => near.end());
  }
}

/** The port that was got; undefined where it was not. */
async function listen(server: Server, port: number): Promise<number | undefined> {
  try {
    const listening = once(server, 'listening');
    server.listen(port, HOST);
    await listening;
    return (server.address() as AddressInfo).port;
  } catch (error) {
    if (!['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return undefined;
  }
}
