import type { ServicePortState } from './service-ports.ts';

/**
 * Which tracked UDP flows must be forgotten when a service changes from `before` to `after`, as arguments of `conntrack -D`.
 * UDP knows no end of a connection: a client that goes on sending would reach a backend that is gone for as long as it sends,
 * or none at all when it began before there was one. Upstream: pkg/proxy/conntrack.
 */
export function staleFlows(before: readonly ServicePortState[], after: readonly ServicePortState[]): string[][] {
  const stale: string[][] = [];
  for (const port of new Map([...before, ...after].map((one) => [`${one.portName}/${one.protocol}`, one])).values()) {
    if (port.protocol !== 'udp') continue;
    const old = before.find((one) => one.portName === port.portName && one.protocol === 'udp');
    const now = after.find((one) => one.portName === port.portName && one.protocol === 'udp');
    const present = new Set(backendsOf(now));
    const entrances = entrancesOf(old ?? now!);
    for (const backend of backendsOf(old)) {
      if (!present.has(backend)) stale.push(...entrances.map((entrance) => ['-p', 'udp', ...entrance, '--reply-src', backend]));
    }
    if (now && backendsOf(old).length === 0 && present.size > 0) stale.push(...entrancesOf(now).map((entrance) => ['-p', 'udp', ...entrance]));
  }
  return stale;
}

function backendsOf(port: ServicePortState | undefined): string[] {
  return port ? [...new Set([...port.backends.cluster, ...port.backends.local].map(({ address }) => address))] : [];
}

function entrancesOf(port: ServicePortState): string[][] {
  const addresses = [port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs];
  return [
    ...addresses.map((address) => ['--orig-dst', address, '--orig-port-dst', String(port.port)]),
    ...(port.nodePort === undefined ? [] : [['--orig-port-dst', String(port.nodePort)]]),
  ];
}
