import type { Node, Service } from '../../api/generated/core-v1.ts';
import type { Endpoint } from '../../api/generated/discovery-v1.ts';
import { milliValue } from '../../api/quantity.ts';
import { ZONE, type EndpointGroup } from './desired-endpoints.ts';

const MODE = 'service.kubernetes.io/topology-mode';
/** The name it had before. */
const FORMER_MODE = 'service.kubernetes.io/topology-aware-hints';
/** So much more than its share may a zone have to bear. */
const OVERLOAD = 0.2;
const SERVERS = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
/** Below this fraction of an endpoint nothing is moved; and one side must be short of, or have, a whole one. */
const LEAST = 0.5;

/** Whether the service asks for hints by zone (`topology-mode: Auto`), which go before what it asks for by `trafficDistribution`. */
export function asksForZoneHints({ metadata: { annotations } }: Service): boolean {
  const mode = annotations?.[FORMER_MODE] ?? annotations?.[MODE];
  return mode === 'Auto' || mode === 'auto';
}

/** The share of CPU that each zone has of all that pods may use; undefined where a node does not say, or all are in one zone. */
export function zoneShares(nodes: readonly Node[]): ReadonlyMap<string, number> | undefined {
  const byZone = new Map<string, number>();
  for (const node of nodes) {
    const { counts, zone, cpu } = zoneWeight(node);
    if (!counts) continue;
    if (!zone || cpu === 0) return undefined;
    byZone.set(zone, (byZone.get(zone) ?? 0) + cpu);
  }
  const total = [...byZone.values()].reduce((sum, cpu) => sum + cpu, 0);
  return byZone.size < 2 ? undefined : new Map([...byZone].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([zone, cpu]) => [zone, cpu / total]));
}

/** All of a node that hints by zone depend on. Servers and nodes that are not ready do not count. CPU in thousandths. */
export function zoneWeight({ metadata: { labels }, status }: Node): { readonly counts: boolean; readonly zone: string | undefined; readonly cpu: number } {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  return { counts: ready && SERVERS.every((label) => labels?.[label] === undefined), zone: labels?.[ZONE], cpu: milliValue(status?.allocatable?.['cpu'] ?? 0) };
}

/**
 * Says of each ready endpoint for which zone it is, so that zones have as many as their share of CPU asks for: first each is for its own zone, then zones that have too many lend some to those
 * that have too few. Where a zone could not have enough without another being overloaded there are no hints, and a reason. Upstream: staging endpointslice/topologycache. It goes on from the
 * hints there are, we from the endpoints alone.
 */
export function withZoneHints(groups: readonly EndpointGroup[], shares: ReadonlyMap<string, number> | undefined): { readonly groups: readonly EndpointGroup[]; readonly problem?: string } {
  const endpoints = groups.flatMap((group) => group.endpoints).filter(({ conditions }) => conditions?.ready);
  const allotted = allot(endpoints, shares);
  const hintOf = (endpoint: Endpoint): Endpoint => {
    const { hints: _, ...plain } = endpoint;
    const zone = typeof allotted === 'string' ? undefined : allotted.get(endpoint);
    return zone === undefined ? plain : { ...plain, hints: { forZones: [{ name: zone }] } };
  };
  return { groups: groups.map((group) => ({ ...group, endpoints: group.endpoints.map(hintOf) })), ...(typeof allotted === 'string' && { problem: allotted }) };
}

/** The zone that each is for, or why there are none. */
function allot(endpoints: readonly Endpoint[], shares: ReadonlyMap<string, number> | undefined): ReadonlyMap<Endpoint, string> | string {
  const count = endpoints.length;
  if (!shares) return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  const figures = `(${count} endpoints, ${shares.size} zones)`;
  if (shares.size > count) return `Insufficient number of endpoints ${figures}`;
  const least = new Map([...shares].map(([zone, share]) => [zone, Math.ceil(share * count * (1 / (1 + OVERLOAD)))]));
  if ([...least.values()].reduce((sum, one) => sum + one, 0) > count) return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${figures}`;
  if (endpoints.some(({ zone }) => !zone)) return 'One or more endpoints do not have a zone specified';

  const zones = new Map(endpoints.map((endpoint) => [endpoint, endpoint.zone!]));
  /** How many more than its due each zone has; a zone without a share has none due. */
  const surplus = new Map([...shares].map(([zone, share]) => [zone, -Math.max(share * count, least.get(zone)!)]));
  for (const { zone } of endpoints) if (surplus.has(zone!)) surplus.set(zone!, surplus.get(zone!)! + 1);
  for (;;) {
    const ordered = [...surplus].toSorted(([, a], [, b]) => a - b);
    const [poor, lack] = ordered[0]!;
    const [rich, plenty] = ordered.at(-1)!;
    if ((plenty < 1 && -lack < 1) || plenty < LEAST || -lack < LEAST) return zones;
    const given = endpoints.find((endpoint) => zones.get(endpoint) === rich && endpoint.zone === rich);
    if (!given) return zones;
    zones.set(given, poor);
    surplus.set(rich, plenty - 1).set(poor, lack + 1);
  }
}
