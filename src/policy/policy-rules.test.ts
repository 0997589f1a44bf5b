import { describe, expect, it } from 'vitest';
import type { Pod } from '../api/generated/core-v1.ts';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicySpec } from '../api/generated/networking-v1.ts';
import type { Labels } from '../api/selector.ts';
import { IPV4 } from '../base/address-family.ts';
import { dnsPod } from './node-dns.ts';
import { podFacts } from './pod-facts.ts';
import { policyTable, type PolicyView } from './policy-rules.ts';
import { tracePolicy, type PolicyPacket } from './policy-trace.ts';
import { policyTransaction } from './policy-transaction.ts';

const DNS = '10.96.0.10';

function pod(name: string, address: string, options: { readonly labels?: Labels; readonly spec?: Partial<Pod['spec']>; readonly status?: Pod['status']; readonly metadata?: Partial<Pod['metadata']> } = {}): Pod {
  const [namespace, own] = name.split('/') as [string, string];
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: { name: own, namespace, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', labels: { app: own, ...options.labels }, ...options.metadata },
    spec: { nodeName: address.startsWith('10.244.1.') ? 'one' : 'two', containers: [{ name: 'c', image: 'i', ports: [{ name: 'http', containerPort: own === 'b' ? 8081 : 8080 }, { name: 'names', containerPort: 53, protocol: 'UDP' }] }], ...options.spec },
    status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }], ...options.status },
  };
}

const a = '10.244.1.1';
const b = '10.244.1.2';
const c = '10.244.2.3';
const x = '10.244.1.4';
const world: readonly Pod[] = [pod('default/a', a), pod('default/b', b), pod('default/c', c, { labels: { tier: 'front' } }), pod('other/x', x, { labels: { tier: 'front' } })];
const namespaces = new Map<string, Labels>(['default', 'other', 'kube-system'].map((name) => [name, { 'kubernetes.io/metadata.name': name, ...(name === 'other' ? { team: 'blue' } : {}) }]));
const here = { nodeName: 'one', family: IPV4 };

function policy(spec: NetworkPolicySpec, name = 'default/p'): NetworkPolicy {
  const [namespace, own] = name.split('/') as [string, string];
  return { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: own, namespace, uid: name, resourceVersion: '1', creationTimestamp: '' }, spec };
}

function view(policies: readonly NetworkPolicy[], pods: readonly Pod[] = world): PolicyView {
  return { policies, pods: [...podFacts(pods, here), dnsPod(DNS)], namespaces };
}

/** From a to b on TCP 80 where nothing else is said. */
function trace(policies: readonly NetworkPolicy[], packet: Partial<PolicyPacket> = {}, pods?: readonly Pod[]): string {
  return tracePolicy(policyTable(view(policies, pods)), { source: a, destination: b, protocol: 'tcp', port: 80, ...packet });
}

const toB = { matchLabels: { app: 'b' } };
const fromA = { matchLabels: { app: 'a' } };
const [ACCEPT, IN, OUT] = ['accept', 'dropped by ingress', 'dropped by egress'];
/** Ingress of b from the peer. */
const from = (peer: NetworkPolicyPeer): NetworkPolicySpec => ({ podSelector: toB, ingress: [{ from: [peer] }] });
/** Egress of a to the peer. */
const to = (peer: NetworkPolicyPeer): NetworkPolicySpec => ({ podSelector: fromA, policyTypes: ['Egress'], egress: [{ to: [peer] }] });

