import type { IncomingHttpHeaders } from 'node:http';
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib';
import { isIP } from '../../base/ip-family.ts';
import { badRequest, notFound, serviceUnavailable } from '../../api/errors.ts';
import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { endpointSlices, nodes, pods, services as serviceType } from '../../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import { admitConnect } from './admitted-connect.ts';
import { rewriteLinks } from './html-links.ts';
import { hostPort } from './kubelet-connections.ts';
import { reverseProxy, type ProxyTarget } from './reverse-proxy.ts';
import type { ConnectCall, SubresourceHandler, SubresourceServices } from './subresource-handler.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** `[scheme:]name[:port]`, as names are written in front of `/proxy`. Upstream: apimachinery util/net.SplitSchemeNamePort. */
export function splitSchemeNamePort(id: string): { readonly scheme: 'http' | 'https' | ''; readonly name: string; readonly port: string } | undefined {
  const parts = id.split(':');
  const [scheme, name, port] = parts.length === 1 ? ['', parts[0]!, ''] : parts.length === 2 ? ['', parts[0]!, parts[1]!] : [parts[0]!, parts[1]!, parts[2]!];
  if (parts.length > 3 || !name || (scheme !== '' && scheme !== 'http' && scheme !== 'https')) return undefined;
  return { scheme, name, port };
}

/** `pods/<name>/proxy`, `services/<name>/proxy`, `nodes/<name>/proxy`: any request, passed on to what the name means. */
export function proxies(services: SubresourceServices): readonly SubresourceHandler[] {
  const { objects, kubelets } = services;

  const proxy = (resource: ResourceType<KubeObject>, kind: string, locate: (id: string, namespace: string) => Pick<ProxyTarget, 'agent'> & { readonly base: string }): SubresourceHandler => ({
    resource, subresource: 'proxy', methods: METHODS,
    async connect(call) {
      const { name, namespace } = call.info;
      const { base, agent } = locate(name, namespace);
      await admitConnect(services, resource, 'proxy', kind, call);
      const url = targetUrl(base, call);
      services.dialGuard.check(url.hostname.replace(/^\[|\]$/g, ''));
      const folder = call.upgrade || call.info.tail ? undefined : folderOf(call.request.method ?? 'GET', call.request.url!);
      if (folder) return void call.response!.writeHead(301, { Location: folder }).end();
      const prefix = prefixOf(call);
      await reverseProxy(call, {
        url, ...(agent && { agent }),
        headers: { 'x-forwarded-uri': prefix + url.pathname, ...(call.request.headers.host && { 'x-forwarded-host': call.request.headers.host }), 'x-forwarded-proto': 'https' },
        answerHeaders: (headers) => void (headers['location'] &&= throughProxy(String(headers['location']), url, prefix, call.request.headers.host)),
        rewriteBody: (headers) => pageRewriter(headers, (link) => throughProxy(link, url, prefix, call.request.headers.host)),
      }, services.log);
    },
  });

  return [
    proxy(pods as ResourceType<KubeObject>, 'PodProxyOptions', (id, namespace) => {
      const split = splitSchemeNamePort(id);
      if (!split) throw badRequest(`invalid pod request ${JSON.stringify(id)}`);
      const pod = objects.get(pods, { namespace, name: split.name });
      if (!pod) throw notFound(pods, split.name);
      const address = pod.status?.podIP ?? '';
      if (!isIP(address) || address.startsWith('127.') || address === '::1') throw badRequest('address not allowed');
      const port = split.port || pod.spec.containers.flatMap((c) => c.ports ?? [])[0]?.containerPort;
      return { base: `${split.scheme || 'http'}://${port ? hostPort(address, port) : address}` };
    }),
    proxy(serviceType as ResourceType<KubeObject>, 'ServiceProxyOptions', (id, namespace) => {
      const split = splitSchemeNamePort(id);
      if (!split) throw badRequest(`invalid service request ${JSON.stringify(id)}`);
      let portName = split.port;
      if (/^\d+$/.test(portName)) {
        const service = objects.get(serviceType, { namespace, name: split.name });
        if (!service) throw notFound(serviceType, split.name);
        const found = service.spec.ports?.find((p) => p.port === Number(portName));
        if (!found) throw serviceUnavailable(`no service port ${portName} found for service ${JSON.stringify(split.name)}`);
        portName = found.name ?? '';
      } else if (!objects.get(serviceType, { namespace, name: split.name })) throw notFound(serviceType, split.name);
      const slices = objects.list(endpointSlices, namespace).filter((s) => s.metadata.labels?.['kubernetes.io/service-name'] === split.name);
      if (!slices.some((s) => s.endpoints?.length)) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(split.name)}`);
      const ready = readyAddresses(slices, portName, namespace);
      const chosen = ready[Math.floor(services.random.next() * ready.length)];
      if (!chosen) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(id)}`);
      return { base: `${split.scheme || 'http'}://${chosen}` };
    }),
    proxy(nodes as ResourceType<KubeObject>, 'NodeProxyOptions', (id) => {
      const split = splitSchemeNamePort(id);
      if (!split) throw badRequest(`invalid node request ${JSON.stringify(id)}`);
      const { host, port } = kubelets.locate(split.name);
      if (!split.port || Number(split.port) === port) return { base: `https://${hostPort(host, port)}`, agent: kubelets.agent };
      return { base: `${split.scheme || 'http'}://${hostPort(host, split.port)}` };
    }),
  ];
}

