/** Upstream: pkg/apis/resource/validation, without the compiling of CEL selectors, without counters and the texts of device attributes. */
import { fieldError } from '../errors.ts';
import type { DeviceClassSpec, DeviceRequest, DeviceSelector, DeviceTaint, OpaqueDeviceConfiguration, ResourceClaimSpec, ResourceSliceSpec } from '../generated/resource-v1.ts';
import { isLabelValue } from '../names.ts';
import { dnsLabel, dnsSubdomain, formatErrors, immutable, oneOf, qualifiedName, type FieldErrors } from './fields.ts';

const maxItems = 32;

export function* claimSpecErrors(path: string, spec: ResourceClaimSpec): FieldErrors {
  const at = `${path}.devices`;
  const { requests = [], constraints = [], config = [] } = spec.devices ?? {};
  for (const [field, list] of [['requests', requests], ['constraints', constraints], ['config', config]] as const) {
    if (list.length > maxItems) yield fieldError.tooMany(`${at}.${field}`, list.length, maxItems);
  }
  const names = new Set<string>();
  for (const [i, request] of requests.entries()) {
    yield* requestErrors(`${at}.requests[${i}]`, request);
    if (names.has(request.name)) yield fieldError.duplicate(`${at}.requests[${i}]`, request.name);
    names.add(request.name);
    for (const sub of request.firstAvailable ?? []) names.add(`${request.name}/${sub.name}`);
  }
  for (const [field, list] of [['constraints', constraints], ['config', config]] as const) {
    for (const [i, item] of list.entries()) {
      for (const [j, name] of (item.requests ?? []).entries()) {
        if (!names.has(name)) yield fieldError.invalid(`${at}.${field}[${i}].requests[${j}]`, name, "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'");
        else if (item.requests!.indexOf(name) < j) yield fieldError.duplicate(`${at}.${field}[${i}].requests[${j}]`, name);
      }
    }
  }
  for (const [i, { matchAttribute, distinctAttribute }] of constraints.entries()) {
    const path = `${at}.constraints[${i}]`;
    if (matchAttribute !== undefined) yield* attributeErrors(`${path}.matchAttribute`, matchAttribute);
    else if (distinctAttribute !== undefined) yield* attributeErrors(`${path}.distinctAttribute`, distinctAttribute);
    else yield fieldError.required(path, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set');
  }
  for (const [i, { opaque }] of config.entries()) yield* configErrors(`${at}.config[${i}].opaque`, opaque);
}

/** `dra.example.com/model`: a domain, and the name of what is the same of all devices. */
function* attributeErrors(path: string, name: string): FieldErrors {
  const slash = name.indexOf('/');
  if (slash < 0) yield fieldError.invalid(path, name, 'a fully qualified name must be a domain and a name separated by a slash');
  else yield* dnsSubdomain(path, name.slice(0, slash));
}

const maxParameters = 10 * 1024;

/** What is for a driver to read: its name, and an object. */
function* configErrors(path: string, opaque: OpaqueDeviceConfiguration | undefined): FieldErrors {
  if (!opaque) {
    yield fieldError.required(path);
    return;
  }
  const parameters: unknown = opaque.parameters;
  if (!opaque.driver) yield fieldError.required(`${path}.driver`);
  else yield* dnsSubdomain(`${path}.driver`, opaque.driver);
  if (parameters === undefined || parameters === null) yield fieldError.required(`${path}.parameters`);
  else if (JSON.stringify(parameters).length > maxParameters) yield fieldError.tooLong(`${path}.parameters`, maxParameters);
  else if (typeof parameters !== 'object' || Array.isArray(parameters)) yield fieldError.invalid(`${path}.parameters`, '<value omitted>', 'must be a valid JSON object');
}

function* requestErrors(path: string, { name, exactly, firstAvailable = [] }: DeviceRequest): FieldErrors {
  yield* dnsLabel(`${path}.name`, name ?? '');
  if (exactly && firstAvailable.length) yield fieldError.invalid(path, null, 'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set');
  else if (exactly) yield* exactErrors(`${path}.exactly`, exactly);
  else if (firstAvailable.length === 0) yield fieldError.required(path, 'exactly one of `exactly` or `firstAvailable` is required');
  for (const [i, sub] of exactly ? [] : firstAvailable.entries()) {
    yield* dnsLabel(`${path}.firstAvailable[${i}].name`, sub.name);
    yield* exactErrors(`${path}.firstAvailable[${i}]`, sub);
  }
}

interface Exact {
  readonly deviceClassName: string;
  readonly selectors?: readonly DeviceSelector[];
  readonly allocationMode?: string;
  readonly count?: number;
}

function* exactErrors(path: string, { deviceClassName, selectors = [], allocationMode, count = 0 }: Exact): FieldErrors {
  if (!deviceClassName) yield fieldError.required(`${path}.deviceClassName`);
  else yield* dnsSubdomain(`${path}.deviceClassName`, deviceClassName);
  yield* selectorErrors(`${path}.selectors`, selectors);
  if (allocationMode === 'All') {
    if (count !== 0) yield fieldError.invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'");
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) yield fieldError.invalid(`${path}.count`, count, 'must be greater than zero');
  } else {
    yield fieldError.notSupported(`${path}.allocationMode`, allocationMode ?? '', ['All', 'ExactCount']);
  }
}

