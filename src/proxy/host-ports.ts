import type { Pod } from '../api/generated/core-v1.ts';
import type { Target } from './rule.ts';
import { chainName, FragmentBuilder, type Fragment } from './service-rules.ts';
import type { Protocol } from './service-ports.ts';

/** A port of the node that leads to a pod of its own. */
export interface HostPort {
  readonly protocol: Protocol;
  /** Where it is open, `ADDRESS:PORT`. */
  readonly entrances: readonly string[];
  readonly target: Target;
}

/** The host ports of a pod on this node, while it has an address and is not over. */
export function hostPorts(pod: Pod, options: { readonly nodeAddress: string }): HostPort[] {
  const address = pod.status?.podIP;
  const { phase } = pod.status ?? {};
  if (!address || address.includes(':') || pod.spec?.hostNetwork || phase === 'Succeeded' || phase === 'Failed') return [];
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].flatMap(({ ports = [] }) => ports.flatMap(({ hostPort, hostIP, containerPort, protocol = 'TCP' }) => {
    if (!hostPort) return [];
    const everywhere = !hostIP || hostIP === '0.0.0.0' || hostIP === '::';
    const entrances = (everywhere ? [options.nodeAddress, '127.0.0.1'] : [hostIP]).filter((at) => !at.includes(':')).map((at) => `${at}:${hostPort}`);
    return [{ protocol: protocol.toLowerCase() as Protocol, entrances, target: { address, port: containerPort } }];
  }));
}

/** The same as a node port with one backend. `pod` is its key. */
export function hostPortRules(pod: string, ports: readonly HostPort[]): Fragment {
  const builder = new FragmentBuilder();
  for (const { protocol, entrances, target } of ports) {
    const chain = chainName('host', pod, protocol, entrances.join('/').replaceAll(':', '-'));
    builder.chain(chain, [
      { match: [{ source: 'in', ranges: ['127.0.0.0/8'] }], action: { do: 'mark for masquerade' } },
      { action: { do: 'spread', protocol, targets: [target] } },
    ]);
    for (const entrance of entrances) builder.element('host-ports', entrance.replace(':', ` . ${protocol} . `), `goto ${chain}`);
    builder.element('hairpin', `${target.address} . ${target.address}`, '');
  }
  return builder;
}
