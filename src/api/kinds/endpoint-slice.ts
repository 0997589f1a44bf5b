/** Upstream: pkg/registry/discovery/endpointslice/strategy.go. */
import { isIPv4, isIPv6 } from '../../base/ip-family.ts';
import type { KindDefinition } from '../kind.ts';
import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice } from '../generated/discovery-v1.ts';
import { endpointSlices } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { isDns1123Subdomain, isLabelValue } from '../names.ts';
import { dnsLabel, dnsSubdomain, formatErrors, immutable, oneOf, oneOfIfAny, qualifiedName, type FieldErrors } from '../validation/fields.ts';
import { canonicalIpFaults, endpointIpFaults, ipFaults, ipWarnings } from '../validation/formats.ts';
import { isSame } from '../validation/same.ts';
import { portProtocols } from '../validation/service.ts';
import { mapItems, mapMember, without } from './fill.ts';
import { ageColumn, firstThree, nameColumn, text } from './table-columns.ts';

const limits = { endpoints: 1000, addresses: 100, ports: 20000, hints: 8 } as const;
const ownManagers = ['endpointslice-controller.k8s.io', 'endpointslicemirroring-controller.k8s.io'];

export const endpointSlice: KindDefinition<EndpointSlice> = {
  resource: endpointSlices,
  defaults: (object) => mapMember(object, 'ports', (ports) => mapItems(ports, defaultPort)),
  prepareForCreate: (object) => ({ ...withoutTopology(object), metadata: { ...object.metadata, generation: 1 } }),
  prepareForUpdate(next, previous) {
    const object = isSame(next.endpoints, previous.endpoints) ? next : withoutTopology(next);
    const changed = !isSame(without(object, 'metadata'), without(previous, 'metadata')) || !isSame(object.metadata.labels, previous.metadata.labels);
    const generation = (previous.metadata.generation ?? 0) + (changed ? 1 : 0);
    return { ...object, metadata: { ...object.metadata, generation } };
  },
  validate: (object) => [...sliceErrors(object)],
  validateUpdate: (next, previous) => [...immutable('addressType', next.addressType, previous.addressType)],
  warnings(object, previous) {
    const deprecated = !previous && object.addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : [];
    if (ownManagers.includes(object.metadata.labels?.['endpointslice.kubernetes.io/managed-by'] ?? '')) return deprecated;
    return [...deprecated, ...(object.endpoints ?? []).flatMap(({ addresses }, i) => (addresses ?? []).flatMap((address, j) => ipWarnings(`endpoints[${i}].addresses[${j}]`, address)))];
  },
  // It has no spec; the strategy itself counts generations.
  generation: false,
  columns: [
    nameColumn,
    text('AddressType', 'The type of its addresses.', (object) => object.addressType),
    text('Ports', 'The ports of every endpoint.', (object) => firstThree((object.ports ?? []).map((port) => (port.port === undefined ? (port.name ?? '*') : String(port.port))))),
    text('Endpoints', 'The addresses.', (object) => firstThree((object.endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? []))),
    ageColumn,
  ],
};

function defaultPort(port: EndpointPort): EndpointPort {
  return port.name !== undefined && port.protocol !== undefined ? port : { ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' };
}

/** `deprecatedTopology` cannot be written through v1. */
function withoutTopology(object: EndpointSlice): EndpointSlice {
  return mapMember(object, 'endpoints', (endpoints) => mapItems(endpoints, (endpoint) => without(endpoint, 'deprecatedTopology')));
}

function* sliceErrors({ addressType, ports = [], endpoints = [] }: EndpointSlice): FieldErrors {
  yield* oneOf('addressType', addressType, ['FQDN', 'IPv4', 'IPv6']);
  if (ports.length > limits.ports) yield fieldError.tooMany('ports', ports.length, limits.ports);
  else yield* portErrors(ports);
  if (endpoints.length > limits.endpoints) yield fieldError.tooMany('endpoints', endpoints.length, limits.endpoints);
  else for (const [i, endpoint] of endpoints.entries()) yield* endpointErrors(`endpoints[${i}]`, endpoint, addressType);
}

function* portErrors(ports: readonly EndpointPort[]): FieldErrors {
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const path = `ports[${i}]`;
    const name = port.name ?? '';
    if (name) yield* dnsLabel(`${path}.name`, name);
    if (names.has(name)) yield fieldError.duplicate(`${path}.name`, name);
    names.add(name);
    yield* oneOfIfAny(`${path}.protocol`, port.protocol, portProtocols);
    if (port.appProtocol !== undefined) yield* qualifiedName(`${path}.appProtocol`, port.appProtocol);
  }
}

function* endpointErrors(path: string, endpoint: Endpoint, addressType: string): FieldErrors {
  const addresses = endpoint.addresses ?? [];
  if (addresses.length === 0) yield fieldError.required(`${path}.addresses`, 'must contain at least 1 address');
  else if (addresses.length > limits.addresses) yield fieldError.tooMany(`${path}.addresses`, addresses.length, limits.addresses);
  for (const [i, address] of addresses.entries()) yield* addressErrors(`${path}.addresses`, i, address, addressType);
  if (endpoint.nodeName !== undefined) yield* dnsSubdomain(`${path}.nodeName`, endpoint.nodeName);
  if (endpoint.hostname !== undefined) yield* dnsLabel(`${path}.hostname`, endpoint.hostname);
  if (endpoint.hints) yield* hintErrors(`${path}.hints`, endpoint.hints);
}

function* addressErrors(path: string, index: number, address: string, addressType: string): FieldErrors {
  const at = `${path}[${index}]`;
  if (addressType === 'FQDN') {
    if (isDns1123Subdomain(address.replace(/\.$/, '')).length) yield* formatErrors(at, address, [isDns1123Subdomain(address).join(',')]);
    else if (address.split('.').length < 2) yield fieldError.invalid(at, address, 'should be a domain with at least two segments separated by dots');
    return;
  }
  const faults = addressType === 'IPv6' ? canonicalIpFaults(address) : ipFaults(address);
  if (faults.length) {
    yield* formatErrors(at, address, faults);
    return;
  }
  if (addressType === 'IPv4' && !isIPv4(address)) yield fieldError.invalid(path, address, 'must be an IPv4 address');
  if (addressType === 'IPv6' && !isIPv6(address)) yield fieldError.invalid(path, address, 'must be an IPv6 address');
  yield* formatErrors(at, address, endpointIpFaults(address));
}

function* hintErrors(path: string, { forZones = [], forNodes = [] }: EndpointHints): FieldErrors {
  const kinds = [
    { at: `${path}.forZones`, hints: forZones, faults: isLabelValue },
    { at: `${path}.forNodes`, hints: forNodes, faults: isDns1123Subdomain },
  ];
  for (const { at, hints, faults } of kinds) {
    if (hints.length > limits.hints) {
      yield fieldError.tooMany(at, hints.length, limits.hints);
      return;
    }
    const names = new Set<string>();
    for (const [i, { name }] of hints.entries()) {
      if (names.has(name)) yield fieldError.duplicate(`${at}[${i}].name`, name);
      names.add(name);
      yield* formatErrors(`${at}[${i}].name`, name, faults(name));
    }
  }
}
