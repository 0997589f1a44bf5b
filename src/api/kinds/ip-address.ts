/** Upstream: pkg/registry/networking/ipaddress/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { IPAddress } from '../generated/networking-v1.ts';
import { ipAddresses } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { isPathSegmentName } from '../names.ts';
import { dnsSubdomain, formatErrors, immutable, type FieldErrors } from '../validation/fields.ts';
import { canonicalIpFaults } from '../validation/formats.ts';
import { nameColumn, text } from './table-columns.ts';

export const ipAddress: KindDefinition<IPAddress> = {
  resource: ipAddresses,
  validate: (object) => [...formatErrors('metadata.name', object.metadata.name, canonicalIpFaults(object.metadata.name)), ...parentErrors('spec.parentRef', object.spec?.parentRef)],
  validateUpdate: (next, previous) => [...immutable('spec.parentRef', next.spec?.parentRef, previous.spec?.parentRef)],
  nameRule: 'any',
  columns: [nameColumn, text('ParentRef', 'What has the address.', parentText)],
};

function parentText({ spec }: IPAddress): string {
  if (!spec?.parentRef) return '<none>';
  const { group, resource = '', namespace, name } = spec.parentRef;
  return [`${resource}${group ? `.${group}` : ''}`.toLowerCase(), ...(namespace ? [namespace] : []), name].join('/');
}

function* parentErrors(path: string, parent: IPAddress['spec']['parentRef'] | undefined): FieldErrors {
  if (!parent) {
    yield fieldError.required(path);
    return;
  }
  if (parent.group) yield* dnsSubdomain(`${path}.group`, parent.group);
  for (const field of ['resource', 'name'] as const) {
    if (!parent[field]) yield fieldError.required(`${path}.${field}`);
    else yield* formatErrors(`${path}.${field}`, parent[field], isPathSegmentName(parent[field]));
  }
  if (parent.namespace) yield* formatErrors(`${path}.namespace`, parent.namespace, isPathSegmentName(parent.namespace));
}
