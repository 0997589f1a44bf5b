import type { Ingress, IngressBackend } from '../api/generated/networking-v1.ts';
import { keyOf } from '../api/object.ts';
import type { Backend, Certificate, Listener, PathMatch, Place, Rule } from './routing.ts';
import { pemOf, servicePlaces, type Ground } from './service-places.ts';

/** What a reverse proxy is to do for all ingresses together. */
export interface IngressRouting {
  readonly listener: Listener;
  readonly backends: ReadonlyMap<string, Backend>;
  /** Key of an ingress → what keeps a part of it from working. */
  readonly problems: ReadonlyMap<string, readonly string[]>;
}

interface PathRoute {
  readonly path: PathMatch;
  readonly backend: string;
}

/** What one sees of ASCII, save quotes and backslashes: nothing that could mean something to a proxy's configuration, or end a line of it. */
const PLAIN_PATH = /^\/[!#-&(-[\]-~]*$/;
const NOTHING = 'ingress_nothing';

/**
 * All ingresses as one listener. Of two that claim one host and path the older has it. An exact path goes before a prefix, a longer before a shorter
 * one; a request whose host has rules, of which none is for its path, does not try another host's.
 */
export function ingressRouting(ingresses: readonly Ingress[], ground: Ground): IngressRouting {
  const hosts = new Map<string, Map<string, PathRoute>>();
  const backends = new Map<string, Backend>([[NOTHING, { do: 'respond', status: 404, text: 'no ingress is for this host and path' }]]);
  const certificates = new Map<string, { pem: string; hosts: Set<string> }>();
  const problems = new Map<string, string[]>();
  let defaultBackend: string | undefined;
  for (const ingress of ingresses.toSorted(byAge)) {
    const { namespace } = ingress.metadata;
    const complain = (what: string): void => {
      const own = problems.get(keyOf(ingress));
      if (!own) problems.set(keyOf(ingress), [what]);
      else if (!own.includes(what)) own.push(what);
    };
    const nameOf = (backend: IngressBackend): string => {
      const { name, places, problem } = placesOf(backend, namespace, ground);
      if (problem) complain(problem);
      backends.set(name, places.length > 0 ? { do: 'forward', mode: 'http', places } : { do: 'respond', status: 503, text: 'the service of this ingress has nowhere to go' });
      return name;
    };
    for (const { host = '', http } of ingress.spec.rules ?? []) {
      for (const { path = '/', pathType, backend } of http?.paths ?? []) {
        if (!PLAIN_PATH.test(path)) {
          complain(`path ${JSON.stringify(path)} has characters that cannot be matched`);
          continue;
        }
        const match: PathMatch = pathType === 'Exact' ? { type: 'exact', value: path } : { type: 'prefix', value: path.replace(/(.)\/+$/, '$1') };
        const route = { path: match, backend: nameOf(backend) };
        const own = hosts.get(host.toLowerCase()) ?? new Map<string, PathRoute>();
        hosts.set(host.toLowerCase(), own);
        const key = `${match.type} ${match.value}`;
        if (!own.has(key)) own.set(key, route);
        else if (own.get(key)!.backend !== route.backend) complain(`${host || 'every host'} ${path} belongs to another ingress`);
      }
    }
    if (ingress.spec.defaultBackend) {
      const name = nameOf(ingress.spec.defaultBackend);
      defaultBackend ??= name;
    }
    for (const { secretName, hosts: named = [] } of ingress.spec.tls ?? []) {
      if (!secretName) continue;
      const secret = `${namespace}/${secretName}`;
      const pem = pemOf(ground.secret(namespace, secretName));
      if (!pem) complain(`there is no secret ${secretName} of type kubernetes.io/tls with a certificate and its key: its hosts are served with a certificate that no client knows`);
      else {
        const known = certificates.get(secret) ?? { pem, hosts: new Set<string>() };
        for (const host of named) known.hosts.add(host.toLowerCase());
        certificates.set(secret, known);
      }
    }
  }
  const otherwise = defaultBackend ?? NOTHING;
  const inOrder = [...hosts].toSorted(([a], [b]) => rank(a) - rank(b) || b.length - a.length || (a < b ? -1 : 1));
  return {
    listener: {
      name: 'ingress', mode: 'http', binds: [{ port: 80, tls: false }, { port: 443, tls: true }], otherwise,
      rules: inOrder.flatMap(([host, paths]) => hostRules(host, [...paths.values()].toSorted(byPrecedence), otherwise)),
      certificates: [...certificates].map(([secret, { pem, hosts: own }]): Certificate => ({ secret, pem, hosts: [...own].toSorted() })).toSorted((a, b) => (a.secret < b.secret ? -1 : 1)),
    },
    backends, problems,
  };
}

function hostRules(name: string, paths: readonly PathRoute[], otherwise: string): Rule[] {
  const host = name === '' ? {} : { host: { name, labels: 'one' as const } };
  const rules = paths.map(({ path, backend }): Rule => ({ match: { ...host, path }, shares: [{ backend, weight: 1 }] }));
  return name === '' ? rules : [...rules, { match: host, shares: [{ backend: otherwise, weight: 1 }] }];
}

function placesOf(backend: IngressBackend, namespace: string, ground: Ground): { readonly name: string; readonly places: readonly Place[]; readonly problem?: string } {
  if (!backend.service) return { name: 'ingress_none', places: [], problem: 'a backend that is not a service is not supported' };
  const { name, port: wanted } = backend.service;
  const shown = wanted?.name ?? wanted?.number ?? '';
  const full = `ingress_${namespace}_${name}_${shown}`;
  const service = ground.service(namespace, name);
  if (!service) return { name: full, places: [], problem: `there is no service ${name}` };
  const port = service.spec.ports?.find((one) => (wanted?.name ? one.name === wanted.name : one.port === wanted?.number));
  if (service.spec.type === 'ExternalName') return { name: full, places: [], problem: `service ${name} is an external name, which is not supported` };
  if (!port) return { name: full, places: [], problem: `service ${name} has no port ${shown}` };
  return { name: full, places: servicePlaces(service, port, ground.slices(namespace, name)) };
}

function rank(host: string): number {
  return host === '' ? 2 : host.startsWith('*.') ? 1 : 0;
}

function byPrecedence(a: PathRoute, b: PathRoute): number {
  return Number(b.path.type === 'exact') - Number(a.path.type === 'exact') || b.path.value.length - a.path.value.length || (a.path.value < b.path.value ? -1 : 1);
}

function byAge(a: Ingress, b: Ingress): number {
  return `${a.metadata.creationTimestamp} ${keyOf(a)}` < `${b.metadata.creationTimestamp} ${keyOf(b)}` ? -1 : 1;
}