describe('what policies mean', () => {
  const cases: [string, readonly NetworkPolicySpec[], Partial<PolicyPacket>, string][] = [
    ['no policy', [], {}, ACCEPT!],
    ['default deny', [{ podSelector: {} }], {}, IN!],
    ['default deny is for ingress alone', [{ podSelector: toB }], { source: b, destination: a }, ACCEPT!],
    ['a policy without a pod selector is for all', [{}], {}, IN!],
    ['default deny of egress', [{ podSelector: {}, policyTypes: ['Egress'] }], {}, OUT!],
    ['default deny of egress leaves ingress', [{ podSelector: toB, policyTypes: ['Egress'] }], {}, ACCEPT!],
    ['egress rules without types are for both directions', [{ podSelector: {}, egress: [{}] }], {}, IN!],
    ['egress rules do not count for ingress only', [{ podSelector: fromA, policyTypes: ['Ingress'], egress: [] }], {}, ACCEPT!],
    ['both directions must agree', [{ podSelector: toB, ingress: [{}] }, { podSelector: fromA, policyTypes: ['Egress'] }], {}, OUT!],
    ['a pod that no policy selects', [{ podSelector: toB }], { destination: a, source: x }, ACCEPT!],
    ['an empty rule allows all', [{ podSelector: {}, ingress: [{}] }], {}, ACCEPT!],
    ['a policy of another namespace', [], { source: x, destination: x }, ACCEPT!],
    ['policies add up', [{ podSelector: {} }, from({ podSelector: fromA })], {}, ACCEPT!],
    ['from a pod', [from({ podSelector: fromA })], {}, ACCEPT!],
    ['from another pod', [from({ podSelector: fromA })], { source: c }, IN!],
    ['from a pod, not one of that label elsewhere', [from({ podSelector: { matchLabels: { tier: 'front' } } })], { source: x }, IN!],
    ['from a pod of another node', [from({ podSelector: { matchLabels: { tier: 'front' } } })], { source: c }, ACCEPT!],
    ['from all pods here', [from({ podSelector: {} })], { source: x }, IN!],
    ['from a namespace', [from({ namespaceSelector: { matchLabels: { team: 'blue' } } })], { source: x }, ACCEPT!],
    ['from a namespace, not one\'s own', [from({ namespaceSelector: { matchLabels: { team: 'blue' } } })], {}, IN!],
    ['from all namespaces', [from({ namespaceSelector: {} })], { source: x }, ACCEPT!],
    ['from outside where all pods may', [from({ namespaceSelector: {} })], { source: '10.231.0.1' }, IN!],
    ['namespace and pod: both hold', [from({ namespaceSelector: { matchLabels: { team: 'blue' } }, podSelector: { matchLabels: { app: 'x' } } })], { source: x }, ACCEPT!],
    ['namespace and pod: the pod does not', [from({ namespaceSelector: { matchLabels: { team: 'blue' } }, podSelector: { matchLabels: { app: 'y' } } })], { source: x }, IN!],
    ['namespace or pod', [{ podSelector: toB, ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'blue' } } }, { podSelector: fromA }] }] }], {}, ACCEPT!],
    ['an expression', [from({ podSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['a'] }] } })], {}, IN!],
    ['from a block', [from({ ipBlock: { cidr: '10.231.0.0/24' } })], { source: '10.231.0.1' }, ACCEPT!],
    ['from outside of the block', [from({ ipBlock: { cidr: '10.231.0.0/24' } })], { source: '10.231.1.1' }, IN!],
    ['from an exception', [from({ ipBlock: { cidr: '0.0.0.0/0', except: ['10.231.0.0/24', '10.231.0.0/16'] } })], { source: '10.231.0.1' }, IN!],
    ['from around an exception', [from({ ipBlock: { cidr: '0.0.0.0/0', except: ['10.231.0.0/24'] } })], { source: '10.231.1.1' }, ACCEPT!],
    ['from a block of pods', [from({ ipBlock: { cidr: `${a}/32` } })], {}, ACCEPT!],
    ['from an IPv6 block', [from({ ipBlock: { cidr: '::/0' } })], {}, IN!],
    ['one allows what another excepts', [from({ ipBlock: { cidr: '0.0.0.0/0', except: [`${a}/32`] } }), from({ podSelector: fromA })], {}, ACCEPT!],
    ['a port', [{ podSelector: toB, ingress: [{ ports: [{ port: 80 }] }] }], {}, ACCEPT!],
    ['another port', [{ podSelector: toB, ingress: [{ ports: [{ port: 81 }] }] }], {}, IN!],
    ['a port of another protocol', [{ podSelector: toB, ingress: [{ ports: [{ port: 80, protocol: 'UDP' }] }] }], {}, IN!],
    ['a protocol', [{ podSelector: toB, ingress: [{ ports: [{ protocol: 'SCTP' }] }] }], { protocol: 'sctp' }, ACCEPT!],
    ['another protocol', [{ podSelector: toB, ingress: [{ ports: [{ protocol: 'SCTP' }] }] }], {}, IN!],
    ['a range of ports', [{ podSelector: toB, ingress: [{ ports: [{ port: 70, endPort: 80 }, { port: 75, endPort: 90 }] }] }], { port: 90 }, ACCEPT!],
    ['past the range of ports', [{ podSelector: toB, ingress: [{ ports: [{ port: 70, endPort: 80 }, { port: 81 }] }] }], { port: 82 }, IN!],
    ['a named port', [{ podSelector: toB, ingress: [{ ports: [{ port: 'http' }] }] }], { port: 8081 }, ACCEPT!],
    ['a named port is the pod\'s own', [{ podSelector: toB, ingress: [{ ports: [{ port: 'http' }] }] }], { port: 8080 }, IN!],
    ['a named port is of a protocol', [{ podSelector: toB, ingress: [{ ports: [{ port: 'names' }] }] }], { port: 53 }, IN!],
    ['a named port of the peer', [{ podSelector: fromA, policyTypes: ['Egress'], egress: [{ ports: [{ port: 'http' }] }] }], { port: 8081 }, ACCEPT!],
    ['a named port that is another pod\'s', [{ podSelector: fromA, policyTypes: ['Egress'], egress: [{ ports: [{ port: 'http' }] }] }], { port: 8080 }, OUT!],
    ['peer and port must both hold', [{ podSelector: toB, ingress: [{ from: [{ podSelector: fromA }], ports: [{ port: 81 }] }, { from: [{ podSelector: { matchLabels: { app: 'c' } } }], ports: [{ port: 80 }] }] }], {}, IN!],
    ['egress to a pod', [to({ podSelector: toB })], {}, ACCEPT!],
    ['egress to another pod', [to({ podSelector: toB })], { destination: c }, OUT!],
    ['egress to outside', [to({ namespaceSelector: {} })], { destination: '192.0.2.1' }, OUT!],
    ['egress to a block', [to({ ipBlock: { cidr: '192.0.2.0/24' } })], { destination: '192.0.2.1' }, ACCEPT!],
    ['to itself by way of a service', [{ podSelector: {}, policyTypes: ['Ingress', 'Egress'] }], { source: a, destination: a }, ACCEPT!],
    ['from this node', [{ podSelector: {} }], { source: '10.231.0.11' }, IN!],
  ];
  it.each(cases)('%s', (_, specs, packet, verdict) => {
    expect(trace(specs.map((spec, i) => policy(spec, `default/p${i}`)), packet)).toBe(verdict);
  });

  const usual = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } }, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } };
  const dnsPort = [{ port: 53, protocol: 'UDP' }, { port: 53, protocol: 'TCP' }];
  const egress = (...rules: NonNullable<NetworkPolicySpec['egress']>): NetworkPolicySpec => ({ podSelector: {}, policyTypes: ['Egress'], egress: rules });
  const dnsCases: [string, NetworkPolicySpec, Partial<PolicyPacket>, string][] = [
    ['nothing allowed', egress(), {}, OUT!],
    ['the usual recipe', egress({ to: [usual], ports: dnsPort }), {}, ACCEPT!],
    ['the usual recipe, TCP', egress({ to: [usual], ports: dnsPort }), { protocol: 'tcp' }, ACCEPT!],
    ['the usual recipe, another port', egress({ to: [usual], ports: dnsPort }), { port: 9153, protocol: 'tcp' }, OUT!],
    ['all of kube-system', egress({ to: [{ namespaceSelector: usual.namespaceSelector }] }), {}, ACCEPT!],
    ['all pods', egress({ to: [{ namespaceSelector: {} }], ports: dnsPort }), {}, ACCEPT!],
    ['kube-dns of all namespaces', egress({ to: [{ namespaceSelector: {}, podSelector: usual.podSelector }] }), {}, ACCEPT!],
    ['port 53 of anybody', egress({ ports: dnsPort }), {}, ACCEPT!],
    ['the port by name', egress({ to: [usual], ports: [{ port: 'dns', protocol: 'UDP' }] }), {}, ACCEPT!],
    ['the service\'s address', egress({ to: [{ ipBlock: { cidr: `${DNS}/32` } }] }), {}, ACCEPT!],
    ['pods of one\'s own namespace', egress({ to: [{ podSelector: {} }] }), {}, OUT!],
    ['other pods of kube-system', egress({ to: [{ ...usual, podSelector: { matchLabels: { app: 'metrics' } } }] }), {}, OUT!],
  ];
  it.each(dnsCases)('DNS with egress to: %s', (_, spec, packet, verdict) => {
    expect(trace([policy(spec)], { destination: DNS, protocol: 'udp', port: 53, ...packet })).toBe(verdict);
  });
});

