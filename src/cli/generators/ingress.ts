import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import type { Generated, Generator } from './generator.ts';

/** `svc:80`, `svc:http`. */
function backendOf(text: string): { service: { name: string; port: object } } {
  const [name = '', port = ''] = text.split(':');
  return { service: { name, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } } };
}

interface Path { backend: object; path: string; pathType: string }

/** `host/path=svc:port[,tls[=secret]]`; a path that ends in `*` matches as prefix. Upstream: kubectl pkg/cmd/create/create_ingress.go. */
export function ingressOf(call: Call, name: string): Generated {
  const { flags } = call;
  const rules = flags.strings('rule');
  const fallback = flags.string('default-backend');
  if (rules.length === 0 && fallback === '') throw new KubectlError('not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)');
  if (fallback !== '' && !/^[^:]+:[^:]+$/.test(fallback)) throw new KubectlError('default-backend should be in format servicename:serviceport');
  const hosts = new Map<string, Path[]>();
  const tls = new Map<string, string[]>();
  for (const rule of rules) {
    const match = /^([^/=]*)(\/[^=]*)=([^,:]+:[^,]+)(?:,(tls)(?:=(.*))?)?$/.exec(rule);
    if (!match) throw new KubectlError(`rule ${rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`);
    const [, host = '', path = '/', service = '', secured, secret = ''] = match;
    const prefix = path.endsWith('*');
    hosts.set(host, [...(hosts.get(host) ?? []), { backend: backendOf(service), path: prefix ? path.slice(0, -1) : path, pathType: prefix ? 'Prefix' : 'Exact' }]);
    if (secured) tls.set(secret, [...(tls.get(secret) ?? []), ...(host && !tls.get(secret)?.includes(host) ? [host] : [])]);
  }
  const annotations = flags.strings('annotation').map((pair) => {
    if (!/^[^=]+=/.test(pair)) throw new KubectlError(`annotation ${pair} is invalid and should be in format key=[value]`);
    return { [pair.slice(0, pair.indexOf('='))]: pair.slice(pair.indexOf('=') + 1) };
  });
  return {
    apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name, ...(annotations.length > 0 && { annotations: Object.assign({}, ...annotations) as Record<string, string> }) },
    spec: {
      ...(flags.string('class') && { ingressClassName: flags.string('class') }), ...(fallback && { defaultBackend: backendOf(fallback) }),
      ...(hosts.size > 0 && { rules: [...hosts].map(([host, paths]) => ({ ...(host && { host }), http: { paths } })) }),
      ...(tls.size > 0 && { tls: [...tls].map(([secretName, names]) => ({ ...(names.length > 0 && { hosts: names }), ...(secretName && { secretName }) })) }),
    },
    status: { loadBalancer: {} },
  };
}

export const ingressFlags: Generator['flags'] = {
  class: { type: 'string', usage: 'Ingress Class to be used' },
  rule: { type: 'array', usage: 'Rule in format host/path=service:port[,tls=secretname]. Paths containing the leading character \'*\' are considered pathType=Prefix. tls argument is optional.' },
  'default-backend': { type: 'string', usage: 'Default service for backend, in format of svcname:port' },
  annotation: { type: 'array', usage: 'Annotation to insert in the ingress object, in the format annotation=value' },
};
