import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Secret, Service, ServicePort } from '../api/generated/core-v1.ts';
import type { EndpointSlice } from '../api/generated/discovery-v1.ts';
import type { Place } from './routing.ts';

/** What ingresses and routes name. */
export interface Ground {
  service(namespace: string, name: string): Service | undefined;
  slices(namespace: string, name: string): readonly EndpointSlice[];
  secret(namespace: string, name: string): Secret | undefined;
}

/**
 * Where a service is reached: at its cluster IP, so that the choice among its pods, and the leaving of those that end, stay with the service proxy; the ready pods
 * of a headless service themselves.
 */
export function servicePlaces({ spec }: Service, port: ServicePort, slices: readonly EndpointSlice[]): readonly Place[] {
  const { clusterIP } = spec;
  if (clusterIP && clusterIP !== 'None') return [{ address: clusterIP, port: port.port }];
  const places = slices.filter(({ addressType }) => addressType === 'IPv4').flatMap(({ ports, endpoints }) => {
    const number = ports?.find((one) => (one.name ?? '') === (port.name ?? ''))?.port;
    return number ? (endpoints ?? []).filter(({ conditions }) => conditions?.ready ?? true).flatMap(({ addresses }) => addresses.map((address) => ({ address, port: number }))) : [];
  });
  return places.toSorted((a, b) => (a.address < b.address ? -1 : 1));
}

/** Certificates and key where they belong together: a proxy that is given others serves nothing at all. */
export function pemOf(secret: Secret | undefined): string | undefined {
  const [certificate, key] = ['tls.crt', 'tls.key'].map((field) => Buffer.from(secret?.data?.[field] ?? '', 'base64').toString().trim()) as [string, string];
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)) ? `${certificate}\n${key}\n` : undefined;
  } catch {
    // OpenSSL's faults are of many kinds, and all mean the same here.
    return undefined;
  }
}