describe('which pods there are', () => {
  const deny = [policy({ podSelector: {} })];
  it('leaves pods of the host\'s network alone, as subject and as peer', () => {
    const host = pod('default/h', '10.231.0.11', { spec: { nodeName: 'one', containers: [], hostNetwork: true } });
    expect(trace(deny, { destination: '10.231.0.11' }, [...world, host])).toBe(ACCEPT);
    expect(trace([policy(from({ podSelector: {} }))], { source: '10.231.0.11' }, [...world, host])).toBe(IN);
  });
  it('forgets pods that have ended, whose address may be another\'s', () => {
    const ended = pod('default/z', '10.244.1.9', { status: { phase: 'Succeeded' } });
    expect(trace(deny, { destination: '10.244.1.9' }, [ended])).toBe(ACCEPT);
    expect(trace([policy(from({ podSelector: {} }))], { source: '10.244.1.9' }, [...world, ended])).toBe(IN);
    const going = pod('default/b', b, { metadata: { uid: 'old', deletionTimestamp: '2026-01-02T00:00:00Z', creationTimestamp: '2026-01-03T00:00:00Z' } });
    expect(trace(deny, {}, [pod('other/n', b), going])).toBe(ACCEPT);
    expect(trace(deny, {}, [going])).toBe(IN);
  });
  it('knows what the node knows before the API does', () => {
    const fresh = pod('default/b', b, { status: { phase: 'Pending', podIP: '', podIPs: [] } });
    const early = new Map([['default/b', { pod: fresh, addresses: [b] }]]);
    for (const pods of [[fresh], []]) expect(podFacts(pods, { ...here, early })).toMatchObject([{ address: b, local: true }]);
    expect(podFacts([{ ...fresh, metadata: { ...fresh.metadata, uid: 'another' } }], { ...here, early })).toHaveLength(1);
  });
});

