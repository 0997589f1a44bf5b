import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request, type Agent } from 'node:https';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { serviceUnavailable, statusError } from '../../api/errors.ts';
import type { Log } from '../../base/log.ts';
import { readText } from './reverse-proxy.ts';
import type { ConnectCall } from './subresource-handler.ts';

const PREFIX = 'SPDY/3.1+';

/** The protocol within the tunnel that a client asks for (`portforward.k8s.io`); undefined where it asks for none. */
export function tunneledProtocol({ headers }: IncomingMessage): string | undefined {
  if (headers.upgrade?.toLowerCase() !== 'websocket') return undefined;
  const asked = (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim());
  return asked.find((protocol) => protocol.startsWith(PREFIX))?.slice(PREFIX.length);
}

/**
 * SPDY/3.1 carried in the binary messages of a web socket, as kubectl from 1.31 forwards ports: some gateways pass web sockets only. What is in the
 * messages goes as it is to the kubelet, which speaks SPDY. Settles when either side has left. Rejects with a StatusError before the socket is open.
 * Upstream: apiserver util/proxy/translatinghandler, streamtunnel.go.
 */
export async function tunnelSpdy(call: ConnectCall, url: URL, agent: Agent, protocol: string, log: Log): Promise<void> {
  const kubelet = await dial(call, url, agent, protocol);
  const client = await accept(call, `${PREFIX}${protocol}`);
  client.on('message', (data: Buffer) => {
    if (kubelet.write(data)) return;
    client.pause();
    kubelet.once('drain', () => client.resume());
  });
  kubelet.on('data', (piece: Buffer) => {
    kubelet.pause();
    client.send(piece, { binary: true }, () => kubelet.resume());
  });
  client.on('error', (error) => log.debug('the client of a tunnel failed', { error: error.message }));
  kubelet.on('error', (error) => log.debug('the kubelet of a tunnel failed', { error: error.message }));
  client.on('close', () => kubelet.destroy());
  kubelet.on('close', () => client.close());
  await once(client, 'close');
}

/** The library refuses this protocol, whose name has a slash: it neither hears of it nor answers it, we do. */
async function accept({ request: asked, upgrade }: ConnectCall, protocol: string): Promise<WebSocket> {
  const { WebSocketServer } = await import('ws');
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  const { 'sec-websocket-protocol': _protocol, ...headers } = asked.headers;
  const { socket, head } = upgrade!;
  return new Promise((resolve) => server.handleUpgrade(Object.create(asked, { headers: { value: headers } }) as IncomingMessage, socket, head, resolve));
}

function dial({ context }: ConnectCall, url: URL, agent: Agent, protocol: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', agent, signal: context.signal, headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': protocol, 'content-length': 0 } });
    outgoing.on('upgrade', (_answer, socket: Duplex, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    outgoing.on('response', (answer) => {
      const code = answer.statusCode ?? 502;
      readText(answer).then((text) => reject(statusError(code < 400 ? 502 : code, 'InternalError', text.trim() || `the kubelet answered ${code}`)), reject);
    });
    outgoing.on('error', (error) => reject(serviceUnavailable(`error trying to reach service: ${error.message}`)));
    outgoing.end();
  });
}
