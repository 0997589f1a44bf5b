import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, test } from 'vitest';
import type { CertificateSigningRequest } from '../../api/generated/certificates-v1.ts';
import type { Node } from '../../api/generated/core-v1.ts';
import { createAuthority, issueCertificate, type KeyPair } from '../../base/certificates.ts';
import { ConnectionError } from '../../client/connection-error.ts';
import { detachedSignature } from '../../controllers/bootstrap-signer.ts';
import { addressPlan } from '../../machine/index.ts';
import { Profile } from '../profile.ts';
import { annotationsOf, isOnMachine, machinesOf, missingAnnotations, nodesElsewhere, numberOf } from './annotations.ts';
import { explained, parseHash, parseServer, provenAuthority } from './discover.ts';
import { isOld, wireguardKeys, wireguardPublicKey } from './identity.ts';
import { mayServe } from './serving-approver.ts';
import { parseToken, parseTtl, publicKeyHash } from './token.ts';

const plan = addressPlan(0);
const KEY = `${'k'.repeat(43)}=`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBcjCCARegAwIBAgIUYehkh+EVpgSd4Ug551lFMyQzHWIwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTIzMTUyOTIxWhgPMjEyNjEwMzAxNTI5MjFa
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJuaQjAAl
h4hPEBZV92kE6astjoVUY5cGKBbbhDTPrUU7lxS3Q+7CYo+O/aOnc7qDvtAMHr/a
JnfXwj4S2FBDZKNTMFEwHQYDVR0OBBYEFBwJe30cyPfECcEstLtJkTNkqkiQMB8G
A1UdIwQYMBaAFBwJe30cyPfECcEstLtJkTNkqkiQMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSQAwRgIhAMKmr9a5jgff0l97KVwDewk6s4AOfkmq4CJJeNzi
lx+IAiEAxnDJ0cvwC/gCh2y7bEnIW9e64n1fSyUObOuZCBRtoLU=
-----END CERTIFICATE-----
`;
const CERTIFICATE_HASH = 'sha256:b55de65dee04b617129c3b54c8bc4adc99abe25a14fd5de9733bd07c297eebe9';
const node = (name: string, podCIDR: string | undefined, annotations: Record<string, string> = {}): Node => ({ metadata: { name, annotations }, spec: { ...(podCIDR && { podCIDR }) } }) as unknown as Node;

describe('what nodes say of their machines', () => {
  const nodes = [
    node('span', '10.244.1.0/24', { 'wherry.dev/machine': '192.168.50.1/24', 'wherry.dev/machine-links': 'host-gw,vxlan' }),
    node('span-2', '10.244.3.0/24', { 'wherry.dev/machine': '192.168.50.1/24', 'wherry.dev/machine-links': 'host-gw,vxlan' }),
    node('box', '10.244.2.0/24', { 'wherry.dev/machine': '192.168.51.2/24', 'wherry.dev/machine-links': 'host-gw,teleport,wireguard', 'wherry.dev/machine-backend': 'wireguard', 'wherry.dev/wireguard-key': KEY }),
    node('new', undefined, { 'wherry.dev/machine': '192.168.52.1/24' }),
    node('old', '10.244.9.0/24'),
    node('foe', '10.244.7.0/24', { 'wherry.dev/machine': '192.168.53.1/24 dev eth0', 'wherry.dev/wireguard-key': 'x\nEndpoint = 1.2.3.4:1' }),
    node('liar', '10.96.0.0/24', { 'wherry.dev/machine': '192.168.54.1/24' }),
  ];

  it('gathers nodes by machine, and leaves out what is incomplete or no address', () => {
    expect(machinesOf(nodes, plan)).toEqual([
      { address: '192.168.51.2/24', offers: ['host-gw', 'wireguard'], wants: 'wireguard', wireguardKey: KEY, nodes: [{ address: '10.231.0.12', podCidr: '10.244.2.0/24' }] },
      { address: '192.168.50.1/24', offers: ['host-gw', 'vxlan'], nodes: [{ address: '10.231.0.11', podCidr: '10.244.1.0/24' }, { address: '10.231.0.13', podCidr: '10.244.3.0/24' }] },
    ]);
    expect(nodesElsewhere(nodes, plan, '192.168.50.1')).toEqual([{ address: '10.231.0.12', podCidr: '10.244.2.0/24' }]);
  });

  it('gives back what a machine says, and takes back what it no longer says', () => {
    const self = { address: '192.168.51.2/24', offers: ['host-gw', 'vxlan'] as const };
    const wanted = annotationsOf(self);
    expect(missingAnnotations(node('box', undefined), wanted)).toEqual({ 'wherry.dev/machine': '192.168.51.2/24', 'wherry.dev/machine-links': 'host-gw,vxlan' });
    expect(missingAnnotations(nodes[2]!, wanted)).toEqual({ 'wherry.dev/machine-links': 'host-gw,vxlan', 'wherry.dev/machine-backend': null, 'wherry.dev/wireguard-key': null });
    expect(missingAnnotations(nodes[0]!, annotationsOf({ address: '192.168.50.1/24', offers: ['host-gw', 'vxlan'] }))).toBeUndefined();
  });

  it.each([['10.244.2.0/24', 2], ['10.244.189.0/24', 189], ['10.244.190.0/24', undefined], ['10.244.0.0/24', undefined], ['10.245.2.0/24', undefined], ['10.244.2.0/25', undefined], [undefined, undefined]])(
    'takes a node\'s number from its pod range %s', (range, number) => expect(numberOf(node('n', range), plan)).toBe(number));

  it('knows the nodes of this machine', () => expect(nodes.map((one) => isOnMachine(one, '192.168.50.1'))).toEqual([true, true, false, false, true, true, false]));
});

test('the pinned hash is the one that kubeadm prints', () => {
  // openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | sha256sum
  expect(publicKeyHash(CERTIFICATE)).toBe(CERTIFICATE_HASH);
});

describe('the cluster proves itself', () => {
  const server = 'https://192.168.50.1:6443';
  const token = parseToken('abcdef.0123456789abcdef');
  let authority: KeyPair;
  let info: Record<string, string>;
  beforeAll(async () => {
    authority = await createAuthority('wherry-ca', { now: Date.now() });
    const kubeconfig = JSON.stringify({ clusters: [{ cluster: { server, 'certificate-authority-data': Buffer.from(authority.certificate).toString('base64') } }] });
    info = { kubeconfig, 'jws-kubeconfig-abcdef': detachedSignature(kubeconfig, token.id, token.secret) };
  });

  it('by the signature of the token and the hash of its key', () => expect(provenAuthority(info, token, publicKeyHash(authority.certificate), server)).toBe(authority.certificate));

  it.each<[string, (data: Record<string, string>) => Record<string, string>, string, RegExp]>([
    ['a token that the cluster does not know', ({ kubeconfig = '' }) => ({ kubeconfig }), 'abcdef.0123456789abcdef', /does not know the token abcdef/],
    ['a token with another secret', (data) => data, 'abcdef.fedcba9876543210', /wrong in its second half/],
    ['an answer that was changed', (data) => ({ ...data, kubeconfig: data.kubeconfig!.replace('6443', '6444') }), 'abcdef.0123456789abcdef', /wrong in its second half/],
    ['a server that says nothing', () => ({}), 'abcdef.0123456789abcdef', /says nothing of its authority/],
  ])('not with %s', (_, change, given, message) => expect(() => provenAuthority(change(info), parseToken(given), publicKeyHash(authority.certificate), server)).toThrow(message));

  it('not with another key than the pinned one', async () => {
    const other = await createAuthority('wherry-ca', { now: Date.now() });
    expect(() => provenAuthority(info, token, publicKeyHash(other.certificate), server)).toThrow(/is not the pinned one/);
  });

  it.each([
    ['ECONNREFUSED', /^nothing answers at https:\/\/192\.168\.50\.1:6443/], ['SELF_SIGNED_CERT_IN_CHAIN', /not of the pinned authority/], ['ERR_TLS_CERT_ALTNAME_INVALID', /not of the pinned authority/],
  ])('tells %s in words', (code, message) => expect((explained(new ConnectionError('x', { code, cause: undefined }), server) as Error).message).toMatch(message));
});

test.each([['https://192.168.50.1:6443', 'https://192.168.50.1:6443'], ['192.168.50.1:6443', 'https://192.168.50.1:6443'], ['https://192.168.50.1', 'https://192.168.50.1:443']])('the server %s', (text, url) => expect(parseServer(text)).toBe(url));
test.each(['http://192.168.50.1:6443', 'https://192.168.50.1:6443/api', 'box', ''])('no server: "%s"', (text) => expect(() => parseServer(text)).toThrow('is no address of an API server'));
test.each(['abcdef', 'ABCDEF.0123456789abcdef', 'abcdef.0123456789abcde'])('no token: %s', (text) => expect(() => parseToken(text)).toThrow('bootstrap token'));
test('no hash', () => expect(() => parseHash('sha256:1234')).toThrow('64 hexadecimal'));
test.each([['90m', 5_400_000], ['24h', 86_400_000], ['7d', 604_800_000], ['1s', 1000]])('a time: %s', (text, ms) => expect(parseTtl(text)).toBe(ms));
test.each(['24', '0h', '1w', ''])('no time: "%s"', (text) => expect(() => parseTtl(text)).toThrow('--ttl takes'));

test('WireGuard keys are X25519, made once and kept from others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-keys-'));
  try {
    const profile = new Profile('keys', folder);
    const { privateKey, publicKey } = wireguardKeys(profile);
    expect(wireguardKeys(profile)).toEqual({ privateKey, publicKey });
    expect(statSync(join(folder, 'wireguard.key')).mode & 0o777).toBe(0o600);
    expect(Buffer.from(publicKey, 'base64')).toHaveLength(32);
    // The bare 32 bytes, as wg has them, stand for the same pair as the wrapped ones of node:crypto.
    const pair = generateKeyPairSync('x25519');
    const bare = (der: Buffer): string => der.subarray(-32).toString('base64');
    expect(wireguardPublicKey(bare(pair.privateKey.export({ type: 'pkcs8', format: 'der' })))).toBe(bare(pair.publicKey.export({ type: 'spki', format: 'der' })));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a certificate is old in the last three tenths of its time', async () => {
  const now = Date.now();
  const authority = await createAuthority('ca', { now });
  const pair = await issueCertificate(authority, { commonName: 'system:node:box', usages: ['client auth'], days: 100, now });
  expect([0, 69, 71, 101].map((days) => isOld(pair, now + days * 86_400_000))).toEqual([false, false, true, true]);
});

describe('serving certificates', () => {
  const request = (spec: Partial<CertificateSigningRequest['spec']> = {}): CertificateSigningRequest => ({ metadata: { name: 'r' }, spec: { request: '', signerName: 'kubernetes.io/kubelet-serving', username: 'system:node:box', groups: ['system:nodes', 'system:authenticated'], usages: ['digital signature', 'server auth'], ...spec } }) as unknown as CertificateSigningRequest;
  const names = { commonName: 'system:node:box', organizations: ['system:nodes'], dnsNames: ['box'], addresses: ['10.231.0.12'], emailAddresses: [], uris: [] };
  const box = node('box', '10.244.2.0/24');
  it.each<[string, CertificateSigningRequest, typeof names, Node | undefined, boolean]>([
    ['for its own name and address', request(), names, box, true],
    ['for the address of another node', request(), { ...names, addresses: ['10.231.0.11'] }, box, false],
    ['for the API server\'s', request(), { ...names, addresses: ['10.231.0.12', '10.231.0.1'] }, box, false],
    ['for another name', request(), { ...names, dnsNames: ['kubernetes'] }, box, false],
    ['by another node', request({ username: 'system:node:span' }), names, box, false],
    ['by a user who is called so', request({ groups: ['system:authenticated'] }), names, box, false],
    ['as a client', request({ usages: ['digital signature', 'client auth', 'server auth'] }), names, box, false],
    ['by a node that is not there', request(), names, undefined, false],
    ['by a node without a range', request(), names, node('box', undefined), false],
  ])('%s', (_, asked, wanted, of, expected) => expect(mayServe(asked, wanted, of, plan)).toBe(expected));
});
