import { badRequest, forbidden, notFound } from '../../api/errors.ts';
import type { Pod } from '../../api/generated/core-v1.ts';
import { pods } from '../../api/generated/resources.ts';
import { containerOfPod } from './container-of-pod.ts';
import { admitConnect } from './admitted-connect.ts';
import { hostPort } from './kubelet-connections.ts';
import { reverseProxy } from './reverse-proxy.ts';
import { tunneledProtocol, tunnelSpdy } from './web-socket-tunnel.ts';
import type { ConnectCall, SubresourceHandler, SubresourceServices } from './subresource-handler.ts';

/**
 * `pods/<name>/exec`, `attach`, `portforward`: the client's upgraded connection (SPDY/3.1 or WebSocket) becomes one to the pod's kubelet, and
 * whatever is spoken on it is between the two; SPDY that comes within a web socket is taken out of it. Upstream: pkg/registry/core/pod/rest/subresources.go.
 */
export function podStreams(services: SubresourceServices): readonly SubresourceHandler[] {
  const stream = (subresource: string, kind: string, path: (pod: Pod, query: URLSearchParams) => string): SubresourceHandler => ({
    resource: pods, subresource, methods: ['GET', 'POST'],
    async connect(call: ConnectCall) {
      const { name, namespace } = call.info;
      const pod = services.objects.get(pods, { namespace, name });
      if (!pod) throw notFound(pods, name);
      await ensureMayCreate(services, call);
      await admitConnect(services, pods, subresource, kind, call);
      const target = path(pod, call.query);
      if (!pod.spec.nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
      if (!call.upgrade) throw badRequest('Upgrade request required');
      const { host, port } = services.kubelets.locate(pod.spec.nodeName);
      const url = new URL(`https://${hostPort(host, port)}${target}`);
      const tunneled = subresource === 'portforward' ? tunneledProtocol(call.request) : undefined;
      if (tunneled) return tunnelSpdy(call, url, services.kubelets.agent, tunneled, services.log);
      await reverseProxy(call, { url, agent: services.kubelets.agent }, services.log);
    },
  });
  const ofContainer = (verb: string) => (pod: Pod, query: URLSearchParams): string => {
    const { namespace, name } = pod.metadata;
    const container = containerOfPod(pod, query.get('container') ?? '');
    return `/${verb}/${namespace}/${name}/${container}?${streamParameters(query, verb === 'exec')}`;
  };
  return [
    stream('exec', 'PodExecOptions', ofContainer('exec')),
    stream('attach', 'PodAttachOptions', ofContainer('attach')),
    stream('portforward', 'PodPortForwardOptions', (pod, query) => {
      const ports = query.getAll('ports').flatMap((p) => p.split(','));
      return `/portForward/${pod.metadata.namespace}/${pod.metadata.name}${ports.length ? `?port=${ports.join(',')}` : ''}`;
    }),
  ];
}

/** A web socket begins with GET, which readers may: what it does is not reading. Upstream: ensureAuthorizedForVerb of pod/rest/subresources.go. */
async function ensureMayCreate({ authorizer }: SubresourceServices, { info, context }: ConnectCall): Promise<void> {
  if (info.verb === 'create') return;
  const { group, version, resource, subresource, namespace, name } = info;
  const decision = await authorizer.authorize({ user: context.user, verb: 'create', resource: { group, version, resource, subresource, namespace, name } });
  if (!decision.allowed) throw forbidden(pods, name, decision.reason);
}

const PARAMETERS: readonly (readonly [string, string])[] = [['stdin', 'input'], ['stdout', 'output'], ['stderr', 'error'], ['tty', 'tty']];

/** As the kubelet has them: `input`, `output`, `error`, `tty` are `1`. */
function streamParameters(query: URLSearchParams, exec: boolean): URLSearchParams {
  const out = new URLSearchParams();
  for (const [asked, passed] of PARAMETERS) if (['1', 't', 'true', 'True', 'TRUE', 'T'].includes(query.get(asked) ?? '')) out.set(passed, '1');
  if (exec) for (const part of query.getAll('command')) out.append('command', part);
  return out;
}
