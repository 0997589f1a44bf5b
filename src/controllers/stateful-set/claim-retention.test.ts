import { expect, test } from 'vitest';
import type { StatefulSet } from '../../api/generated/apps-v1.ts';
import type { PersistentVolumeClaim, Pod } from '../../api/generated/core-v1.ts';
import { claimOwners, isMindedByOthers } from './claim-retention.ts';

const reference = (kind: 'StatefulSet' | 'Pod' | 'Other', name: string, uid: string, controller = true) => ({ apiVersion: kind === 'Pod' ? 'v1' : kind === 'StatefulSet' ? 'apps/v1' : 'example.com/v1', kind, name, uid, controller });
const set = (whenDeleted: 'Retain' | 'Delete'): StatefulSet => ({
  apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'web', uid: 'set' }, spec: { replicas: 1, persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled: 'Retain' } },
}) as unknown as StatefulSet;
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-0', uid: 'pod' } } as Pod;
const claim = (...ownerReferences: object[]): PersistentVolumeClaim => ({ metadata: { name: 'data-web-0', ownerReferences } }) as unknown as PersistentVolumeClaim;
const own = reference('StatefulSet', 'web', 'set');

test.each([
  ['nobody', 'Delete', claim(), false, ['set']],
  ['the set', 'Delete', claim(own), false, undefined],
  ['another controller', 'Delete', claim(reference('Other', 'it', 'other')), true, undefined],
  ['another controller and the set', 'Delete', claim(reference('Other', 'it', 'other'), own), true, ['other']],
  ['another that is no controller', 'Delete', claim(reference('Other', 'it', 'other', false)), false, ['other', 'set']],
  ['a set of the name that is no more', 'Delete', claim(reference('StatefulSet', 'web', 'old', false)), true, undefined],
  ['a pod of the name that is no more', 'Delete', claim(reference('Pod', 'web-0', 'old', false)), true, undefined],
  ['another controller, which is fine', 'Retain', claim(reference('Other', 'it', 'other')), false, undefined],
] as const)('who minds a claim: %s (%s)', (_, policy, given, byOthers, owners) => {
  expect(isMindedByOthers(given, set(policy), pod)).toBe(byOthers);
  expect(claimOwners(given, set(policy), pod)?.map(({ uid }) => uid)).toEqual(owners);
});
