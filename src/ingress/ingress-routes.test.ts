import { describe, expect, it } from 'vitest';
import type { Service } from '../api/generated/core-v1.ts';
import type { EndpointSlice } from '../api/generated/discovery-v1.ts';
import type { Ingress, IngressSpec } from '../api/generated/networking-v1.ts';
import { createAuthority } from '../base/certificates.ts';
import { certificateList } from './haproxy-configuration.ts';
import { ingressRouting } from './ingress-routes.ts';
import { ruleFor } from './request-trace.ts';
import type { Ground } from './service-places.ts';

let age = 0;
function ingress(spec: IngressSpec, name = `i${age}`): Ingress {
  return { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: new Date(age++ * 1000).toISOString() }, spec };
}
const to = (name: string, port: number | string = 80) => ({ service: { name, port: typeof port === 'number' ? { number: port } : { name: port } } });
const path = (text: string | undefined, backend: string, pathType = 'Prefix') => ({ ...(text !== undefined && { path: text }), pathType, backend: to(backend) });
const rule = (host: string | undefined, ...paths: ReturnType<typeof path>[]) => ({ ...(host && { host }), http: { paths } });

const serviceOf = (name: string, spec: Service['spec']): Service => ({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: '' }, spec });
const known: Record<string, Service> = {
  web: serviceOf('web', { clusterIP: '10.96.0.50', ports: [{ name: 'http', port: 80 }] }), api: serviceOf('api', { clusterIP: '10.96.0.51', ports: [{ port: 80 }] }), other: serviceOf('other', { clusterIP: '10.96.0.52', ports: [{ port: 80 }] }),
  heads: serviceOf('heads', { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] }), away: serviceOf('away', { type: 'ExternalName', externalName: 'example.org', ports: [{ port: 80 }] }),
};
const slice = {
  addressType: 'IPv4', ports: [{ name: 'http', port: 8080 }], endpoints: [{ addresses: ['10.244.1.6'] }, { addresses: ['10.244.1.5'], conditions: { ready: true } }, { addresses: ['10.244.1.7'], conditions: { ready: false } }],
} as unknown as EndpointSlice;
const ground: Ground = { service: (_, name) => known[name], slices: (_, name) => (name === 'heads' ? [slice] : []), secret: () => undefined };

function goes({ listener }: ReturnType<typeof ingressRouting>, host: string, path: string): string {
  return (ruleFor(listener, { host, path })?.shares[0]!.backend ?? listener.otherwise).replace(/^ingress_(default_)?|_80$/g, '');
}

describe('where a request goes', () => {
  const routes = ingressRouting([
    ingress({ rules: [rule('a.example', path('/', 'web'), path('/api', 'api'), path('/api/v1/', 'other'), path('/api/exact', 'other', 'Exact'), path('/same', 'web', 'Exact'), path('/same', 'api'))] }),
    ingress({ rules: [rule('*.wild.example', path('/', 'api')), rule('one.wild.example', path('/only', 'web')), rule('A.example', path('/api', 'other'), path('/more', 'other'))] }),
    ingress({ rules: [rule(undefined, path('/any', 'other', 'ImplementationSpecific'))], defaultBackend: to('web') }),
  ], ground);
  it.each([
    ['a.example', '/', 'web'], ['a.example', '/other', 'web'], ['a.example', '/api', 'api'], ['a.example', '/api/', 'api'], ['a.example', '/apis', 'web'], ['a.example', '/api/v1', 'other'], ['a.example', '/api/v1/x', 'other'],
    ['a.example', '/api/v10', 'api'], ['a.example', '/api/exact', 'other'], ['a.example', '/api/exact/x', 'api'], ['a.example', '/same', 'web'], ['a.example', '/same/x', 'api'], ['a.example', '/more/x', 'other'],
    ['two.wild.example', '/x', 'api'], ['one.wild.example', '/only', 'web'], ['one.wild.example', '/x', 'web'], ['b.one.wild.example', '/any', 'other'], ['nowhere.example', '/any/x', 'other'], ['nowhere.example', '/', 'web'],
  ])('%s%s', (host, asked, expected) => expect(goes(routes, host, asked)).toBe(expected));

  it('tells whoever comes second', () => expect([...routes.problems.values()]).toEqual([['A.example /api belongs to another ingress']]));
});

it('a backend is a service by its cluster IP, or the ready pods of a headless one; what is missing is told', async () => {
  const paths = [path('/web', 'web'), path('/away', 'away'), path('/absent', 'absent'), { path: '/name', pathType: 'Prefix', backend: to('heads', 'http') }, { path: '/port', pathType: 'Prefix', backend: to('web', 81) }, path("/it's\n", 'web')];
  const { key, certificate } = await createAuthority('a.example', { now: Date.now() });
  const stranger = await createAuthority('b.example', { now: Date.now() });
  const secret = (crt: string, own: string) => ({ type: 'kubernetes.io/tls', data: { 'tls.crt': Buffer.from(crt).toString('base64'), 'tls.key': Buffer.from(own).toString('base64') } }) as never;
  const routes = ingressRouting([ingress({ rules: [rule('a.example', ...paths)], tls: [{ hosts: ['a.example'], secretName: 'good' }, { hosts: ['b.example'], secretName: 'mixed' }, { hosts: ['c.example'], secretName: 'absent' }] }, 'one')], {
    ...ground, secret: (_, name) => (name === 'good' ? secret(certificate, key) : name === 'mixed' ? secret(certificate, stranger.key) : undefined),
  });
  const none = { do: 'respond', status: 503, text: 'the service of this ingress has nowhere to go' };
  const forward = (...places: object[]) => ({ do: 'forward', mode: 'http', places });
  expect([...routes.backends].slice(1)).toEqual([
    ['ingress_default_web_80', forward({ address: '10.96.0.50', port: 80 })], ['ingress_default_away_80', none], ['ingress_default_absent_80', none],
    ['ingress_default_heads_http', forward({ address: '10.244.1.5', port: 8080 }, { address: '10.244.1.6', port: 8080 })], ['ingress_default_web_81', none],
  ]);
  expect(routes.problems.get('default/one')).toEqual([
    'service away is an external name, which is not supported', 'there is no service absent', 'service web has no port 81', 'path "/it\'s\\n" has characters that cannot be matched',
    expect.stringContaining('secret mixed'), expect.stringContaining('secret absent'),
  ]);
  expect(routes.listener.certificates).toEqual([{ secret: 'default/good', pem: `${certificate.trim()}\n${key.trim()}\n`, hosts: ['a.example'] }]);
  expect(certificateList(routes.listener.certificates, '/x/fallback.pem', (name) => `/x/${name.replace('/', '-')}.pem`)).toBe('/x/fallback.pem\n/x/default-good.pem a.example\n');
});
