import type { Log } from '../base/log.ts';
import { startSmallServer, type SmallServer } from './small-server.ts';

/**
 * What kube-proxy tells on the node's loopback for whoever looks after it: `/proxyMode`, by which tools choose how they look at rules, and `/healthz`.
 * A port that is taken is told in the log. Upstream: cmd/kube-proxy/app/server.go, serveMetrics.
 */
export function startStatusServer({ port, log }: { readonly port: number; readonly log: Log }): SmallServer {
  return startSmallServer('127.0.0.1', port, ({ url }, response) => {
    const said = { '/proxyMode': 'nftables', '/healthz': 'ok' }[url?.split('?')[0] ?? ''];
    response.writeHead(said === undefined ? 404 : 200, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }).end(said ?? '404 page not found\n');
  }, (error) => log.warn('cannot tell the state of the proxy', { port, error }));
}
