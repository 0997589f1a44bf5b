import type { ServicePortState } from './service-ports.ts';

/** A UDP flow that the kernel tracks: what the client spoke to, and who answers. */
export interface UdpFlow {
  readonly destination: string;
  readonly port: number;
  readonly answerer: string;
  readonly answererPort: number;
}

/** Where UDP comes in, `ADDRESS:PORT` → who may answer there, likewise. */
export type UdpEntrances = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The entrances of these service ports that anybody serves. A backend that ends but serves still is among those who may answer, and so is one that
 * the policy or the topology of a service would not choose: as with TCP, a change of a service does not touch the flows there are.
 */
export function udpEntrances(ports: Iterable<ServicePortState>, nodeAddress: string): Map<string, ReadonlySet<string>> {
  const entrances = new Map<string, ReadonlySet<string>>();
  for (const { protocol, port, clusterIP, externalIPs, loadBalancerIPs, nodePort, backends } of ports) {
    if (protocol !== 'udp' || backends.serving.size === 0) continue;
    for (const address of [clusterIP, ...externalIPs, ...loadBalancerIPs]) entrances.set(`${address}:${port}`, backends.serving);
    if (nodePort !== undefined) entrances.set(`${nodeAddress}:${nodePort}`, backends.serving);
  }
  return entrances;
}

/**
 * Which flows must be forgotten. UDP knows no end of a connection: a client that goes on sending would reach a backend that is gone for as long as
 * it sends, or none at all when it began before there was one. Upstream: pkg/proxy/conntrack/cleanup.go.
 */
export function staleFlows(flows: readonly UdpFlow[], entrances: UdpEntrances): UdpFlow[] {
  const stale = new Map<string, UdpFlow>();
  for (const flow of flows) {
    const may = entrances.get(`${flow.destination}:${flow.port}`);
    if (!may || may.has(`${flow.answerer}:${flow.answererPort}`)) continue;
    // Of several clients at once.
    stale.set(`${flow.destination}:${flow.port} ${flow.answerer}:${flow.answererPort}`, flow);
  }
  return [...stale.values()];
}
