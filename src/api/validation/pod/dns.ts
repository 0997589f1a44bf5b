/** Names of a pod and how it looks names up. Upstream: validatePodDNSConfig, ValidateHostAliases, validatePodHostName. */
import { fieldError } from '../../errors.ts';
import type { PodSpec } from '../../generated/core-v1.ts';
import { isDns1123SubdomainWithUnderscore } from '../../names.ts';
import { dnsLabel, dnsSubdomain, formatErrors, type FieldErrors } from '../fields.ts';
import { ipFaults } from '../formats.ts';

const maxNameservers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2048;

export function* dnsErrors(path: string, spec: PodSpec): FieldErrors {
  const { dnsConfig, dnsPolicy } = spec;
  const at = `${path}.dnsConfig`;
  if (dnsPolicy === 'None' && !dnsConfig) {
    yield fieldError.required(at, 'must provide `dnsConfig` when `dnsPolicy` is None');
    return;
  }
  if (dnsPolicy === 'None' && !dnsConfig?.nameservers?.length) {
    yield fieldError.required(`${at}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None');
    return;
  }
  if (!dnsConfig) return;
  const { nameservers = [], searches = [], options = [] } = dnsConfig;
  if (nameservers.length > maxNameservers) yield fieldError.invalid(`${at}.nameservers`, nameservers, `must not have more than ${maxNameservers} nameservers`);
  for (const [i, server] of nameservers.entries()) yield* formatErrors(`${at}.nameservers[${i}]`, server, ipFaults(server));
  if (searches.length > maxSearches) yield fieldError.invalid(`${at}.searches`, searches, `must not have more than ${maxSearches} search paths`);
  if (searches.join(' ').length > maxSearchCharacters) {
    yield fieldError.invalid(`${at}.searches`, searches, `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`);
  }
  for (const [i, search] of searches.entries()) {
    const name = search.replace(/\.$/, '');
    if (search !== '.') yield* formatErrors(`${at}.searches[${i}]`, name, isDns1123SubdomainWithUnderscore(name));
  }
  for (const [i, { name }] of options.entries()) if (!name) yield fieldError.required(`${at}.options[${i}]`, 'must not be empty');
}

export function* hostNameErrors(path: string, spec: PodSpec): FieldErrors {
  const override = spec.hostnameOverride;
  if (override !== undefined) {
    const at = `${path}.hostnameOverride`;
    if (spec.setHostnameAsFQDN) yield fieldError.forbidden(at, 'may not be specified when setHostnameAsFQDN is true');
    if (spec.hostNetwork) yield fieldError.forbidden(at, 'may not be specified when hostNetwork is true');
    if (override.length > 64) yield fieldError.tooLong(at, 64);
    yield* dnsSubdomain(at, override);
  }
  for (const field of ['hostname', 'subdomain'] as const) if (spec[field]) yield* dnsLabel(`${path}.${field}`, spec[field]);
  for (const [i, { ip, hostnames = [] }] of (spec.hostAliases ?? []).entries()) {
    yield* formatErrors(`${path}.hostAliases[${i}].ip`, ip, ipFaults(ip));
    for (const [j, name] of hostnames.entries()) yield* dnsSubdomain(`${path}.hostAliases[${i}].hostnames[${j}]`, name);
  }
}
