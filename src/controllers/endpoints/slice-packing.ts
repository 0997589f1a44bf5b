import type { Endpoint, EndpointPort, EndpointSlice } from '../../api/generated/discovery-v1.ts';
import { semanticEqual } from '../semantic-equal.ts';
import type { EndpointGroup } from './desired-endpoints.ts';
import type { IpFamily } from './service-pods.ts';

export interface SliceContent {
  readonly addressType: string;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface SliceUpdate {
  readonly slice: EndpointSlice;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface SliceChanges {
  readonly create: readonly SliceContent[];
  readonly update: readonly SliceUpdate[];
  readonly delete: readonly EndpointSlice[];
  /** Their content is right. */
  readonly keep: readonly EndpointSlice[];
}

/**
 * Fits the wanted endpoints of one family into slices of at most `limit`, touching as few slices as possible: an endpoint
 * stays in its slice; new ones go into slices that change anyway, then into one that has room for all, else into new ones.
 * A service without endpoints keeps one empty slice, so that readers can tell "none" from "not looked at yet".
 * Upstream: staging endpointslice/reconciler.go, reconcileByPortMapping.
 */
export function packSlices(existing: readonly EndpointSlice[], groups: readonly EndpointGroup[], addressType: IpFamily, limit: number): SliceChanges {
  const changes = { create: [] as SliceContent[], update: [] as SliceUpdate[], delete: [] as EndpointSlice[], keep: [] as EndpointSlice[] };
  const wanted = groups.length > 0 ? groups : [{ addressType, ports: [], endpoints: [] }];
  const unused = new Set(existing);
  for (const group of wanted) {
    const slices = existing.filter((slice) => unused.has(slice) && slice.addressType === addressType && semanticEqual(slice.ports, group.ports));
    for (const slice of slices) unused.delete(slice);
    packGroup(slices, group, limit, changes);
  }
  changes.delete.push(...unused);
  // What would be deleted takes over what would be created.
  while (changes.create.length > 0 && changes.delete.length > 0) {
    const { ports, endpoints } = changes.create.pop()!;
    changes.update.push({ slice: changes.delete.pop()!, ports, endpoints });
  }
  return changes;
}

interface Room {
  readonly slice: EndpointSlice;
  endpoints: readonly Endpoint[];
  changed: boolean;
}

function packGroup(slices: readonly EndpointSlice[], { addressType, ports, endpoints }: EndpointGroup, limit: number, changes: { create: SliceContent[]; update: SliceUpdate[]; delete: EndpointSlice[]; keep: EndpointSlice[] }): void {
  const left = new Map(endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const rooms: Room[] = slices.map((slice) => {
    const before = slice.endpoints ?? [];
    const kept: Endpoint[] = [];
    for (const endpoint of before) {
      const next = left.get(identity(endpoint));
      if (next && left.delete(identity(endpoint))) kept.push(next);
    }
    return { slice, endpoints: kept, changed: !semanticEqual(before, kept) };
  });

  let fresh = [...left.values()];
  const fill = (room: Room): void => {
    const free = Math.max(0, limit - room.endpoints.length);
    if (free === 0 || fresh.length === 0) return;
    room.endpoints = [...room.endpoints, ...fresh.slice(0, free)];
    room.changed = true;
    fresh = fresh.slice(free);
  };
  for (const room of rooms) if (room.changed) fill(room);
  const roomy = rooms.filter((room) => !room.changed && room.endpoints.length + fresh.length <= limit).sort((a, b) => b.endpoints.length - a.endpoints.length);
  if (fresh.length > 0 && roomy[0]) fill(roomy[0]);
  while (fresh.length > 0) changes.create.push({ addressType, ports, endpoints: fresh.splice(0, limit) });

  // Only a service without any endpoint keeps an empty slice.
  const spare = endpoints.length === 0 ? rooms[0] : undefined;
  if (endpoints.length === 0 && !spare) changes.create.push({ addressType, ports, endpoints: [] });
  for (const room of rooms) {
    if (room.endpoints.length === 0 && room !== spare) changes.delete.push(room.slice);
    else if (room.changed) changes.update.push({ slice: room.slice, ports, endpoints: room.endpoints });
    else changes.keep.push(room.slice);
  }
}

function identity(endpoint: Endpoint): string {
  return `${endpoint.targetRef?.uid ?? ''} ${endpoint.addresses[0]}`;
}
