import type { Agent, OutgoingHttpHeaders } from 'node:http';
import { tlsOf, type HttpClientOptions } from './http-client.ts';
import { tunnelAgent } from './proxy.ts';

/** How a WebSocket is opened to a path of the API server, as the HTTP client would ask it: address, credentials, headers, and the proxy on the way. */
export interface SocketTarget {
  readonly url: string;
  readonly settings: { readonly headers: OutgoingHttpHeaders; readonly agent?: Agent; readonly perMessageDeflate: false };
}

/** Throws when the credentials cannot be read. */
export function socketTarget(options: HttpClientOptions, path: string): SocketTarget {
  const { server, token, headers, proxy } = options;
  const bearer = typeof token === 'function' ? token() : token;
  const tls = server.startsWith('https:') ? tlsOf(options) : {};
  return {
    url: server.replace(/^http/, 'ws').replace(/\/$/, '') + path,
    settings: {
      ...tls, ...(proxy && server.startsWith('https:') && { agent: tunnelAgent(proxy, tls) }), perMessageDeflate: false,
      headers: { ...(bearer && { authorization: `Bearer ${bearer}` }), ...headers } as OutgoingHttpHeaders,
    },
  };
}
