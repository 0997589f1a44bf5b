import { once } from 'node:events';
import { Agent as HttpsAgent, type AgentOptions } from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { Duplex } from 'node:stream';

/** What a proxy answered instead of a way through. */
class ProxyFault extends Error {}

/**
 * A connection through a proxy (`http://`, `https://` with CONNECT, `socks5://`; user and password as the URL has them) to another host, which
 * the proxy looks up. Rejects with the socket's fault, or with what the proxy said.
 */
export async function openTunnel(proxy: string, host: string, port: number): Promise<Socket> {
  const url = new URL(proxy);
  const secure = url.protocol === 'https:';
  const at = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) || { 'http:': 80, 'https:': 443, 'socks5:': 1080 }[url.protocol]! };
  const socket = secure ? connectTls({ ...at, ...(isIP(at.host) === 0 && { servername: at.host }) }) : connect(at);
  try {
    await once(socket, secure ? 'secureConnect' : 'connect');
    socket.setNoDelay(true);
    const reader = new Reader(socket);
    if (url.protocol === 'socks5:') await greetSocks(socket, reader, url, host, port);
    else await askConnect(socket, reader, url, host, port);
    reader.release();
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** Sockets for TLS connections (a client's, a WebSocket's) that go through the proxy. */
export function tunnelAgent(proxy: string, options: AgentOptions): HttpsAgent {
  const agent = new HttpsAgent(options);
  type Done = (error: Error | null, socket?: Duplex) => void;
  const through = async (target: { readonly host: string; readonly port: number; readonly servername?: string }, done: Done): Promise<void> => {
    let socket: Duplex;
    try {
      socket = connectTls({ ...options, ...target, socket: await openTunnel(proxy, target.host, Number(target.port)), servername: target.servername || (isIP(target.host) ? '' : target.host) } as ConnectionOptions);
    } catch (error) {
      done(error as Error);
      return;
    }
    done(null, socket);
  };
  agent.createConnection = ((target: Parameters<typeof through>[0], done: Done) => void through(target, done)) as unknown as typeof agent.createConnection;
  return agent;
}

/** The proxy that the environment names for a server; none for this machine itself. Upstream: Go's net/http ProxyFromEnvironment. */
export function proxyOfEnvironment(env: NodeJS.ProcessEnv, server: URL): string | undefined {
  const named = (name: string): string => env[name] || env[name.toLowerCase()] || '';
  const proxy = named(server.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  const host = server.hostname.replace(/^\[|\]$/g, '');
  if (!proxy || host === 'localhost' || host.startsWith('127.') || host === '::1') return undefined;
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  const spared = named('NO_PROXY').split(',').map((rule) => rule.trim().toLowerCase()).filter((rule) => rule !== '').some((rule) => {
    if (rule === '*') return true;
    const [, name, only] = /^(.*?)(?::(\d+))?$/.exec(rule)!;
    if (only && only !== port) return false;
    if (name!.includes('/') && isIP(host) === 4) return within(host, name!);
    const domain = name!.replace(/^\*?\./, '');
    return host === domain || host.endsWith(`.${domain}`);
  });
  return spared ? undefined : /^[a-z\d]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
}

function within(address: string, range: string): boolean {
  const [base = '', bits = '32'] = range.split('/');
  const number = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  if (isIP(base) !== 4) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(address) / size) === Math.floor(number(base) / size);
}

/** `authorization` of a proxy's URL; undefined where it has no user. */
export function proxyAuthorization({ username, password }: URL): string | undefined {
  return username === '' ? undefined : `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;
}

async function askConnect(socket: Socket, reader: Reader, url: URL, host: string, port: number): Promise<void> {
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const authorization = proxyAuthorization(url);
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization ? `Proxy-Authorization: ${authorization}\r\n` : ''}\r\n`);
  const head = (await reader.until('\r\n\r\n')).toString('latin1');
  const [, code = '', text = ''] = /^HTTP\/1\.\d (\d+) ?(.*)/.exec(head) ?? [];
  if (code !== '200') throw new ProxyFault(text || 'unknown status code');
}

const SOCKS_FAULTS = ['', 'general SOCKS server failure', 'connection not allowed by ruleset', 'network unreachable', 'host unreachable', 'connection refused', 'TTL expired', 'command not supported', 'address type not supported'];

/** RFC 1928, and RFC 1929 for user and password. */
async function greetSocks(socket: Socket, reader: Reader, url: URL, host: string, port: number): Promise<void> {
  const fault = (text: string): ProxyFault => new ProxyFault(`socks connect tcp ${url.host}->${host}:${port}: ${text}`);
  const named = url.username !== '';
  socket.write(Buffer.from(named ? [5, 2, 0, 2] : [5, 1, 0]));
  const [version, method] = await reader.take(2);
  if (version !== 5) throw fault(`unexpected protocol version ${version}`);
  if (method === 2 && named) {
    const [user, password] = [url.username, url.password].map((text) => Buffer.from(decodeURIComponent(text)));
    socket.write(Buffer.concat([Buffer.from([1, user!.length]), user!, Buffer.from([password!.length]), password!]));
    if ((await reader.take(2))[1] !== 0) throw fault('username/password authentication failed');
  } else if (method !== 0) throw fault('no acceptable authentication methods');
  const name = Buffer.from(host);
  const address = isIP(host) === 4 ? Buffer.from([1, ...host.split('.').map(Number)]) : Buffer.concat([Buffer.from([3, name.length]), name]);
  socket.write(Buffer.concat([Buffer.from([5, 1, 0]), address, Buffer.from([port >> 8, port & 255])]));
  const [, outcome, , kind] = await reader.take(4);
  if (outcome !== 0) throw fault(SOCKS_FAULTS[outcome!] ?? `unknown code: ${outcome}`);
  await reader.take((kind === 1 ? 4 : kind === 4 ? 16 : (await reader.take(1))[0]!) + 2);
}

/** Reads a socket by pieces, and gives back what is over. */
class Reader {
  readonly #socket: Socket;
  #held = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  async take(size: number): Promise<Buffer> {
    return this.#when(() => (this.#held.length >= size ? size : -1));
  }

  async until(end: string): Promise<Buffer> {
    return this.#when(() => {
      const at = this.#held.indexOf(end);
      return at < 0 ? -1 : at + end.length;
    });
  }

  release(): void {
    if (this.#held.length > 0) this.#socket.unshift(this.#held);
  }

  async #when(complete: () => number): Promise<Buffer> {
    for (let size = complete(); ; size = complete()) {
      if (size >= 0) {
        const taken = this.#held.subarray(0, size);
        this.#held = this.#held.subarray(size);
        return taken;
      }
      const chunk = this.#socket.read() as Buffer | null;
      if (chunk) this.#held = Buffer.concat([this.#held, chunk]);
      else if (this.#socket.readableEnded) throw new ProxyFault('EOF');
      else await Promise.race([once(this.#socket, 'readable'), once(this.#socket, 'end')]);
    }
  }
}
