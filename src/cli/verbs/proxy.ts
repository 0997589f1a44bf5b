import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { MAX_HEADER_BYTES } from '../../base/http-limits.ts';
import { tlsOf, type HttpClientOptions } from '../../client/http-client.ts';
import { tunnelAgent } from '../../client/proxy.ts';
import type { FlagSpecs } from '../command/flags.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const flags = {
  port: { short: 'p', type: 'int', default: 8001, usage: 'The port on which to run the proxy. Set to 0 to pick a random port.' },
  address: { type: 'string', default: '127.0.0.1', usage: 'The IP address on which to serve on.' },
  'unix-socket': { short: 'u', type: 'string', usage: 'Unix socket on which to run the proxy.' },
  'api-prefix': { type: 'string', default: '/', usage: 'Prefix to serve the proxied API under.' },
  www: { short: 'w', type: 'string', usage: 'Also serve static files from the given directory under the specified prefix.' },
  'www-prefix': { short: 'P', type: 'string', default: '/static/', usage: 'Prefix to serve static files under, if static file directory is specified.' },
  'accept-hosts': { type: 'string', default: '^localhost$,^127\\.0\\.0\\.1$,^\\[::1\\]$', usage: 'Regular expression for hosts that the proxy should accept.' },
  'accept-paths': { type: 'string', default: '^.*', usage: 'Regular expression for paths that the proxy should accept.' },
  'reject-paths': { type: 'string', default: '^/api/.*/pods/.*/exec,^/api/.*/pods/.*/attach', usage: 'Regular expression for paths that the proxy should reject.' },
  'reject-methods': { type: 'string', default: '^$', usage: 'Regular expression for HTTP methods that the proxy should reject.' },
  'disable-filter': { type: 'bool', usage: 'If true, disable request filtering in the proxy.' },
  'append-server-path': { type: 'bool', usage: 'If true, enables automatic path appending of the kube context server path to each request.' },
  keepalive: { type: 'duration', usage: 'Specifies the keep-alive period for an active network connection.' },
} as const satisfies FlagSpecs;

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.svg': 'image/svg+xml' };

/** Upstream: kubectl pkg/cmd/proxy, pkg/proxy. Upgrades (exec, watch over WebSocket) pass too where the filter lets them. */
export const verb: Verb = {
  usage: '[--port=PORT] [--www=static-dir] [--www-prefix=prefix] [--api-prefix=prefix]',
  summary: 'Run a proxy to the Kubernetes API server',
  flags,
  async run({ flags: given, session, io }) {
    if (given.string('unix-socket') && given.changed('port')) throw new KubectlError('cannot set --unix-socket and --port at the same time');
    const { options } = await session.http();
    const patterns = (name: string): RegExp[] => given.string(name).split(',').filter(Boolean).map((source) => new RegExp(source));
    const [hosts, accepted, rejected, methods] = [patterns('accept-hosts'), patterns('accept-paths'), patterns('reject-paths'), patterns('reject-methods')];
    const some = (list: readonly RegExp[], text: string): boolean => list.some((pattern) => pattern.test(text));
    const prefix = `/${given.string('api-prefix').replace(/^\/|\/$/g, '')}`.replace(/\/$/, '');
    const allowed = ({ url = '/', method = '', headers }: IncomingMessage): boolean => {
      if (given.bool('disable-filter')) return true;
      const path = url.split('?')[0]!;
      return some(hosts, (headers.host ?? '').replace(/:\d+$/, '')) && some(accepted, path) && !some(rejected, path) && !some(methods, method);
    };
    /** What is before the paths of the API there: upstream leaves it out unless it is asked for. */
    const serverPath = given.bool('append-server-path') ? new URL(options.server).pathname.replace(/\/$/, '') : '';
    const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
      if (!allowed(request)) return void response.writeHead(403).end('Forbidden');
      const path = request.url ?? '/';
      if (given.string('www') && path.startsWith(given.string('www-prefix'))) return serveFile(given.string('www'), path.slice(given.string('www-prefix').length), response);
      if (!path.startsWith(`${prefix}/`)) return void response.writeHead(404).end('404 page not found\n');
      const onward = open(options, request, serverPath + path.slice(prefix.length));
      onward.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', (error) => response.headersSent ? response.destroy() : response.writeHead(502).end(`${error.message}\n`));
      response.on('close', () => onward.destroy());
      request.pipe(onward);
    });
    server.on('upgrade', (request, socket, head) => {
      if (!allowed(request) || !(request.url ?? '').startsWith(`${prefix}/`)) return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      const onward = open(options, request, serverPath + request.url!.slice(prefix.length));
      onward.on('upgrade', (answer, far, farHead) => {
        const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`).join('');
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`);
        socket.write(farHead);
        far.write(head);
        far.pipe(socket).pipe(far);
        far.on('error', () => socket.destroy());
        socket.on('error', () => far.destroy());
      });
      onward.on('response', () => socket.destroy());
      onward.on('error', () => socket.destroy());
      onward.end();
    });
    if (given.string('unix-socket')) server.listen(given.string('unix-socket'));
    else server.listen(given.int('port'), given.string('address'));
    await once(server, 'listening');
    const at = server.address() as AddressInfo | string;
    io.out(`Starting to serve on ${typeof at === 'string' ? at : `${at.address}:${at.port}`}\n`);
    try {
      if (!io.signal.aborted) await once(io.signal, 'abort');
    } finally {
      server.closeAllConnections();
      server.close();
    }
    return 0;
  },
};

/** The same request to the API server, with our credentials in the place of the caller's. */
function open(options: HttpClientOptions, { method, headers }: IncomingMessage, path: string): ReturnType<typeof httpsRequest> {
  const base = new URL(options.server);
  const token = typeof options.token === 'function' ? options.token() : options.token;
  const { host: _host, authorization: _authorization, ...rest } = headers;
  const common = {
    method, host: base.hostname.replace(/^\[|\]$/g, ''), port: base.port, path,
    headers: { ...rest, ...options.headers, ...(token && { authorization: `Bearer ${token}` }) } as Record<string, string>,
  };
  if (base.protocol === 'http:') return httpRequest(common);
  const tls = tlsOf(options);
  return httpsRequest({ ...common, ...tls, ...(options.proxy && { agent: tunnelAgent(options.proxy, tls) }) });
}

function serveFile(root: string, path: string, response: ServerResponse): void {
  const file = join(root, normalize(`/${decodeURIComponent(path.split('?')[0]!)}`));
  const name = statSync(file, { throwIfNoEntry: false })?.isDirectory() ? join(file, 'index.html') : file;
  if (!statSync(name, { throwIfNoEntry: false })?.isFile()) return void response.writeHead(404).end('404 page not found\n');
  response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream' }).end(readFileSync(name));
}
