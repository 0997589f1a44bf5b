import { createServer, type Server } from 'node:http';
import type { Log } from '../base/log.ts';

/** What a load balancer asks this node about one service with `externalTrafficPolicy: Local`. */
export interface HealthCheck {
  readonly port: number;
  readonly namespace: string;
  readonly name: string;
  readonly localEndpoints: number;
}

export interface HealthChecksOptions {
  readonly address: string;
  readonly log: Log;
  /** Whether the service proxy's rules are up to date. */
  readonly healthy: () => boolean;
}

/**
 * Answers on each service's `healthCheckNodePort`: 200 while this node has backends of the service and its proxy is healthy, else 503, so that load
 * balancers send its traffic only where the client's address can be kept. Upstream: pkg/proxy/healthcheck.
 */
export class HealthChecks implements AsyncDisposable {
  readonly #servers = new Map<number, { server: Server; check: HealthCheck }>();
  readonly #options: HealthChecksOptions;

  constructor(options: HealthChecksOptions) {
    this.#options = options;
  }

  /** Serves exactly these, from now on. */
  set(checks: readonly HealthCheck[]): void {
    const wanted = new Map(checks.map((check) => [check.port, check]));
    for (const [port, { server }] of this.#servers) {
      if (wanted.has(port)) continue;
      server.close();
      server.closeAllConnections();
      this.#servers.delete(port);
    }
    for (const check of checks) {
      const known = this.#servers.get(check.port);
      if (known) known.check = check;
      else this.#listen(check);
    }
  }

  #listen(first: HealthCheck): void {
    const { address, log, healthy } = this.#options;
    const server = createServer((_, response) => {
      const { namespace, name, localEndpoints } = this.#servers.get(first.port)?.check ?? first;
      const body = JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy: healthy() });
      response.writeHead(localEndpoints > 0 && healthy() ? 200 : 503, {
        'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff', 'X-Load-Balancing-Endpoint-Weight': String(localEndpoints),
      }).end(body);
    });
    server.on('error', (error) => log.warn('cannot answer health checks of a service', { service: `${first.namespace}/${first.name}`, port: first.port, error }));
    server.listen(first.port, address);
    this.#servers.set(first.port, { server, check: first });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.set([]);
  }
}
