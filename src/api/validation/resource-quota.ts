/** Upstream: ValidateResourceQuota. */
import { fieldError } from '../errors.ts';
import type { ResourceQuota, ResourceQuotaSpec } from '../generated/core-v1.ts';
import type { FieldErrors } from './fields.ts';
import { isHugePages, quantityErrors, resourceNameErrors } from './resources.ts';

const standardNames = new Set([
  'cpu', 'memory', 'ephemeral-storage', 'requests.cpu', 'requests.memory', 'requests.storage', 'requests.ephemeral-storage', 'limits.cpu', 'limits.memory', 'limits.ephemeral-storage', 'pods',
  'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'persistentvolumeclaims', 'configmaps', 'services.nodeports', 'services.loadbalancers',
]);

const podNames = ['pods', 'cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

/** The resources that each scope can count. */
const scopes: Readonly<Record<string, readonly string[]>> = {
  Terminating: podNames, NotTerminating: podNames, NotBestEffort: podNames, PriorityClass: podNames, CrossNamespacePodAffinity: podNames,
  BestEffort: ['pods'], VolumeAttributesClass: ['persistentvolumeclaims', 'requests.storage'],
};

const opposed = [['BestEffort', 'NotBestEffort'], ['Terminating', 'NotTerminating']] as const;

export function* resourceQuotaErrors(path: string, spec: ResourceQuotaSpec): FieldErrors {
  const hard = Object.keys(spec.hard ?? {}).sort();
  yield* listErrors(`${path}.hard`, spec.hard);
  for (const scope of spec.scopes ?? []) {
    if (!(scope in scopes)) yield fieldError.invalid(`${path}.scopes`, spec.scopes, 'unsupported scope');
    else if (unsupported(scope, hard).length) yield fieldError.invalid(`${path}.scopes`, spec.scopes, 'unsupported scope applied to resource');
  }
  for (const pair of opposed) if (pair.every((scope) => spec.scopes?.includes(scope))) yield fieldError.invalid(`${path}.scopes`, spec.scopes, 'conflicting scopes');
  if (spec.scopeSelector) yield* selectorErrors(`${path}.scopeSelector.matchExpressions`, spec, hard);
}

const unsupported = (scope: string, hard: readonly string[]): readonly string[] => hard.filter((name) => standardNames.has(name) && !scopes[scope]?.includes(name));

function* listErrors(path: string, list: Readonly<Record<string, string>> | undefined): FieldErrors {
  for (const [name, amount] of Object.entries(list ?? {})) {
    const at = `${path}[${name}]`;
    yield* resourceNameErrors(at, name);
    if (!name.includes('/') && !standardNames.has(name) && !isHugePages(name.replace(/^requests\./, ''))) yield fieldError.invalid(at, name, 'must be a standard resource for quota');
    yield* quantityErrors(at, name, amount);
  }
}

function* selectorErrors(path: string, spec: ResourceQuotaSpec, hard: readonly string[]): FieldErrors {
  const expressions = spec.scopeSelector?.matchExpressions ?? [];
  for (const { scopeName, operator, values = [] } of expressions) {
    if (!(scopeName in scopes)) yield fieldError.invalid(`${path}.scopeName`, scopeName, 'unsupported scope');
    else if (unsupported(scopeName, hard).length) yield fieldError.invalid(path, spec.scopeSelector, 'unsupported scope applied to resource');
    if (['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'].includes(scopeName) && operator !== 'Exists') {
      yield fieldError.invalid(`${path}.operator`, operator, "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
        + 'ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity');
    }
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) yield fieldError.required(`${path}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length) yield fieldError.invalid(`${path}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
    } else {
      yield fieldError.invalid(`${path}.operator`, operator, 'not a valid selector operator');
    }
  }
  const names = expressions.map((expression) => expression.scopeName);
  for (const pair of opposed) if (pair.every((scope) => names.includes(scope))) yield fieldError.invalid(path, spec.scopes ?? null, 'conflicting scopes');
}

export function* resourceQuotaUpdateErrors(next: ResourceQuota, previous: ResourceQuota): FieldErrors {
  const [after, before] = [new Set(next.spec?.scopes ?? []), new Set(previous.spec?.scopes ?? [])];
  if (after.size !== before.size || [...after].some((scope) => !before.has(scope))) yield fieldError.invalid('spec.scopes', next.spec?.scopes ?? null, 'field is immutable');
}

export function* resourceQuotaStatusErrors({ status }: ResourceQuota): FieldErrors {
  yield* listErrors('status.hard', status?.hard);
  yield* listErrors('status.used', status?.used);
}
