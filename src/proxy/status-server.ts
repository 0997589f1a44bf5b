import { createServer } from 'node:http';
import type { Log } from '../base/log.ts';

/**
 * What kube-proxy tells on the node's loopback for whoever looks after it: `/proxyMode`, by which tools choose how they look at rules, and `/healthz`.
 * A port that is taken is told in the log. Upstream: cmd/kube-proxy/app/server.go, serveMetrics.
 */
export function startStatusServer({ port, log }: { readonly port: number; readonly log: Log }): AsyncDisposable & { readonly port: number | undefined } {
  const server = createServer(({ url }, response) => {
    const said = { '/proxyMode': 'nftables', '/healthz': 'ok' }[url?.split('?')[0] ?? ''];
    response.writeHead(said === undefined ? 404 : 200, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }).end(said ?? '404 page not found\n');
  });
  server.on('error', (error) => log.warn('cannot tell the state of the proxy', { port, error }));
  server.listen(port, '127.0.0.1');
  return {
    get port() {
      const bound = server.address();
      return bound && typeof bound === 'object' ? bound.port : undefined;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
