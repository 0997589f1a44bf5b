import type { IncomingMessage } from 'node:http';
import { request, type Agent } from 'node:https';
import type { WebSocket, WebSocketServer } from 'ws';
import { badRequest, serviceUnavailable, type StatusError } from '../../api/errors.ts';
import { readText } from './reverse-proxy.ts';
import type { ConnectCall } from './subresource-handler.ts';

const BINARY = 'binary.k8s.io';
const BASE64 = 'base64.binary.k8s.io';

let server: Promise<WebSocketServer> | undefined;

/**
 * Sends what a kubelet answers as the messages of a web socket, each a piece as it came, or that in base64. What the client sends is ignored.
 * Throws a StatusError before the socket is open. Upstream: streaming pkg/httpstream/wsstream.Reader.
 */
export async function streamToWebSocket(call: ConnectCall, url: URL, agent: Agent, fault: (status: number, text: string) => StatusError): Promise<void> {
  if (call.request.headers.upgrade?.toLowerCase() !== 'websocket') throw badRequest('this answer is streamed over a web socket or none');
  const incoming = await open(call, url, agent);
  const status = incoming.statusCode ?? 500;
  if (status < 200 || status > 206) throw fault(status, await readText(incoming));
  server ??= import('ws').then((ws) => new ws.WebSocketServer({ noServer: true, handleProtocols: (asked) => [BINARY, BASE64].find((protocol) => asked.has(protocol)) ?? false }));
  const accepting = await server;
  const { socket, head } = call.upgrade!;
  const webSocket = await new Promise<WebSocket>((resolve) => accepting.handleUpgrade(call.request, socket, head, resolve));
  webSocket.on('close', () => incoming.destroy());
  webSocket.on('error', () => incoming.destroy());
  const base64 = webSocket.protocol === BASE64;
  const send = (piece: Buffer): Promise<void> => new Promise((resolve) => webSocket.send(base64 ? piece.toString('base64') : piece, { binary: !base64 }, () => resolve()));
  // A first message without content tells that the stream has begun.
  await send(Buffer.alloc(0));
  try {
    for await (const piece of incoming) await send(piece as Buffer);
  } catch {
    // The kubelet or the client has left: either way the conversation is over.
  }
  webSocket.close();
}

function open({ context }: ConnectCall, url: URL, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, signal: context.signal, headers: { accept: '*/*' } }, resolve);
    outgoing.on('error', (error) => reject(serviceUnavailable(`error trying to reach service: ${error.message}`)));
    outgoing.end();
  });
}
