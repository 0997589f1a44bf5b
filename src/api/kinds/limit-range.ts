/** Upstream: pkg/registry/core/limitrange/strategy.go; validation.ValidateLimitRange. */
import type { KindDefinition } from '../kind.ts';
import type { LimitRange, LimitRangeItem } from '../generated/core-v1.ts';
import { limitRanges } from '../generated/resources.ts';
import { fieldError } from '../errors.ts';
import { compareQuantities, quantityToNumber } from '../quantity.ts';
import { qualifiedName, type FieldErrors } from '../validation/fields.ts';
import { containerResourceName, isOvercommitAllowed, resourceNameErrors } from '../validation/resources.ts';
import { mapItems, mapMember } from './fill.ts';

export const limitRange: KindDefinition<LimitRange> = {
  resource: limitRanges,
  defaults: (object) => mapMember(object, 'spec', (spec) => mapMember(spec, 'limits', (limits) => mapItems(limits, defaultItem))),
  validate: (object) => [...limitErrors('spec.limits', object.spec?.limits ?? [])],
  createOnUpdate: true,

};

/** What a container may use at most, where it says nothing, is the most that is allowed; what it asks for, is what it may use. */
function defaultItem(item: LimitRangeItem): LimitRangeItem {
  if (item.type !== 'Container') return item;
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  return { ...item, ...(Object.keys(limits).length && { default: limits }), ...(Object.keys(requests).length && { defaultRequest: requests }) };
}

function* limitErrors(path: string, limits: readonly LimitRangeItem[]): FieldErrors {
  const types = new Set<string>();
  for (const [i, item] of limits.entries()) {
    const at = `${path}[${i}]`;
    const faults = [...qualifiedName(`${at}.type`, item.type)];
    yield* faults;
    if (faults.length === 0 && !item.type.includes('/') && !['Pod', 'Container', 'PersistentVolumeClaim'].includes(item.type)) {
      yield fieldError.invalid(`${at}.type`, item.type, 'must be a standard limit type or fully qualified');
    }
    if (types.has(item.type)) yield fieldError.duplicate(`${at}.type`, item.type);
    types.add(item.type);
    yield* itemErrors(at, item);
  }
}

function* itemErrors(path: string, item: LimitRangeItem): FieldErrors {
  const isPod = item.type === 'Pod';
  const names = new Set<string>();
  for (const field of ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const) {
    if (isPod && (field === 'default' || field === 'defaultRequest')) {
      if (Object.keys(item[field] ?? {}).length) yield fieldError.forbidden(`${path}.${field}`, "may not be specified when `type` is 'Pod'");
      continue;
    }
    for (const name of Object.keys(item[field] ?? {})) {
      names.add(name);
      yield* isPod || item.type === 'Container' ? containerResourceName(`${path}.${field}[${name}]`, name) : resourceNameErrors(`${path}.${field}[${name}]`, name);
    }
  }
  if (item.type === 'PersistentVolumeClaim' && !item.min?.['storage'] && !item.max?.['storage']) {
    yield fieldError.required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided');
  }
  for (const name of names) yield* orderErrors(path, item, name);
}

function* orderErrors(path: string, item: LimitRangeItem, name: string): FieldErrors {
  const { min, max, defaultRequest, default: limit, maxLimitRequestRatio: ratio } = {
    min: item.min?.[name], max: item.max?.[name], defaultRequest: item.defaultRequest?.[name], default: item.default?.[name], maxLimitRequestRatio: item.maxLimitRequestRatio?.[name],
  };
  const more = (a: string | undefined, b: string | undefined): boolean => a !== undefined && b !== undefined && compareQuantities(a, b) > 0;
  if (more(min, max)) yield fieldError.invalid(`${path}.min[${name}]`, min, `min value ${min} is greater than max value ${max}`);
  if (more(min, defaultRequest)) yield fieldError.invalid(`${path}.defaultRequest[${name}]`, defaultRequest, `min value ${min} is greater than default request value ${defaultRequest}`);
  if (more(defaultRequest, max)) yield fieldError.invalid(`${path}.defaultRequest[${name}]`, defaultRequest, `default request value ${defaultRequest} is greater than max value ${max}`);
  if (more(defaultRequest, limit)) yield fieldError.invalid(`${path}.defaultRequest[${name}]`, defaultRequest, `default request value ${defaultRequest} is greater than default limit value ${limit}`);
  if (more(min, limit)) yield fieldError.invalid(`${path}.default[${name}]`, min, `min value ${min} is greater than default value ${limit}`);
  if (more(limit, max)) yield fieldError.invalid(`${path}.default[${name}]`, max, `default value ${limit} is greater than max value ${max}`);
  if (more('1', ratio)) yield fieldError.invalid(`${path}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is less than 1`);
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const bound = quantityToNumber(max) / quantityToNumber(min);
    if (quantityToNumber(ratio) > bound) yield fieldError.invalid(`${path}.maxLimitRequestRatio[${name}]`, ratio, `ratio ${ratio} is greater than max/min = ${bound.toFixed(6)}`);
  }
  if (!isOvercommitAllowed(name) && limit !== undefined && defaultRequest !== undefined && compareQuantities(limit, defaultRequest) !== 0) {
    yield fieldError.invalid(`${path}.defaultRequest[${name}]`, defaultRequest, `default value ${limit} must equal to defaultRequest value ${defaultRequest} in ${name}`);
  }
}
