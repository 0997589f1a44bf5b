import { createServer, type RequestListener } from 'node:http';

export interface SmallServer extends AsyncDisposable {
  /** Undefined where it does not listen. */
  readonly port: number | undefined;
}

/** Answers a few short questions on one address; services work without it, so `onFault` hears of a port that is taken and nothing fails. */
export function startSmallServer(address: string, port: number, answer: RequestListener, onFault: (error: Error) => void): SmallServer {
  const server = createServer(answer);
  server.on('error', onFault);
  server.listen(port, address);
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
