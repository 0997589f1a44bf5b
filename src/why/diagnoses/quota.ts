import type { ResourceQuota } from '../../api/generated/core-v1.ts';
import { quantityValue } from '../../api/quantity.ts';
import type { Diagnose } from '../finding.ts';

/** Quotas of which something is used up: who asks for more of that in the namespace is refused. */
export const quota: Diagnose = ({ focus }) => {
  if (focus.kind !== 'ResourceQuota') return [];
  const { metadata: { name }, status } = focus as ResourceQuota;
  const full = Object.entries(status?.hard ?? {}).filter(([resource, most]) => quantityValue(status?.used?.[resource]) >= quantityValue(most));
  if (full.length === 0) return [];
  return [{
    waitsFor: `room in the quota ${name}`,
    because: [...full.map(([resource, most]) => `${resource}: ${status?.used?.[resource] ?? 0} of ${most} taken.`), 'What would take more of it is refused in this namespace.'],
    help: [`Raise it: kubectl edit quota ${name}`, 'Or end something in the namespace: kubectl get all'],
  }];
};
