import type { Node } from '../api/generated/core-v1.ts';
import type { Log } from '../base/log.ts';
import type { HealthReport, ProxyHealth } from './proxy-health.ts';
import { startSmallServer, type SmallServer } from './small-server.ts';

export interface HealthServerOptions {
  readonly address: string;
  /** 10256 everywhere; 0 takes a free one, for tests. */
  readonly port: number;
  readonly health: ProxyHealth;
  readonly node: () => Node | undefined;
  readonly log: Log;
}

/** Answers `/healthz` and `/livez` of the service proxy. A port that is taken is told in the log: services work without. */
export function startHealthServer({ address, port, health, node, log }: HealthServerOptions): SmallServer {
  return startSmallServer(address, port, ({ url }, response) => {
    const send = (ok: boolean, report: HealthReport): void => {
      response.writeHead(ok ? 200 : 503, { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' }).end(JSON.stringify(report));
    };
    const path = url?.split('?')[0];
    if (path === '/healthz') {
      const { ok, report } = health.report(node());
      send(ok, report);
    } else if (path === '/livez') send(health.healthy, health.liveness());
    else response.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }).end('404 page not found\n');
  }, (error) => log.warn('cannot answer after the health of the proxy', { port, error }));
}
