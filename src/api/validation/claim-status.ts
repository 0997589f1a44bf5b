/** Upstream: pkg/apis/resource/validation, validateResourceClaimStatusUpdate. */
import { fieldError } from '../errors.ts';
import type { AllocatedDeviceStatus, AllocationResult, NetworkDeviceData, ResourceClaim } from '../generated/resource-v1.ts';
import type { Condition } from '../generated/meta-v1.ts';
import { bindingErrors } from './device.ts';
import { dnsLabel, dnsSubdomain, driverName, formatErrors, immutable, oneOf, qualifiedName, type FieldErrors } from './fields.ts';
import { interfaceAddressFaults } from './formats.ts';

const maxUsers = 256;
const maxResults = 32;
const maxConditions = 8;
const maxData = 10 * 1024;
const maxAddresses = 16;

export function* claimStatusErrors(next: ResourceClaim, previous: ResourceClaim): FieldErrors {
  const { reservedFor = [], allocation, devices = [] } = next.status ?? {};
  const before = previous.status?.allocation;
  if (reservedFor.length > maxUsers) yield fieldError.tooMany('status.reservedFor', reservedFor.length, maxUsers);
  for (const [i, { resource, name, uid }] of reservedFor.entries()) {
    if (!resource) yield fieldError.required(`status.reservedFor[${i}].resource`);
    if (!name) yield fieldError.required(`status.reservedFor[${i}].name`);
    if (!uid) yield fieldError.required(`status.reservedFor[${i}].uid`);
    if (reservedFor.findIndex((other) => other.uid === uid) < i) yield fieldError.duplicate(`status.reservedFor[${i}].uid`, uid);
  }
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceKey));
  const seen = new Set<string>();
  for (const [i, device] of devices.entries()) {
    yield* deviceErrors(`status.devices[${i}]`, device, allocated);
    if (seen.has(deviceKey(device))) yield fieldError.duplicate(`status.devices[${i}]`, deviceKey(device));
    seen.add(deviceKey(device));
  }
  if (reservedFor.length && !allocation) yield fieldError.forbidden('status.reservedFor', 'may not be specified when `allocated` is not set');
  else if (next.metadata.deletionTimestamp !== undefined && reservedFor.some(({ uid }) => !previous.status?.reservedFor?.some((old) => old.uid === uid))) {
    yield fieldError.forbidden('status.reservedFor', 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set');
  }
  if (before && allocation) yield* immutable('status.allocation', allocation, before);
  else if (allocation) yield* allocationErrors('status.allocation', allocation, next);
}

/** One of a claim's devices: `driver/pool/device`, and its share where several have it. */
export function deviceKey({ driver, pool, device, shareID }: Pick<AllocatedDeviceStatus, 'driver' | 'pool' | 'device' | 'shareID'>): string {
  return [driver, pool, device, ...(shareID === undefined ? [] : [shareID])].join('/');
}

function* nameErrors(path: string, { driver, pool, device, shareID }: Pick<AllocatedDeviceStatus, 'driver' | 'pool' | 'device' | 'shareID'>): FieldErrors {
  yield* driverName(`${path}.driver`, driver);
  if (!pool) yield fieldError.required(`${path}.pool`);
  else for (const part of pool.split('/')) yield* dnsSubdomain(`${path}.pool`, part);
  yield* dnsLabel(`${path}.device`, device);
  if (shareID !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(shareID)) {
    yield fieldError.invalid(`${path}.shareID`, shareID, 'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters');
  }
}

function* allocationErrors(path: string, { devices }: AllocationResult, { spec }: ResourceClaim): FieldErrors {
  const results = devices?.results ?? [];
  const names = new Set((spec.devices?.requests ?? []).flatMap(({ name, firstAvailable = [] }) => (firstAvailable.length > 0 ? firstAvailable.map((sub) => `${name}/${sub.name}`) : [name])));
  if (results.length > maxResults) yield fieldError.tooMany(`${path}.devices.results`, results.length, maxResults);
  for (const [i, result] of results.entries()) {
    const at = `${path}.devices.results[${i}]`;
    if (!names.has(result.request)) yield fieldError.invalid(`${at}.request`, result.request, "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'");
    yield* nameErrors(at, result);
    yield* bindingErrors(at, result.bindingConditions, result.bindingFailureConditions);
  }
}

function* deviceErrors(path: string, device: AllocatedDeviceStatus, allocated: ReadonlySet<string>): FieldErrors {
  yield* nameErrors(path, device);
  if (!allocated.has(deviceKey(device))) yield fieldError.invalid(path, deviceKey(device), 'must be an allocated device in the claim');
  const { conditions = [], data, networkData } = device;
  if (conditions.length > maxConditions) yield fieldError.tooMany(`${path}.conditions`, conditions.length, maxConditions);
  for (const [i, condition] of conditions.entries()) {
    if (conditions.findIndex(({ type }) => type === condition.type) < i) yield fieldError.duplicate(`${path}.conditions[${i}].type`, condition.type);
    yield* conditionErrors(`${path}.conditions[${i}]`, condition);
  }
  if (data !== undefined && data !== null) {
    if (JSON.stringify(data).length > maxData) yield fieldError.tooLong(`${path}.data`, maxData);
    else if (typeof data !== 'object' || Array.isArray(data)) yield fieldError.invalid(`${path}.data`, '<value omitted>', 'must be a valid JSON object');
  }
  if (networkData) yield* networkErrors(`${path}.networkData`, networkData);
}

/** Upstream: apimachinery meta/v1/validation.ValidateCondition. */
function* conditionErrors(path: string, { type, status, observedGeneration = 0, lastTransitionTime, reason }: Condition): FieldErrors {
  yield* qualifiedName(`${path}.type`, type);
  yield* oneOf(`${path}.status`, status, ['False', 'True', 'Unknown']);
  if (observedGeneration < 0) yield fieldError.invalid(`${path}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero');
  if (!lastTransitionTime) yield fieldError.required(`${path}.lastTransitionTime`);
  if (!reason) yield fieldError.required(`${path}.reason`);
}

function* networkErrors(path: string, { interfaceName = '', hardwareAddress = '', ips = [] }: NetworkDeviceData): FieldErrors {
  if (Buffer.byteLength(interfaceName) > 256) yield fieldError.tooLong(`${path}.interfaceName`, 256);
  if (Buffer.byteLength(hardwareAddress) > 128) yield fieldError.tooLong(`${path}.hardwareAddress`, 128);
  if (ips.length > maxAddresses) yield fieldError.tooMany(`${path}.ips`, ips.length, maxAddresses);
  for (const [i, address] of ips.entries()) {
    yield* formatErrors(`${path}.ips[${i}]`, address, interfaceAddressFaults(address));
    if (ips.indexOf(address) < i) yield fieldError.duplicate(`${path}.ips[${i}]`, address);
  }
}
