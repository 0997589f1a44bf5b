import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Secret, Service } from '../api/generated/core-v1.ts';
import type { EndpointSlice } from '../api/generated/discovery-v1.ts';
import type { Ingress, IngressBackend } from '../api/generated/networking-v1.ts';
import { keyOf } from '../api/object.ts';

/** What a reverse proxy is to do for all ingresses together. */
export interface Routes {
  /** In the order in which they are tried within a host. */
  readonly hosts: readonly HostRoutes[];
  /** Where requests go that no rule is for; without it they are told that nothing is there. */
  readonly defaultBackend: string | undefined;
  /** By name: where each may be reached, nowhere when it is empty. */
  readonly backends: ReadonlyMap<string, readonly Place[]>;
  readonly certificates: readonly Certificate[];
  /** Key of an ingress → what keeps a part of it from working. */
  readonly problems: ReadonlyMap<string, readonly string[]>;
}

export interface HostRoutes {
  /** `example.org`, `*.example.org`, or `` for all others. Exact ones first, then the longer of two wildcards. */
  readonly host: string;
  readonly paths: readonly PathRoute[];
}

export interface PathRoute {
  /** Exact, or whatever begins with these elements. */
  readonly exact: boolean;
  /** Begins with `/`; that of a prefix does not end with one, save for the root. */
  readonly path: string;
  readonly backend: string;
}

export interface Place {
  readonly address: string;
  readonly port: number;
}

export interface Certificate {
  /** `namespace/name` of the secret. */
  readonly secret: string;
  /** Certificates and key, PEM. */
  readonly pem: string;
  readonly hosts: readonly string[];
}

/** What ingresses name. */
export interface IngressGround {
  service(namespace: string, name: string): Service | undefined;
  slices(namespace: string, name: string): readonly EndpointSlice[];
  secret(namespace: string, name: string): Secret | undefined;
}

/** What one sees of ASCII, save quotes and backslashes: nothing that could mean something to a proxy's configuration, or end a line of it. */
const PLAIN_PATH = /^\/[!#-&(-[\]-~]*$/;

/**
 * All ingresses as one set of routes. Of two that claim one host and path the older has it. An exact path goes before a prefix, a longer before a shorter
 * one; a request whose host has rules, of which none is for its path, does not try another host's.
 */
export function ingressRoutes(ingresses: readonly Ingress[], ground: IngressGround): Routes {
  const hosts = new Map<string, Map<string, PathRoute>>();
  const backends = new Map<string, readonly Place[]>();
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
      backends.set(name, places);
      return name;
    };
    for (const { host = '', http } of ingress.spec.rules ?? []) {
      for (const { path = '/', pathType, backend } of http?.paths ?? []) {
        if (!PLAIN_PATH.test(path)) {
          complain(`path ${JSON.stringify(path)} has characters that cannot be matched`);
          continue;
        }
        const exact = pathType === 'Exact';
        const route = { exact, path: exact ? path : path.replace(/(.)\/+$/, '$1'), backend: nameOf(backend) };
        const own = hosts.get(host.toLowerCase()) ?? new Map<string, PathRoute>();
        hosts.set(host.toLowerCase(), own);
        const key = `${exact} ${route.path}`;
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
  return {
    hosts: [...hosts].map(([host, paths]) => ({ host, paths: [...paths.values()].toSorted(byPrecedence) })).toSorted((a, b) => rank(a.host) - rank(b.host) || b.host.length - a.host.length || (a.host < b.host ? -1 : 1)),
    defaultBackend, backends, problems,
    certificates: [...certificates].map(([secret, { pem, hosts: own }]) => ({ secret, pem, hosts: [...own].toSorted() })).toSorted((a, b) => (a.secret < b.secret ? -1 : 1)),
  };
}

/**
 * A service's cluster IP, so that the choice among its pods, and the leaving of those that end, stay with the service proxy; the ready pods of a
 * headless service themselves.
 */
function placesOf(backend: IngressBackend, namespace: string, ground: IngressGround): { readonly name: string; readonly places: readonly Place[]; readonly problem?: string } {
  if (!backend.service) return { name: 'none', places: [], problem: 'a backend that is not a service is not supported' };
  const { name, port: wanted } = backend.service;
  const shown = wanted?.name ?? wanted?.number ?? '';
  const full = `${namespace}_${name}_${shown}`;
  const service = ground.service(namespace, name);
  if (!service) return { name: full, places: [], problem: `there is no service ${name}` };
  const port = service.spec.ports?.find((one) => (wanted?.name ? one.name === wanted.name : one.port === wanted?.number));
  if (service.spec.type === 'ExternalName') return { name: full, places: [], problem: `service ${name} is an external name, which is not supported` };
  if (!port) return { name: full, places: [], problem: `service ${name} has no port ${shown}` };
  const { clusterIP } = service.spec;
  if (clusterIP && clusterIP !== 'None') return { name: full, places: [{ address: clusterIP, port: port.port }] };
  const places = ground.slices(namespace, name).filter(({ addressType }) => addressType === 'IPv4').flatMap(({ ports, endpoints }) => {
    const number = ports?.find((one) => (one.name ?? '') === (port.name ?? ''))?.port;
    return number ? (endpoints ?? []).filter(({ conditions }) => conditions?.ready ?? true).flatMap(({ addresses }) => addresses.map((address) => ({ address, port: number }))) : [];
  });
  return { name: full, places: places.toSorted((a, b) => (a.address < b.address ? -1 : 1)) };
}

/** Certificates and key where they belong together: a proxy that is given others serves nothing at all. */
function pemOf(secret: Secret | undefined): string | undefined {
  const [certificate, key] = ['tls.crt', 'tls.key'].map((field) => Buffer.from(secret?.data?.[field] ?? '', 'base64').toString().trim()) as [string, string];
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)) ? `${certificate}\n${key}\n` : undefined;
  } catch {
    // OpenSSL's faults are of many kinds, and all mean the same here.
    return undefined;
  }
}

function rank(host: string): number {
  return host === '' ? 2 : host.startsWith('*.') ? 1 : 0;
}

function byPrecedence(a: PathRoute, b: PathRoute): number {
  return Number(b.exact) - Number(a.exact) || b.path.length - a.path.length || (a.path < b.path ? -1 : 1);
}

function byAge(a: Ingress, b: Ingress): number {
  return `${a.metadata.creationTimestamp} ${keyOf(a)}` < `${b.metadata.creationTimestamp} ${keyOf(b)}` ? -1 : 1;
}
