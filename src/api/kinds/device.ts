/** Devices, and claims on them. Upstream: pkg/registry/resource, pkg/apis/resource/v1/defaults.go. */
import { rfc3339 } from '../../base/clock.ts';
import type { KindDefinition, StrategyContext } from '../kind.ts';
import type { DeviceClaim, DeviceClass, DeviceRequest, ResourceClaim, ResourceClaimSpec, ResourceClaimTemplate, ResourceSlice } from '../generated/resource-v1.ts';
import { deviceClasses, resourceClaimTemplates, resourceClaims, resourceSlices } from '../generated/resources.ts';
import { immutable } from '../validation/fields.ts';
import { claimStatusErrors, deviceKey } from '../validation/claim-status.ts';
import { claimSpecErrors, deviceClassErrors, sliceErrors, sliceUpdateErrors } from '../validation/device.ts';
import { withCountedSpec } from './counted-spec.ts';
import { fill, mapItems, mapMember } from './fill.ts';
import { ageColumn, nameColumn, text } from './table-columns.ts';

export const deviceClass: KindDefinition<DeviceClass> = {
  returnsDeleted: true,
  resource: deviceClasses,
  ...withCountedSpec<DeviceClass>(),
  validate: (object) => [...deviceClassErrors('spec', object.spec ?? {})],
  columns: [nameColumn, ageColumn],
};

export const resourceClaim: KindDefinition<ResourceClaim> = {
  returnsDeleted: true,
  resource: resourceClaims,
  defaults: (object) => mapMember(object, 'spec', defaultClaim),
  validateCreate: (object) => [...claimSpecErrors('spec', object.spec ?? {})],
  validateUpdate: (next, previous) => [...immutable('spec', next.spec, previous.spec)],
  prepareForStatusUpdate: withoutFormerDevices,
  validateStatusUpdate: (next, previous) => [...claimStatusErrors(next, previous)],
  generation: false,
  columns: [nameColumn, text('State', 'Whether the claim has its devices.', stateText), ageColumn],
};

export const resourceClaimTemplate: KindDefinition<ResourceClaimTemplate> = {
  returnsDeleted: true,
  resource: resourceClaimTemplates,
  defaults: (object) => mapMember(object, 'spec', (spec) => mapMember(spec, 'spec', defaultClaim)),
  validateCreate: (object) => [...claimSpecErrors('spec.spec', object.spec?.spec ?? {})],
  validateUpdate: (next, previous) => [...immutable('spec', next.spec, previous.spec)],
  columns: [nameColumn, ageColumn],
};

const counted = withCountedSpec<ResourceSlice>();

export const resourceSlice: KindDefinition<ResourceSlice> = {
  returnsDeleted: true,
  resource: resourceSlices,
  generation: false,
  prepareForCreate: (object, context) => counted.prepareForCreate!(withTaintTimes(object, context), context),
  prepareForUpdate: (next, previous, context) => counted.prepareForUpdate!(withTaintTimes(next, context), previous, context),
  validate: (object) => [...sliceErrors('spec', object.spec ?? {})],
  validateUpdate: (next, previous) => [...sliceUpdateErrors(next.spec, previous.spec)],
  selectableFields: ({ spec }) => ({ 'spec.nodeName': spec.nodeName ?? '', 'spec.driver': spec.driver }),
  columns: [
    nameColumn,
    text('Node', 'The node that the devices are of.', ({ spec }) => spec.nodeName ?? ''),
    text('Driver', 'The driver of the devices.', ({ spec }) => spec.driver),
    text('Pool', 'The pool that the devices are in.', ({ spec }) => spec.pool.name),
    ageColumn,
  ],
};

/** States of devices that the claim has lost are lost with them, so that clients that know nothing of states need not care. Upstream: dropDeallocatedStatusDevices. */
function withoutFormerDevices(next: ResourceClaim, previous: ResourceClaim): ResourceClaim {
  const devices = next.status?.devices;
  if (!devices) return next;
  const has = new Set((next.status?.allocation?.devices?.results ?? []).map(deviceKey));
  const lost = new Set((previous.status?.allocation?.devices?.results ?? []).map(deviceKey).filter((key) => !has.has(key)));
  const kept = devices.filter((device) => !lost.has(deviceKey(device)));
  if (kept.length === devices.length && kept.length > 0) return next;
  const { devices: _, ...status } = next.status!;
  return { ...next, status: { ...status, ...(kept.length > 0 && { devices: kept }) } };
}

/** A taint without a time is put on now. Upstream: SetDefaults_DeviceTaint. */
function withTaintTimes(slice: ResourceSlice, { nowMs }: StrategyContext): ResourceSlice {
  if (!slice.spec?.devices?.some(({ taints }) => taints?.some(({ timeAdded }) => timeAdded === undefined))) return slice;
  const timeAdded = rfc3339(nowMs);
  const devices = slice.spec.devices.map((device) => (device.taints ? { ...device, taints: device.taints.map((taint) => ({ timeAdded, ...taint })) } : device));
  return { ...slice, spec: { ...slice.spec, devices } };
}

function stateText({ metadata, status }: ResourceClaim): string {
  const deleted = metadata.deletionTimestamp === undefined ? [] : ['deleted'];
  if (!status?.allocation) return [...deleted, ...(deleted.length ? [] : ['pending'])].join(',');
  return [...deleted, 'allocated', ...(status.reservedFor?.length ? ['reserved'] : [])].join(',');
}

function defaultClaim(spec: ResourceClaimSpec): ResourceClaimSpec {
  return mapMember(spec, 'devices', (devices: DeviceClaim) => mapMember(devices, 'requests', (requests) => mapItems(requests, defaultRequest)));
}

function defaultRequest(request: DeviceRequest): DeviceRequest {
  const counted = <R extends { readonly allocationMode?: string; readonly count?: number }>(one: R): R => {
    const next: { readonly allocationMode?: string; readonly count?: number } = fill<{ readonly allocationMode?: string; readonly count?: number }>(one, { allocationMode: 'ExactCount' });
    return (next.allocationMode === 'ExactCount' && !next.count ? { ...next, count: 1 } : next) as R;
  };
  return mapMember(mapMember(request, 'exactly', counted), 'firstAvailable', (requests) => mapItems(requests, counted));
}
