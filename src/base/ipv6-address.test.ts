import { expect, it } from 'vitest';
import { ipv6Groups, ipv6Text } from './ipv6-address.ts';

it.each([
  ['::', '::'], ['::1', '::1'], ['fd00::', 'fd00::'], ['FD00:0:0:1:0:0:0:A', 'fd00:0:0:1::a'], ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'], ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'], ['::ffff:10.1.2.3', '::ffff:a01:203'],
  ['0:0:1::', '0:0:1::'],
])('%s is %s', (given, text) => expect(ipv6Text(ipv6Groups(given)!)).toBe(text));

it.each(['', '10.0.0.1', 'fe80::1%eth0', '1::2::3', 'x::'])('%s is none', (text) => expect(ipv6Groups(text)).toBe(undefined));
