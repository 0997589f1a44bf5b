/** Amounts of resources. Upstream: ValidateResourceQuantityValue, validateContainerResourceName, ValidateResourceRequirements. */
import { fieldError } from '../errors.ts';
import type { ResourceRequirements } from '../generated/core-v1.ts';
import { isQualifiedName } from '../names.ts';
import type { ResourceList } from '../pod/resources.ts';
import { compareQuantities, milliValue, quantitySign } from '../quantity.ts';
import { formatErrors, type FieldErrors } from './fields.ts';

export const isHugePages = (name: string): boolean => name.startsWith('hugepages-');

/** Resources of Kubernetes' own, without a domain or within kubernetes.io. */
export const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');

/** A device of somebody's, `example.com/gpu`. */
export const isExtended = (name: string): boolean => !isNative(name) && !name.startsWith('requests.') && isQualifiedName(`requests.${name}`).length === 0;

/** Whether a node may promise more of it than it has. */
export const isOvercommitAllowed = (name: string): boolean => isNative(name) && !isHugePages(name);

const isInteger = (amount: string): boolean => milliValue(amount) % 1000 === 0;

const integral = ['pods', 'services', 'replicationcontrollers', 'resourcequotas', 'secrets', 'configmaps', 'persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers'];

/** One amount: not below zero, and whole where the resource comes in pieces. */
export function* quantityErrors(path: string, name: string, amount: string): FieldErrors {
  if (quantitySign(amount) < 0) yield fieldError.invalid(path, amount, 'must be greater than or equal to 0');
  if ((integral.includes(name) || isExtended(name)) && !isInteger(amount)) yield fieldError.invalid(path, amount, 'must be an integer');
}

export function* resourceListErrors(path: string, list: ResourceList | undefined): FieldErrors {
  for (const name in list) yield* quantityErrors(`${path}.${name}`, name, list[name]!);
}

const standardResources = new Set([
  'cpu', 'memory', 'ephemeral-storage', 'requests.cpu', 'requests.memory', 'requests.ephemeral-storage', 'limits.cpu', 'limits.memory', 'limits.ephemeral-storage', 'storage', 'requests.storage', ...integral,
]);

/** The name of any resource: one that Kubernetes knows, or one with a domain. Upstream: validateResourceName. */
export function* resourceNameErrors(path: string, name: string): FieldErrors {
  const faults = isQualifiedName(name);
  yield* formatErrors(path, name, faults);
  if (faults.length === 0 && !name.includes('/') && !standardResources.has(name) && !isHugePages(name.replace(/^requests\./, ''))) yield fieldError.invalid(path, name, 'must be a standard resource type or fully qualified');
}

const containerResources = ['cpu', 'memory', 'ephemeral-storage'];

export function* containerResourceName(path: string, name: string): FieldErrors {
  yield* resourceNameErrors(path, name);
  if (!name.includes('/')) {
    if (!containerResources.includes(name) && !isHugePages(name)) yield fieldError.invalid(path, name, 'must be a standard resource for containers');
  } else if (!isNative(name) && !isExtended(name)) {
    yield fieldError.invalid(path, name, 'doesn\'t follow extended resource name standard');
  }
}

/** What a container asks for and may use. */
export function* requirementErrors(path: string, resources: ResourceRequirements | undefined, isPodLevel = false): FieldErrors {
  if (!resources) return;
  const { limits = {}, requests = {} } = resources;
  for (const [field, list] of [['limits', limits], ['requests', requests]] as const) {
    for (const [name, amount] of Object.entries(list)) {
      const at = `${path}.${field}[${name}]`;
      if (isPodLevel && !['cpu', 'memory'].includes(name) && !isHugePages(name)) {
        yield fieldError.notSupported(at, name, ['cpu', 'hugepages-', 'memory']);
        continue;
      }
      yield* containerResourceName(at, name);
      yield* quantityErrors(at, name, amount);
      if (isHugePages(name) && !isInteger(amount)) yield fieldError.invalid(at, amount, 'must be an integer');
    }
  }
  yield* comparisonErrors(path, limits, requests);
}

function* comparisonErrors(path: string, limits: ResourceList, requests: ResourceList): FieldErrors {
  for (const [name, amount] of Object.entries(requests)) {
    const at = `${path}.requests`;
    const limit = limits[name];
    if (limit !== undefined) {
      if (compareQuantities(amount, limit) !== 0 && !isOvercommitAllowed(name)) yield fieldError.invalid(at, amount, `must be equal to ${name} limit of ${limit}`);
      else if (compareQuantities(amount, limit) > 0) yield fieldError.invalid(at, amount, `must be less than or equal to ${name} limit of ${limit}`);
    } else if (!isOvercommitAllowed(name)) {
      yield fieldError.required(`${path}.limits`, 'Limit must be set for non overcommitable resources');
    }
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) yield fieldError.forbidden(path, 'HugePages require cpu or memory');
}
