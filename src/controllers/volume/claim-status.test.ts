import { expect, test } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/generated/core-v1.ts';
import { claimStatus } from './claim-status.ts';

const claim = (status: object): PersistentVolumeClaim => ({ status }) as PersistentVolumeClaim;
const volume = (annotations: Record<string, string> = {}): PersistentVolume => ({
  metadata: { name: 'it', annotations }, spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' }, volumeAttributesClassName: 'gold' },
}) as unknown as PersistentVolume;
const had = { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '3Gi' }, currentVolumeAttributesClassName: 'silver' };

test.each([
  ['bound for the first time', { phase: 'Pending' }, 'Bound', volume(), { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' }, currentVolumeAttributesClassName: 'gold' }],
  ['bound to a volume whose file system is yet to grow', { phase: 'Pending' }, 'Bound', volume({ 'volume.alpha.kubernetes.io/pre-resize-capacity': '2Gi' }),
    { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '2Gi' }, currentVolumeAttributesClassName: 'gold' }],
  ['bound already', had, 'Bound', volume(), undefined],
  ['bound already, in other modes', { ...had, accessModes: ['ReadWriteMany'] }, 'Bound', volume(), had],
  ['lost', had, 'Lost', undefined, { phase: 'Lost' }],
  ['waiting still', { phase: 'Pending' }, 'Pending', undefined, undefined],
] as const)('what a claim says of itself: %s', (_, before, phase, bound, after) => {
  expect(claimStatus(claim(before), phase, bound)).toEqual(after);
});