/** Only endpoints that are pods of the namespace: nothing else is to be reached through the server. */
function readyAddresses(slices: readonly EndpointSlice[], portName: string, namespace: string): readonly string[] {
  return slices.flatMap(({ endpoints = [], ports = [] }) => {
    const port = ports.find((p) => (p.name ?? '') === portName)?.port;
    if (!port) return [];
    return endpoints.filter((e) => e.conditions?.ready !== false && e.targetRef?.kind === 'Pod' && e.targetRef.namespace === namespace && e.addresses[0])
      .map((e) => hostPort(e.addresses[0]!, port));
  });
}

/** The part of the path in front of what is passed on, `/api/v1/namespaces/a/pods/p/proxy`. */
function prefixOf({ info }: ConnectCall): string {
  const end = info.path.length - info.tail.length;
  return (info.tail ? info.path.slice(0, end) : info.path).replace(/\/$/, '');
}

/**
 * Where a browser is sent that asks for a proxy's top without a slash behind it: relative links of the page would lead it astray otherwise.
 * Undefined where nothing is amiss. Upstream: apimachinery pkg/util/proxy.UpgradeAwareHandler.
 */
export function folderOf(method: string, url: string): string | undefined {
  const [, path, query = ''] = /^([^?]*)(\?.*)?$/.exec(url)!;
  return (method === 'GET' || method === 'HEAD') && !path!.endsWith('/') ? `${path}/${query}` : undefined;
}

function targetUrl(base: string, { info, request }: ConnectCall): URL {
  const at = request.url!.indexOf('?');
  const path = at < 0 ? request.url! : request.url!.slice(0, at);
  // As it was sent, so that escapes stay what they were.
  const marker = path.indexOf('/proxy', path.indexOf(`/${info.resource}/`) + info.resource.length + 1);
  const tail = marker < 0 ? '' : path.slice(marker + '/proxy'.length);
  return new URL(base + (tail.startsWith('/') ? tail : `/${tail}`) + (at < 0 ? '' : request.url!.slice(at)));
}

/** A link of the other server's to itself has to come back through the proxy: one with a path from the root, to it or to no server named. */
export function throughProxy(link: string, from: URL, prefix: string, askedHost: string | undefined): string {
  const absolute = /^[a-z][a-z0-9+.-]*:/i.test(link) || link.startsWith('//');
  if (!absolute && !link.startsWith('/')) return link;
  if (!URL.canParse(link, from.href)) return link;
  const to = new URL(link, from);
  if (absolute && to.host !== from.host && to.host !== askedHost) return link;
  return to.pathname.startsWith(`${prefix}/`) ? link : prefix + to.pathname + to.search + to.hash;
}

/** Only pages have links, and only what can be read can be rewritten. */
function pageRewriter(headers: IncomingHttpHeaders, rewrite: (link: string) => string): ((body: Buffer) => Buffer) | undefined {
  if (headers['content-type']?.split(';')[0]?.trim() !== 'text/html') return undefined;
  const page = (body: Buffer): Buffer => Buffer.from(rewriteLinks(body.toString(), rewrite));
  switch (headers['content-encoding'] ?? '') {
    case '': return page;
    case 'gzip': return (body) => gzipSync(page(gunzipSync(body)));
    case 'deflate': return (body) => deflateRawSync(page(inflateRawSync(body)));
    default: return undefined;
  }
}
