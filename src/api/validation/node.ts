/** Upstream: pkg/apis/core/validation ValidateNode and ValidateNodeUpdate. */
import { isIPv4 } from 'node:net';
import { fieldError } from '../errors.ts';
import type { Node, Taint } from '../generated/core-v1.ts';
import { isLabelValue } from '../names.ts';
import { formatErrors, oneOf, qualifiedName, type FieldErrors } from './fields.ts';
import { cidrFaults } from './formats.ts';
import { resourceListErrors } from './resources.ts';

export const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const;

export function* nodeErrors(node: Node): FieldErrors {
  yield* taintErrors('metadata.taints', node.spec?.taints ?? []);
  yield* resourceErrors(node);
  // The one range, where the two differ, is what counts: upstream's conversion.
  const { podCIDR, podCIDRs = [] } = node.spec ?? {};
  const ranges = podCIDR && podCIDR !== podCIDRs[0] ? [podCIDR] : podCIDRs;
  for (const [i, range] of ranges.entries()) yield* formatErrors(`spec.podCIDRs[${i}]`, range, cidrFaults(range));
  if (ranges.length > 1) {
    const families = new Set(ranges.map((range) => isIPv4(range.split('/')[0]!)));
    if (families.size !== ranges.length) yield fieldError.invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family');
  }
}

export function* nodeUpdateErrors(next: Node, previous: Node): FieldErrors {
  yield* resourceErrors(next);
  const seen = new Set<string>();
  for (const [i, { type, address }] of (next.status?.addresses ?? []).entries()) {
    const key = `${type} ${address}`;
    if (seen.has(key)) yield fieldError.duplicate(`status.addresses[${i}]`, { Type: type, Address: address });
    seen.add(key);
  }
  const before = previous.spec?.podCIDRs ?? [];
  const after = next.spec?.podCIDRs ?? [];
  if (before.length && (before.length !== after.length || before.some((range, i) => range !== after[i]))) {
    yield fieldError.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid');
  }
  if (previous.spec?.providerID && previous.spec.providerID !== next.spec?.providerID) {
    yield fieldError.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid');
  }
  yield* taintErrors('metadata.taints', next.spec?.taints ?? []);
  if ((next.spec?.externalID ?? '') !== (previous.spec?.externalID ?? '')) yield fieldError.forbidden('spec.externalID', 'may not be updated');
}

function* resourceErrors({ status }: Node): FieldErrors {
  yield* resourceListErrors('status.capacity', status?.capacity);
  yield* resourceListErrors('status.allocatable', status?.allocatable);
}

function* taintErrors(path: string, taints: readonly Taint[]): FieldErrors {
  const seen = new Set<string>();
  for (const [i, taint] of taints.entries()) {
    const at = `${path}[${i}]`;
    yield* qualifiedName(`${at}.key`, taint.key);
    const value = isLabelValue(taint.value ?? '');
    if (value.length) yield fieldError.invalid(`${at}.value`, taint.value, value.join(';'));
    yield* oneOf(`${at}.effect`, taint.effect, taintEffects);
    const key = `${taint.key} ${taint.effect}`;
    if (seen.has(key)) {
      const { message, ...fault } = fieldError.duplicate(at, { Key: taint.key, Value: taint.value ?? '', Effect: taint.effect, TimeAdded: null });
      yield { ...fault, message: `${message}: taints must be unique by key and effect pair` };
    }
    seen.add(key);
  }
}
