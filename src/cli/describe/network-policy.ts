import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../api/generated/networking-v1.ts';
import { formatLabelSelector } from '../../api/selector.ts';
import type { DescribeContext } from './describe-context.ts';
import type { DescribeWriter } from './writer.ts';

/** Upstream: describe.go, describeNetworkPolicy. */
export function describeNetworkPolicy({ metadata, spec }: NetworkPolicy, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.field(0, 'Namespace', metadata.namespace!);
  out.field(0, 'Created on', metadata.creationTimestamp.replace(/T(.*?)(\.\d+)?Z$/, ' $1 +0000 UTC'));
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  const { podSelector, ingress = [], egress = [], policyTypes = [] } = spec ?? { podSelector: {} };
  const everyPod = !podSelector || (Object.keys(podSelector.matchLabels ?? {}).length === 0 && !podSelector.matchExpressions?.length);
  out.line(0, 'Spec:');
  out.line(1, `PodSelector:     ${everyPod ? '<none> (Allowing the specific traffic to all pods in this namespace)' : formatLabelSelector(podSelector)}`);
  describeDirection(out, 'ingress', policyTypes.includes('Ingress'), ingress.map(({ ports = [], from = [] }) => ({ ports, peers: from })));
  describeDirection(out, 'egress', policyTypes.includes('Egress'), egress.map(({ ports = [], to = [] }) => ({ ports, peers: to })));
  out.line(1, `Policy Types: ${policyTypes.join(', ') || '<none>'}`);
}

interface Rule { readonly ports: readonly NetworkPolicyPort[]; readonly peers: readonly NetworkPolicyPeer[] }

function describeDirection(out: DescribeWriter, direction: 'ingress' | 'egress', affected: boolean, rules: readonly Rule[]): void {
  if (!affected) return out.line(1, `Not affecting ${direction} traffic`);
  const [word, side] = direction === 'ingress' ? ['From', 'source'] : ['To', 'destination'];
  out.line(1, `Allowing ${direction} traffic:`);
  if (rules.length === 0) return out.line(2, `<none> (Selected pods are isolated for ${direction} connectivity)`);
  rules.forEach(({ ports, peers }, i) => {
    if (ports.length === 0) out.line(2, 'To Port: <any> (traffic allowed to all ports)');
    for (const { port, endPort, protocol = 'TCP' } of ports) out.line(2, endPort === undefined ? `To Port: ${port ?? '<nil>'}/${protocol}` : `To Port Range: ${port}-${endPort}/${protocol}`);
    if (peers.length === 0) out.line(2, `${word}: <any> (traffic not restricted by ${side})`);
    for (const { podSelector, namespaceSelector, ipBlock } of peers) {
      out.line(2, `${word}:`);
      if (namespaceSelector) out.line(3, `NamespaceSelector: ${formatLabelSelector(namespaceSelector)}`);
      if (podSelector) out.line(3, `PodSelector: ${formatLabelSelector(podSelector)}`);
      if (!ipBlock) continue;
      out.line(3, 'IPBlock:');
      out.line(4, `CIDR: ${ipBlock.cidr}`);
      out.line(4, `Except: ${ipBlock.except?.join(', ') ?? ''}`);
    }
    if (i < rules.length - 1) out.line(2, '----------');
  });
}
