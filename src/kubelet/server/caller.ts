import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { subjectAccessReviews, tokenReviews } from '../../api/generated/resources.ts';
import type { Client } from '../../client/client.ts';
import { HttpFault } from './http-fault.ts';

interface Caller {
  readonly name: string;
  readonly groups: readonly string[];
}

/** The subresource of the node that a path stands for. Upstream: kubelet/server/auth.go. */
export function nodeSubresource(path: string): readonly string[] {
  const first = path.split('/')[1] ?? '';
  const own: Record<string, string> = { stats: 'stats', metrics: 'metrics', logs: 'log', healthz: 'healthz', pods: 'pods', runningpods: 'pods', configz: 'configz' };
  const name = own[first];
  return name === undefined ? ['proxy'] : [name, 'proxy'];
}

/**
 * Lets a caller in, or throws a 401 or 403. The API server and administrators come with client certificates of the cluster's
 * authority; others with a token, whom the API server judges. Upstream: kubelet/server/auth.go, authorization in webhook mode.
 */
export async function admitCaller(request: IncomingMessage, nodeName: string, client: Client): Promise<void> {
  const socket = request.socket as TLSSocket;
  const path = new URL(request.url ?? '/', 'http://kubelet').pathname;
  const verb = { GET: 'get', HEAD: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[request.method ?? 'GET'] ?? 'get';
  const caller = socket.authorized ? certificateCaller(socket) : await tokenCaller(request, client);
  if (!caller) throw new HttpFault(401, 'Unauthorized');
  if (caller.groups.includes('system:masters') || caller.name === 'kube-apiserver-kubelet-client') return;
  for (const subresource of nodeSubresource(path)) {
    const review = await client.create(subjectAccessReviews, {
      metadata: {}, spec: { user: caller.name, groups: caller.groups, resourceAttributes: { verb, group: '', version: 'v1', resource: 'nodes', subresource, name: nodeName } },
    });
    if (review.status?.allowed) return;
  }
  throw new HttpFault(403, `Forbidden (user=${caller.name}, verb=${verb}, resource=nodes, subresource(s)=[${nodeSubresource(path).join(' ')}])`);
}

function certificateCaller(socket: TLSSocket): Caller | undefined {
  const { subject } = socket.getPeerCertificate();
  if (!subject) return undefined;
  const list = (value: string | string[] | undefined): string[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
  return { name: list(subject.CN)[0] ?? '', groups: list(subject.O as string | string[] | undefined) };
}

async function tokenCaller(request: IncomingMessage, client: Client): Promise<Caller | undefined> {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  if (!token) return undefined;
  const { status } = await client.create(tokenReviews, { metadata: {}, spec: { token } });
  return status?.authenticated ? { name: status.user?.username ?? '', groups: status.user?.groups ?? [] } : undefined;
}
