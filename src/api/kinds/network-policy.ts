/** Upstream: pkg/registry/networking/networkpolicy/strategy.go. */
import { isIPv4 } from 'node:net';
import type { KindDefinition } from '../kind.ts';
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec } from '../generated/networking-v1.ts';
import { networkPolicies } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { isPortName, isPortNumber } from '../names.ts';
import { formatLabelSelector } from '../selector.ts';
import { formatErrors, labelSelector, type FieldErrors } from '../validation/fields.ts';
import { canonicalIp, cidrFaults, networkOf } from '../validation/formats.ts';
import { withCountedSpec } from './counted-spec.ts';
import { fillAbsent, mapItems, mapMember } from './fill.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

export const networkPolicy: KindDefinition<NetworkPolicy> = {
  resource: networkPolicies,
  defaults: (object) => mapMember(object, 'spec', defaultSpec),
  ...withCountedSpec<NetworkPolicy>(),
  validate: (object) => [...specErrors('spec', object.spec ?? {})],
  columns: [nameColumn, text('Pod-Selector', 'The labels of the pods that it is for.', (object) => formatLabelSelector(object.spec?.podSelector ?? {})), ageColumn],
};

function defaultSpec(spec: NetworkPolicySpec): NetworkPolicySpec {
  const withTcp = <R extends { readonly ports?: readonly NetworkPolicyPort[] }>(rules: readonly R[]): readonly R[] =>
    mapItems(rules, (rule) => mapMember<{ readonly ports?: readonly NetworkPolicyPort[] }, 'ports'>(rule, 'ports', (ports) => mapItems(ports, (port) => fillAbsent(port, { protocol: 'TCP' }))) as R);
  const next = mapMember(mapMember(spec, 'ingress', withTcp), 'egress', withTcp);
  if (next.policyTypes?.length) return next;
  return { ...next, policyTypes: next.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'] };
}

function* specErrors(path: string, spec: NetworkPolicySpec): FieldErrors {
  yield* labelSelector(`${path}.podSelector`, spec.podSelector);
  for (const [i, { ports = [], from = [] }] of (spec.ingress ?? []).entries()) yield* ruleErrors(`${path}.ingress[${i}]`, ports, 'from', from);
  for (const [i, { ports = [], to = [] }] of (spec.egress ?? []).entries()) yield* ruleErrors(`${path}.egress[${i}]`, ports, 'to', to);
  const types = spec.policyTypes ?? [];
  if (types.length > 2) {
    yield fieldError.invalid(`${path}.policyTypes`, types, 'may not specify more than two policyTypes');
    return;
  }
  for (const [i, type] of types.entries()) if (type !== 'Ingress' && type !== 'Egress') yield fieldError.notSupported(`${path}.policyTypes[${i}]`, type, ['Ingress', 'Egress']);
}

function* ruleErrors(path: string, ports: readonly NetworkPolicyPort[], field: string, peers: readonly NetworkPolicyPeer[]): FieldErrors {
  for (const [i, port] of ports.entries()) yield* portErrors(`${path}.ports[${i}]`, port);
  for (const [i, peer] of peers.entries()) yield* peerErrors(`${path}.${field}[${i}]`, peer);
}

function* portErrors(path: string, { protocol, port, endPort }: NetworkPolicyPort): FieldErrors {
  if (protocol !== undefined && !['TCP', 'UDP', 'SCTP'].includes(protocol)) yield fieldError.notSupported(`${path}.protocol`, protocol, ['TCP', 'UDP', 'SCTP']);
  if (port === undefined) {
    if (endPort !== undefined) yield fieldError.invalid(`${path}.endPort`, endPort, 'may not be specified when `port` is not specified');
  } else if (typeof port === 'string') {
    if (endPort !== undefined) yield fieldError.invalid(`${path}.endPort`, endPort, 'may not be specified when `port` is non-numeric');
    yield* formatErrors(`${path}.port`, port, isPortName(port));
  } else {
    yield* formatErrors(`${path}.port`, port, isPortNumber(port));
    if (endPort === undefined) return;
    if (endPort < port) yield fieldError.invalid(`${path}.endPort`, port, 'must be greater than or equal to `port`');
    yield* formatErrors(`${path}.endPort`, endPort, isPortNumber(endPort));
  }
}

function* peerErrors(path: string, { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer): FieldErrors {
  yield* labelSelector(`${path}.podSelector`, podSelector);
  yield* labelSelector(`${path}.namespaceSelector`, namespaceSelector);
  if (ipBlock) yield* blockErrors(`${path}.ipBlock`, ipBlock);
  if (!podSelector && !namespaceSelector && !ipBlock) yield fieldError.required(path, 'must specify a peer');
  else if (ipBlock && (podSelector || namespaceSelector)) yield fieldError.forbidden(path, 'may not specify both ipBlock and another peer');
}

function* blockErrors(path: string, { cidr, except = [] }: IPBlock): FieldErrors {
  if (!cidr) {
    yield fieldError.required(`${path}.cidr`);
    return;
  }
  const faults = cidrFaults(cidr);
  yield* formatErrors(`${path}.cidr`, cidr, faults);
  if (faults.length) return;
  for (const [i, range] of except.entries()) {
    const wrong = cidrFaults(range);
    yield* formatErrors(`${path}.except[${i}]`, range, wrong);
    if (wrong.length === 0 && !isWithin(range, cidr)) yield fieldError.invalid(`${path}.except[${i}]`, range, 'must be a strict subset of `cidr`');
  }
}

/** Whether the network `inner` is a true part of `outer`. */
function isWithin(inner: string, outer: string): boolean {
  const [address = '', bits] = inner.split('/');
  const [network = '', size] = outer.split('/');
  return isIPv4(address) === isIPv4(network) && Number(bits) > Number(size) && networkOf(address, Number(size)) === canonicalIp(network);
}
