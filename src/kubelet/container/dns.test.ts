import { expect, test } from 'vitest';
import type { Pod } from '../../api/generated/core-v1.ts';
import { hostsFile, parseResolvConf, podDns, podHostname } from './dns.ts';

const pod = (spec: object): Pod => ({ metadata: { name: 'kubia', namespace: 'shop' }, spec } as unknown as Pod);
const settings = { clusterDns: ['10.96.0.10'], clusterDomain: 'cluster.local', host: parseResolvConf('# c\nnameserver 9.9.9.9\nsearch corp.example.\noptions timeout:2\n') };

test.each([
  ['ClusterFirst', {}, { servers: ['10.96.0.10'], searches: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp.example'], options: ['ndots:5'] }],
  ['ClusterFirst on the host network', { hostNetwork: true }, { servers: ['9.9.9.9'], searches: ['corp.example'], options: ['timeout:2'] }],
  ['ClusterFirstWithHostNet', { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }, expect.objectContaining({ servers: ['10.96.0.10'] })],
  ['Default', { dnsPolicy: 'Default' }, { servers: ['9.9.9.9'], searches: ['corp.example'], options: ['timeout:2'] }],
  ['None', { dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], searches: ['x.example'], options: [{ name: 'edns0' }] } }, { servers: ['1.1.1.1'], searches: ['x.example'], options: ['edns0'] }],
  ['additions', { dnsConfig: { nameservers: ['1.1.1.1'], options: [{ name: 'ndots', value: '1' }] } }, expect.objectContaining({ servers: ['10.96.0.10', '1.1.1.1'], options: ['ndots:1'] })],
])('DNS by %s', (_, spec, expected) => {
  expect(podDns(pod(spec), settings)).toEqual(expected);
});

test('host names', () => {
  expect(podHostname(pod({}), 'cluster.local')).toEqual({ hostname: 'kubia', domain: '' });
  expect(podHostname(pod({ hostname: 'db-0', subdomain: 'db' }), 'cluster.local')).toEqual({ hostname: 'db-0', domain: 'db.shop.svc.cluster.local' });
});

test('the hosts file names the pod and its aliases', () => {
  const text = hostsFile(pod({ hostname: 'db-0', subdomain: 'db', hostAliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }] }), ['10.0.0.2'], '', 'cluster.local');
  expect(text).toContain('# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n');
  expect(text).toContain('10.0.0.2\tdb-0.db.shop.svc.cluster.local\tdb-0\n');
  expect(text).toContain('# Entries added by HostAliases.\n1.2.3.4\ta\tb\n');
  expect(hostsFile(pod({ hostNetwork: true }), ['10.1.0.1'], '127.0.0.1 me\n', 'cluster.local')).toBe('# Kubernetes-managed hosts file (host network).\n127.0.0.1 me\n');
});