describe('what is written', () => {
  const policies = [policy({ podSelector: {} }), policy(from({ podSelector: fromA }), 'default/q')];
  const tableOf = (pods: readonly Pod[], some = policies) => policyTable(view(some, pods));
  it('is one element where a peer comes', () => {
    const change = policyTransaction(tableOf(world), tableOf([...world, pod('default/a2', '10.244.2.9', { labels: { app: 'a' } })]));
    expect(change).toMatch(/^add element ip wherry-policy peers-\w+-default \{ 10\.244\.2\.9 \}\n$/);
  });
  it('is elements alone where an isolated pod comes that has neighbours', () => {
    const lines = policyTransaction(tableOf(world), tableOf([...world, pod('default/b2', '10.244.1.9', { labels: { app: 'b' } })]))!.trim().split('\n');
    expect(lines.map((line) => line.split(' ').slice(0, 5).join(' '))).toEqual(['add element ip wherry-policy isolated-ingress', 'add element ip wherry-policy self']);
  });
  it('is nothing where nothing changes here', () => {
    expect(policyTransaction(tableOf(world), tableOf([...world, pod('other/y', '10.244.2.9')]))).toBeUndefined();
    expect(policyTransaction(undefined, undefined)).toBeUndefined();
  });
  it('has the chains of pods of this node alone', () => {
    const table = policyTable(view([policy({ podSelector: { matchLabels: { app: 'c' } }, ingress: [{ from: [{ podSelector: {} }] }] })]));
    expect([table.chains.size, table.sets.size, table.isolated.ingress.size]).toEqual([0, 0, 0]);
  });
});
