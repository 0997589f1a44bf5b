import type { Pod } from '../api/generated/core-v1.ts';
import { IPV4, type AddressFamily } from '../base/address-family.ts';
import type { Target } from './rule.ts';
import { chainName, FragmentBuilder, type Fragment } from './service-rules.ts';
import type { Protocol } from './service-ports.ts';

/** A port of the node that leads to a pod of its own. */
export interface HostPort {
  readonly protocol: Protocol;
  /** Where it is open. */
  readonly entrances: readonly Target[];
  readonly target: Target;
}

/** The host ports of a pod on this node, while it has an address and is not over. */
export function hostPorts(pod: Pod, { nodeAddress, family = IPV4 }: { readonly nodeAddress: string; readonly family?: AddressFamily }): HostPort[] {
  const { podIP = '', podIPs = [] } = pod.status ?? {};
  const address = [...podIPs.map(({ ip }) => ip), podIP].find((one) => family.has(one));
  const { phase } = pod.status ?? {};
  if (!address || pod.spec?.hostNetwork || phase === 'Succeeded' || phase === 'Failed') return [];
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].flatMap(({ ports = [] }) => ports.flatMap(({ hostPort, hostIP, containerPort, protocol = 'TCP' }) => {
    if (!hostPort) return [];
    const everywhere = !hostIP || hostIP === '0.0.0.0' || hostIP === '::';
    // The kernel lets nothing out from ::1, so that there is no host port on it.
    const entrances = (everywhere ? [nodeAddress, '127.0.0.1'] : [hostIP]).filter((at) => family.has(at)).map((at) => ({ address: at, port: hostPort }));
    return [{ protocol: protocol.toLowerCase() as Protocol, entrances, target: { address, port: containerPort } }];
  }));
}

/** The same as a node port with one backend. `pod` is its key. */
export function hostPortRules(pod: string, ports: readonly HostPort[]): Fragment {
  const builder = new FragmentBuilder();
  for (const { protocol, entrances, target } of ports) {
    const chain = chainName('host', pod, protocol, entrances.map((at) => `${at.address}-${at.port}`).join('/').replaceAll(':', '-'));
    builder.chain(chain, [
      ...(target.address.includes(':') ? [] : [{ match: [{ source: 'in', ranges: ['127.0.0.0/8'] }], action: { do: 'mark for masquerade' } } as const]),
      { action: { do: 'spread', protocol, targets: [target] } },
    ]);
    for (const { address, port } of entrances) builder.element('host-ports', `${address} . ${protocol} . ${port}`, `goto ${chain}`);
    builder.element('hairpin', `${target.address} . ${target.address}`, '');
  }
  return builder;
}
