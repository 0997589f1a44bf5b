import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Hands an upgrade request on to the runtime's streaming server, as it came but for its target, and joins the two sockets. What
 * protocol they speak (SPDY, WebSocket) is theirs to agree on; a refusal reaches the client as it is.
 */
export function pipeUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, target: string): void {
  const url = new URL(target);
  const upstream = connect({ host: url.hostname, port: Number(url.port || 80), allowHalfOpen: true });
  const end = (): void => {
    upstream.destroy();
    socket.destroy();
  };
  upstream.on('error', end);
  socket.on('error', end);
  upstream.on('close', () => socket.end());
  socket.on('close', () => upstream.end());
  upstream.setNoDelay(true);
  upstream.on('connect', () => {
    const lines = [`${request.method} ${url.pathname}${url.search} HTTP/1.1`, `Host: ${url.host}`];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      const name = request.rawHeaders[i]!;
      // Who the client is has been settled here.
      if (!/^(host|authorization)$/i.test(name)) lines.push(`${name}: ${request.rawHeaders[i + 1]}`);
    }
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
    if (head.length > 0) upstream.write(head);
    socket.pipe(upstream);
    upstream.pipe(socket);
  });
}
