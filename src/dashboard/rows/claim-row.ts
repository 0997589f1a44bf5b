import type { PersistentVolumeClaim } from '../../api/generated/core-v1.ts';
import { baseRow } from './base-row.ts';
import type { ClaimRow } from './row.ts';

export function claimRow(claim: PersistentVolumeClaim): ClaimRow {
  const { spec, status } = claim;
  const phase = status?.phase ?? 'Pending';
  return {
    ...baseRow(claim),
    status: phase,
    tone: phase === 'Bound' ? 'ok' : phase === 'Lost' ? 'bad' : 'busy',
    size: status?.capacity?.['storage'] ?? spec?.resources?.requests?.['storage'] ?? '',
    ...(spec?.volumeName && { volume: spec.volumeName }),
    ...(spec?.storageClassName && { storageClass: spec.storageClassName }),
  };
}
