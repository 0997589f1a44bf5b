import { expect, test } from 'vitest';
import { addressPlan, nodeAddress, nodePods, nodeSix } from './address-plan.ts';
import { gatewayOf, isMachineAddress, linkBetween, linkPlan, wireguardConfiguration, type LinkKind, type Machine } from './machine-links.ts';
import { fabricRules, isWithinSix } from './root-network.ts';

const plan = addressPlan(0);
const all: readonly LinkKind[] = ['host-gw', 'vxlan', 'wireguard'];
const machine = (address: string, more: Partial<Machine> = {}): Machine => ({ address, offers: ['host-gw', 'vxlan'], nodes: [], ...more });
const key = (letter: string): string => `${letter.repeat(43)}=`;

test.each<[string, Machine, Machine, LinkKind | undefined]>([
  ['neighbours see each other', machine('192.168.50.1/24'), machine('192.168.50.2/24'), 'host-gw'],
  ['a router between them', machine('192.168.50.1/24'), machine('192.168.51.2/24'), 'vxlan'],
  ['one that thinks it sees the other, as with /32 in a cloud', machine('192.168.50.1/24'), machine('192.168.50.2/32'), 'vxlan'],
  ['VXLAN by choice of one', machine('192.168.50.1/24'), machine('192.168.50.2/24', { wants: 'vxlan' }), 'vxlan'],
  ['routes by choice, where there is a router', machine('192.168.50.1/24'), machine('192.168.51.2/24', { wants: 'host-gw' }), undefined],
  ['a kernel without VXLAN', machine('192.168.50.1/24', { offers: ['host-gw'] }), machine('192.168.51.2/24'), undefined],
  ['WireGuard is nobody\'s choice', machine('192.168.50.1/24', { offers: all, wireguardKey: key('a') }), machine('192.168.51.2/24', { offers: all, wireguardKey: key('b') }), 'vxlan'],
  ['WireGuard by choice of one', machine('192.168.50.1/24', { offers: all, wireguardKey: key('a') }), machine('192.168.50.2/24', { offers: all, wireguardKey: key('b'), wants: 'wireguard' }), 'wireguard'],
  ['WireGuard before VXLAN, where each chose', machine('192.168.50.1/24', { offers: all, wireguardKey: key('a'), wants: 'vxlan' }), machine('192.168.50.2/24', { offers: all, wireguardKey: key('b'), wants: 'wireguard' }), 'wireguard'],
  ['WireGuard that the other has not: never in the clear instead', machine('192.168.50.1/24'), machine('192.168.50.2/24', { offers: all, wireguardKey: key('b'), wants: 'wireguard' }), undefined],
  ['WireGuard without the other\'s key', machine('192.168.50.1/24', { offers: all }), machine('192.168.50.2/24', { offers: all, wireguardKey: key('b'), wants: 'wireguard' }), undefined],
])('the link of a pair: %s', (_, a, b, expected) => {
  expect(linkBetween(a, b)).toBe(expected);
  expect(linkBetween(b, a)).toBe(expected);
});

test('what each way needs', () => {
  const own = machine('192.168.50.1/24', { offers: all, wireguardKey: key('a'), nodes: [{ address: '10.231.0.13', podCidr: '10.244.3.0/24' }, { address: '10.231.0.11', podCidr: '10.244.1.0/24' }] });
  const near = machine('192.168.50.2/24', { nodes: [{ address: '10.231.0.12', podCidr: '10.244.2.0/24' }] });
  const far = machine('192.168.51.3/24', { nodes: [{ address: '10.231.0.14', podCidr: '10.244.4.0/24' }] });
  const secret = machine('192.168.52.4/24', { offers: all, wireguardKey: key('d'), wants: 'wireguard', nodes: [{ address: '10.231.0.15', podCidr: '10.244.5.0/24' }] });
  const lost = machine('192.168.53.5/24', { wants: 'host-gw', nodes: [{ address: '10.231.0.16', podCidr: '10.244.6.0/24' }] });
  expect(linkPlan(plan, own, [near, far, secret, lost], 'eth0')).toEqual({
    gateway: '10.244.1.0', gatewaySix: undefined, routesSix: new Map(),
    routes: new Map([
      ['10.244.2.0/24', 'via 192.168.50.2 src 10.244.1.0'], ['10.231.0.12', 'via 192.168.50.2 src 10.244.1.0'],
      ['10.244.4.0/24', 'via 10.244.4.0 dev wherry0-vxlan onlink src 10.244.1.0'], ['10.231.0.14', 'via 10.244.4.0 dev wherry0-vxlan onlink src 10.244.1.0'],
      ['10.244.5.0/24', 'dev wherry0-wg src 10.244.1.0'], ['10.231.0.15', 'dev wherry0-wg src 10.244.1.0'],
    ]),
    vxlan: new Map([['02:77:c0:a8:33:03', { host: '192.168.51.3', gateway: '10.244.4.0' }]]),
    wireguard: [{ key: key('d'), host: '192.168.52.4', ranges: ['10.244.5.0/24', '10.231.0.15/32'] }],
    unlinked: [lost],
  });
  expect(wireguardConfiguration(plan, key('p'), [{ key: key('d'), host: '192.168.52.4', ranges: ['10.244.5.0/24', '10.231.0.15/32'] }])).toBe(
    `[Interface]\nPrivateKey = ${key('p')}\nListenPort = 51820\n\n[Peer]\nPublicKey = ${key('d')}\nEndpoint = 192.168.52.4:51820\nAllowedIPs = 10.244.5.0/24, 10.231.0.15/32\n`);
});

