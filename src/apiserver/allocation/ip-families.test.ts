import { describe, expect, it } from 'vitest';
import type { Service, ServiceSpec } from '../../api/generated/core-v1.ts';
import { ownFamilies, type IpFamily } from './ip-families.ts';

const selector = { app: 'web' };

/** `SingleStack IPv4 10.96.0.5`, or what is wrong. */
function families(available: readonly IpFamily[], spec: ServiceSpec, previous?: ServiceSpec): string {
  try {
    const own = ownFamilies({ metadata: { name: 'web' } } as Service, spec, previous, available);
    return [own.ipFamilyPolicy, own.ipFamilies?.join(), own.clusterIPs?.join()].filter(Boolean).join(' ');
  } catch (error) {
    return (error as Error).message.replace(/^.*is invalid: /, '');
  }
}

const was: ServiceSpec = { selector, ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'], clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5', 'fd00::5'] };

describe('on a cluster of both families', () => {
  it.each<[string, ServiceSpec, ServiceSpec | undefined, string]>([
    ['one by default', { selector }, undefined, 'SingleStack IPv4'],
    ['the one that is named', { selector, ipFamilies: ['IPv6'] }, undefined, 'SingleStack IPv6'],
    ['the one of the address', { selector, clusterIP: 'fd00::7', clusterIPs: ['fd00::7'] }, undefined, 'SingleStack IPv6 fd00::7'],
    ['both where preferred', { selector, ipFamilyPolicy: 'PreferDualStack' }, undefined, 'PreferDualStack IPv4,IPv6'],
    ['both, the named one first', { selector, ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] }, undefined, 'RequireDualStack IPv6,IPv4'],
    ['both for who has no selector and no address', { clusterIP: 'None', clusterIPs: ['None'] }, undefined, 'RequireDualStack IPv4,IPv6 None'],
    ['one for a headless service with a selector', { selector, clusterIP: 'None', clusterIPs: ['None'] }, undefined, 'SingleStack IPv4 None'],
    ['two without saying so', { selector, ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'SingleStack' }, undefined, expect.stringContaining("must be 'RequireDualStack' or 'PreferDualStack'") as never],
    ['the second given up by the policy alone', { ...was, ipFamilyPolicy: 'SingleStack' }, was, 'SingleStack IPv4 10.96.0.5'],
    ['the second given up in so many words', { ...was, ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'], clusterIPs: ['10.96.0.5'] }, was, 'SingleStack IPv4 10.96.0.5'],
    ['none for an external name', { type: 'ExternalName', externalName: 'example.org' }, undefined, ''],
  ])('%s', (_, spec, previous, expected) => expect(families(['IPv4', 'IPv6'], spec, previous)).toEqual(expected));
});

describe('on a cluster of IPv4', () => {
  it.each<[string, ServiceSpec, string]>([
    ['one', { selector, ipFamilyPolicy: 'PreferDualStack' }, 'PreferDualStack IPv4'],
    ['none of IPv6', { selector, ipFamilies: ['IPv6'] }, expect.stringContaining('not configured on this cluster') as never],
    ['not both', { selector, ipFamilyPolicy: 'RequireDualStack' }, expect.stringContaining('not configured for dual-stack services') as never],
    ['both for who has no selector and no address', { clusterIP: 'None', clusterIPs: ['None'] }, 'RequireDualStack IPv4,IPv6 None'],
  ])('%s', (_, spec, expected) => expect(families(['IPv4'], spec)).toEqual(expected));
});