function* selectorErrors(path: string, selectors: readonly DeviceSelector[]): FieldErrors {
  if (selectors.length > maxItems) yield fieldError.tooMany(path, selectors.length, maxItems);
  for (const [i, { cel }] of selectors.entries()) if (!cel) yield fieldError.required(`${path}[${i}].cel`);
}

export function* deviceClassErrors(path: string, { selectors = [], config = [] }: DeviceClassSpec): FieldErrors {
  yield* selectorErrors(`${path}.selectors`, selectors);
  if (config.length > maxItems) yield fieldError.tooMany(`${path}.config`, config.length, maxItems);
  for (const [i, { opaque }] of config.entries()) yield* configErrors(`${path}.config[${i}].opaque`, opaque);
}

export function* sliceErrors(path: string, spec: ResourceSliceSpec): FieldErrors {
  if (!spec.driver) yield fieldError.required(`${path}.driver`);
  else yield* dnsSubdomain(`${path}.driver`, spec.driver);
  if (!spec.pool?.name) yield fieldError.required(`${path}.pool.name`);
  else for (const part of spec.pool.name.split('/')) yield* dnsSubdomain(`${path}.pool.name`, part);
  if ((spec.pool?.resourceSliceCount ?? 0) <= 0) yield fieldError.invalid(`${path}.pool.resourceSliceCount`, spec.pool?.resourceSliceCount ?? 0, 'must be greater than zero');
  if ((spec.pool?.generation ?? 0) < 0) yield fieldError.invalid(`${path}.pool.generation`, spec.pool.generation, 'must be greater than or equal to zero');
  const places = [spec.nodeName !== undefined, spec.nodeSelector !== undefined, spec.allNodes === true, spec.perDeviceNodeSelection === true].filter(Boolean).length;
  const choices = '`nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection`';
  if (places === 0 && !spec.sharedCounters?.length) yield fieldError.required(path, `exactly one of ${choices} is required`);
  else if (places > 1) yield fieldError.invalid(path, null, `exactly one of ${choices} is required, but multiple fields are set`);
  const names = new Set<string>();
  const devices = spec.devices ?? [];
  if (devices.length > 128) yield fieldError.tooMany(`${path}.devices`, devices.length, 128);
  if (spec.nodeName !== undefined) yield* dnsSubdomain(`${path}.nodeName`, spec.nodeName);
  if (devices.length > 64 && devices.some(({ taints, consumesCounters }) => taints?.length || consumesCounters?.length)) yield fieldError.tooMany(`${path}.devices`, devices.length, 64);
  for (const [i, { name, attributes = {}, taints = [], bindingConditions, bindingFailureConditions }] of devices.entries()) {
    yield* dnsLabel(`${path}.devices[${i}].name`, name);
    if (taints.length > 16) yield fieldError.tooMany(`${path}.devices[${i}].taints`, taints.length, 16);
    for (const [j, taint] of taints.entries()) yield* taintErrors(`${path}.devices[${i}].taints[${j}]`, taint);
    yield* bindingErrors(`${path}.devices[${i}]`, bindingConditions, bindingFailureConditions);
    for (const key in attributes) if (Object.keys(attributes[key]!).length !== 1) yield fieldError.invalid(`${path}.devices[${i}].attributes[${key}]`, '', 'exactly one value must be specified');
    if (names.has(name)) yield fieldError.duplicate(`${path}.devices[${i}]`, name);
    names.add(name);
  }
}

export function* sliceUpdateErrors(next: ResourceSliceSpec, previous: ResourceSliceSpec): FieldErrors {
  yield* immutable('spec.nodeName', next.nodeName, previous.nodeName);
  yield* immutable('spec.driver', next.driver, previous.driver);
  yield* immutable('spec.pool.name', next.pool?.name, previous.pool?.name);
}

function* taintErrors(path: string, { key, value, effect }: DeviceTaint): FieldErrors {
  yield* qualifiedName(`${path}.key`, key);
  if (value) yield* formatErrors(`${path}.value`, value, isLabelValue(value));
  yield* oneOf(`${path}.effect`, effect, ['NoExecute', 'NoSchedule', 'None']);
}

const maxConditions = 4;

/** What must come true of a device before a pod is bound, and what tells that it will not: neither without the other. Upstream: validateDeviceBindingParameters. */
export function* bindingErrors(path: string, conditions: readonly string[] = [], failures: readonly string[] = []): FieldErrors {
  for (const [field, list] of [['bindingConditions', conditions], ['bindingFailureConditions', failures]] as const) {
    if (list.length > maxConditions) yield fieldError.tooMany(`${path}.${field}`, list.length, maxConditions);
    for (const [i, condition] of list.entries()) {
      yield* qualifiedName(`${path}.${field}[${i}]`, condition);
      if (list.indexOf(condition) < i) yield fieldError.duplicate(`${path}.${field}[${i}]`, condition);
    }
  }
  for (const [i, condition] of failures.entries()) {
    if (conditions.includes(condition)) yield fieldError.invalid(`${path}.bindingFailureConditions[${i}]`, condition, 'bindingFailureConditions must not overlap with bindingConditions');
  }
  if (conditions.length === 0 && failures.length > 0) yield fieldError.invalid(`${path}.bindingConditions`, conditions, 'bindingConditions are required to use bindingFailureConditions');
  if (failures.length === 0 && conditions.length > 0) yield fieldError.invalid(`${path}.bindingFailureConditions`, failures, 'bindingFailureConditions are required to use bindingConditions');
}