test('what each way needs for IPv6 beside it', () => {
  const node = (n: number) => ({ address: nodeAddress(plan, n), podCidr: nodePods(plan, n), six: nodeSix(plan, n) });
  const own = machine('192.168.50.1/24', { offers: all, wireguardKey: key('a'), linkLocal: 'fe80::1', nodes: [node(1), node(12)] });
  const near = machine('192.168.50.2/24', { linkLocal: 'fe80::2', nodes: [node(2)] });
  // Neighbours, but for IPv6 it cannot be told where it is.
  const mute = machine('192.168.50.3/24', { nodes: [node(3)] });
  const secret = machine('192.168.52.4/24', { offers: all, wireguardKey: key('d'), wants: 'wireguard', nodes: [node(4)] });
  const { gatewaySix, routesSix, routes, vxlan, wireguard } = linkPlan(plan, own, [near, mute, secret], 'eth0');
  expect(gatewaySix).toBe('fd00:10:244:1::');
  expect(Object.fromEntries(routesSix)).toEqual({
    'fd00:10:244:2::/64': 'via fe80::2 dev eth0 src fd00:10:244:1::', 'fd00:10:231::12': 'via fe80::2 dev eth0 src fd00:10:244:1::',
    'fd00:10:244:3::/64': 'via fd00:10:244:3:: dev wherry0-vxlan onlink src fd00:10:244:1::', 'fd00:10:231::13': 'via fd00:10:244:3:: dev wherry0-vxlan onlink src fd00:10:244:1::',
    'fd00:10:244:4::/64': 'dev wherry0-wg src fd00:10:244:1::', 'fd00:10:231::14': 'dev wherry0-wg src fd00:10:244:1::',
  });
  expect(routes.get('10.244.3.0/24')).toContain('vxlan');
  expect([...vxlan.values()]).toEqual([{ host: '192.168.50.3', gateway: '10.244.3.0', gatewaySix: 'fd00:10:244:3::' }]);
  expect(wireguard[0]!.ranges).toEqual(['10.244.4.0/24', '10.231.0.14/32', 'fd00:10:244:4::/64', 'fd00:10:231::14/128']);
});

test.each([['fd00:10:244::/56', 'fd00:10:244:bd::/64', true], ['fd00:10:244::/56', 'fd00:10:245:1::/64', false], ['fd00:10:231::/64', 'fd00:10:231::11', true], ['fd00:10:231::/64', 'fd00:10:231:1::11', false], ['fd00:10:231::/64', 'default', false], ['fd00:10:244::/56', 'fd00::/8', false]])(
  '%s has %s: %j', (range, other, within) => expect(isWithinSix(range, other)).toBe(within));

test('the first pod range by number, not by letters, gives the gateway', () => {
  const nodes = [10, 9].map((n) => ({ address: `10.231.0.${10 + n}`, podCidr: `10.244.${n}.0/24` }));
  expect(gatewayOf(machine('192.168.50.1/24', { nodes }))).toBe('10.244.9.0');
  expect(linkPlan(plan, machine('192.168.50.1/24'), [machine('192.168.50.2/24', { nodes })], 'eth0').routes.size).toBe(0);
});

test.each([['192.168.50.2/24', true], ['192.168.50.2', false], ['192.168.50.2/33', false], ['192.168.50.256/24', false], ['192.168.50.2/24 dev eth0', false], ['192.168.50.2/24\nroute del default', false]])(
  'what a node says of its machine goes into commands: %j', (text, good) => expect(isMachineAddress(text)).toBe(good));

test('without egress only the cluster\'s own addresses pass between machines, and a joined node reaches the API server under the name it knows', () => {
  const rules = fabricRules({ plan, egress: false, forwards: [], forwardingWasOff: false, machines: { server: { address: '192.168.50.1', port: 7443, knownPort: 6443 } } });
  const chain = /chain no-egress \{([^}]*\}[^}]*)\}/.exec(rules)![1]!.trim().split('\n').map((line) => line.trim());
  expect(chain).toEqual([
    'type filter hook forward priority -10', 'iifname "wherry0" ip daddr { 10.244.0.0/16, 10.231.0.0/24 } accept',
    'iifname "wherry0" ip daddr 192.168.50.1 tcp dport 7443 ct status & dnat == dnat accept', 'iifname "wherry0" oifname != "wherry0" drop',
  ]);
  expect(rules).toContain('iifname "wherry0" ip daddr 10.231.0.1 tcp dport 6443 dnat to 192.168.50.1:7443');
  expect(rules).toContain('ip saddr { 10.244.0.0/16, 10.231.0.0/24 } ip daddr 192.168.50.1 tcp dport 7443 masquerade');
  expect(fabricRules({ plan, egress: false, forwards: [], forwardingWasOff: false })).not.toContain('accept');
});
