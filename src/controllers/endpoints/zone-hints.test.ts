import { expect, it } from 'vitest';
import type { Node, Service } from '../../api/generated/core-v1.ts';
import type { Endpoint } from '../../api/generated/discovery-v1.ts';
import { asksForZoneHints, withZoneHints, zoneShares } from './zone-hints.ts';

const node = (zone: string | undefined, more: { readonly cpu?: string; readonly ready?: string; readonly labels?: Record<string, string> } = {}): Node => ({
  metadata: { name: 'n', labels: { ...(zone && { 'topology.kubernetes.io/zone': zone }), ...more.labels } },
  status: { conditions: [{ type: 'Ready', status: more.ready ?? 'True' }], allocatable: { cpu: more.cpu ?? '2' } },
}) as unknown as Node;
const server = { labels: { 'node-role.kubernetes.io/control-plane': '' } };

it.each<[string, Node[], Record<string, number> | undefined]>([
  ['two zones, one of twice the CPU', [node('b'), node('a', { cpu: '1500m' }), node('b')], { a: 1.5 / 5.5, b: 4 / 5.5 }],
  ['servers and nodes that are not ready do not count', [node('a'), node('b'), node('c', server), node('c', { ready: 'False' }), node(undefined, server)], { a: 0.5, b: 0.5 }],
  ['one zone', [node('a'), node('a')], undefined],
  ['a node without a zone', [node('a'), node('b'), node(undefined)], undefined],
  ['a node that does not say what it has', [node('a'), node('b', { cpu: '0' })], undefined],
])('%s', (_, nodes, expected) => {
  const shares = zoneShares(nodes);
  expect(shares && Object.fromEntries(shares)).toEqual(expected);
});

const of = (zones: string): Endpoint[] => [...zones].map((zone, i) => ({ addresses: [`10.244.0.${i}`], conditions: { ready: zone === zone.toLowerCase() }, ...(zone !== '-' && { zone: zone.toLowerCase() }) }));
/** `a` half, `b` half; letters are the zones of endpoints, capital where they are not ready. */
it.each<[string, Record<string, number>, string, string]>([
  ['each zone has its due', { a: 0.5, b: 0.5 }, 'ab', 'ab'],
  ['one of three nodes in a zone', { a: 2 / 3, b: 1 / 3 }, 'aab', 'aab'],
  ['a zone lends to one that has too few', { a: 0.5, b: 0.5 }, 'aaab', 'baab'],
  ['to one that has none', { a: 0.5, b: 0.5 }, 'aaaa', 'bbaa'],
  ['to several', { a: 0.5, b: 0.25, c: 0.25 }, 'aaaa', 'bcaa'],
  ['those that are not ready have no hints', { a: 0.5, b: 0.5 }, 'aBb', 'a.b'],
  ['less than half of one is not worth a move', { a: 0.55, b: 0.45 }, 'aabb', 'aabb'],
  ['fewer than zones', { a: 0.5, b: 0.5 }, 'a', 'Insufficient number of endpoints (1 endpoints, 2 zones)'],
  ['a zone would be overloaded', { a: 0.5, b: 0.5 }, 'aab', 'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 2 zones)'],
  ['an endpoint without a zone', { a: 0.5, b: 0.5 }, 'a-', 'One or more endpoints do not have a zone specified'],
])('%s', (_, shares, zones, expected) => {
  const endpoints = of(zones).map((one) => ({ ...one, hints: { forZones: [{ name: 'old' }] } }));
  const { groups, problem } = withZoneHints([{ addressType: 'IPv4', ports: [], endpoints: endpoints.slice(0, 1) }, { addressType: 'IPv4', ports: [], endpoints: endpoints.slice(1) }], new Map(Object.entries(shares)));
  const hints = groups.flatMap((group) => group.endpoints.map((one) => one.hints?.forZones?.[0]?.name ?? '.')).join('');
  expect(problem ?? hints).toBe(expected);
  if (problem) expect(hints).toMatch(/^\.+$/);
});

it.each([[{}, false], [{ 'service.kubernetes.io/topology-mode': 'Auto' }, true], [{ 'service.kubernetes.io/topology-mode': 'Disabled' }, false], [{ 'service.kubernetes.io/topology-aware-hints': 'auto', 'service.kubernetes.io/topology-mode': 'x' }, true]])(
  'annotations %j: %s', (annotations, expected) => expect(asksForZoneHints({ metadata: { annotations } } as unknown as Service)).toBe(expected));
