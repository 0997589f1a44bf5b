/** Upstream: pkg/registry/core/endpoint/strategy.go. */
import { isIPv6 } from '../../base/ip-family.ts';
import type { KindDefinition } from '../kind.ts';
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints } from '../generated/core-v1.ts';
import { endpoints as resource } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { isPortNumber } from '../names.ts';
import { dnsLabel, dnsSubdomain, formatErrors, oneOf, qualifiedName, type FieldErrors } from '../validation/fields.ts';
import { endpointIpFaults, ipFaults, ipWarnings } from '../validation/formats.ts';
import { portProtocols } from '../validation/service.ts';
import { fill, mapItems, mapMember } from './fill.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

export const endpoints: KindDefinition<Endpoints> = {
  resource,
  defaults: (object) => mapMember(object, 'subsets', (subsets) => mapItems(subsets, (subset) => mapMember(subset, 'ports', (ports) => mapItems(ports, (port) => fill(port, { protocol: 'TCP' }))))),
  validate: (object) => [...subsetErrors(object.subsets ?? [])],
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  warnings: endpointsWarnings,
  createOnUpdate: true,
  columns: [nameColumn, text('Endpoints', 'The addresses with their ports.', addressesText), ageColumn],
};

function addressesText({ subsets = [] }: Endpoints): string {
  if (subsets.length === 0) return '<none>';
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length ? ports.flatMap(({ port }) => addresses.map(({ ip }) => (isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`))) : addresses.map(({ ip }) => ip));
  return all.length > 3 ? `${all.slice(0, 3).join(',')} + ${all.length - 3} more...` : all.join(',');
}

function* subsetErrors(subsets: readonly EndpointSubset[]): FieldErrors {
  for (const [i, { addresses = [], notReadyAddresses = [], ports = [] }] of subsets.entries()) {
    const path = `subsets[${i}]`;
    if (addresses.length + notReadyAddresses.length === 0) yield fieldError.required(path, 'must specify `addresses` or `notReadyAddresses`');
    for (const [j, address] of addresses.entries()) yield* addressErrors(`${path}.addresses[${j}]`, address);
    for (const [j, address] of notReadyAddresses.entries()) yield* addressErrors(`${path}.notReadyAddresses[${j}]`, address);
    for (const [j, port] of ports.entries()) yield* portErrors(`${path}.ports[${j}]`, port, ports.length > 1);
  }
}

function* addressErrors(path: string, address: EndpointAddress): FieldErrors {
  yield* formatErrors(`${path}.ip`, address.ip, ipFaults(address.ip));
  if (address.hostname) yield* dnsLabel(`${path}.hostname`, address.hostname);
  if (address.nodeName !== undefined) yield* dnsSubdomain(`${path}.nodeName`, address.nodeName);
  yield* formatErrors(`${path}.ip`, address.ip, endpointIpFaults(address.ip));
}

function* portErrors(path: string, port: EndpointPort, nameRequired: boolean): FieldErrors {
  if (port.name) yield* dnsLabel(`${path}.name`, port.name);
  else if (nameRequired) yield fieldError.required(`${path}.name`);
  yield* formatErrors(`${path}.port`, port.port, isPortNumber(port.port));
  yield* oneOf(`${path}.protocol`, port.protocol, portProtocols);
  if (port.appProtocol !== undefined) yield* qualifiedName(`${path}.appProtocol`, port.appProtocol);
}

function endpointsWarnings({ metadata, subsets = [] }: Endpoints): readonly string[] {
  if (metadata.labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller') return [];
  return subsets.flatMap((subset, i) => (['addresses', 'notReadyAddresses'] as const).flatMap((field) =>
    (subset[field] ?? []).flatMap(({ ip }, j) => ipWarnings(`subsets[${i}].${field}[${j}].ip`, ip))));
}
