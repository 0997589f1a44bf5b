/** Checks of single fields that many kinds share. Each yields what is wrong. */
import { fieldError, type FieldError } from '../errors.ts';
import { isDns1123Label, isDns1123Subdomain, isLabelValue, isPercent, isPortName, isPortNumber, isQualifiedName } from '../names.ts';
import type { LabelSelector, LabelSelectorRequirement } from '../generated/meta-v1.ts';
import { isSame } from './same.ts';

export type FieldErrors = Iterable<FieldError>;

/** What nearly every check finds: checks of single fields are no generators, since making one takes longer than the check. */
const none: FieldErrors = Object.freeze([]);

export const immutableMessage = 'field is immutable';

/** Every message of a format check as an error of this field. */
export function formatErrors(path: string, value: unknown, messages: readonly string[]): FieldErrors {
  return messages.length === 0 ? none : messages.map((message) => fieldError.invalid(path, value, message));
}

export function nonNegative(path: string, value: number | undefined): FieldErrors {
  return value !== undefined && value < 0 ? [fieldError.invalid(path, value, 'must be greater than or equal to 0')] : none;
}

/** Upstream: ValidateImmutableField. */
export function immutable(path: string, next: unknown, previous: unknown): FieldErrors {
  return isSame(next, previous) ? none : [fieldError.invalid(path, next, immutableMessage)];
}

/** A field that must hold one of these values. Yields Required where it is empty. */
export function oneOf(path: string, value: string | undefined, supported: readonly string[]): FieldErrors {
  if (!value) return [fieldError.required(path)];
  return supported.includes(value) ? none : [fieldError.notSupported(path, value, supported)];
}

/** As `oneOf`, where the field may be absent. */
export function oneOfIfAny(path: string, value: string | undefined, supported: readonly string[]): FieldErrors {
  return value === undefined || supported.includes(value) ? none : [fieldError.notSupported(path, value, supported)];
}

// A required field that the writer left out is as good as an empty one.
export const dnsLabel = (path: string, value = ''): FieldErrors => formatErrors(path, value, isDns1123Label(value));
export const dnsSubdomain = (path: string, value = ''): FieldErrors => formatErrors(path, value, isDns1123Subdomain(value));
/** The name of a CSI driver, which may have capitals. Upstream: ValidateCSIDriverName. */
export function* driverName(path: string, name: string): FieldErrors {
  if (!name) {
    yield fieldError.required(path);
    return;
  }
  if (name.length > 63) yield fieldError.tooLong(path, 63);
  yield* formatErrors(path, name, isDns1123Subdomain(name.toLowerCase()));
}

export const qualifiedName = (path: string, value = ''): FieldErrors => formatErrors(path, value, isQualifiedName(value));

/** Upstream: metav1 validation.ValidateLabels. */
export function* labels(path: string, map: Readonly<Record<string, string>> | undefined): FieldErrors {
  for (const key in map) {
    yield* qualifiedName(path, key);
    yield* formatErrors(path, map[key], isLabelValue(map[key]!));
  }
}

/** Upstream: metav1 validation.ValidateLabelSelector. */
export function* labelSelector(path: string, selector: LabelSelector | undefined): FieldErrors {
  if (!selector) return;
  yield* labels(`${path}.matchLabels`, selector.matchLabels);
  for (const [i, requirement] of (selector.matchExpressions ?? []).entries()) yield* selectorRequirement(`${path}.matchExpressions[${i}]`, requirement);
}

function* selectorRequirement(path: string, { key, operator, values = [] }: LabelSelectorRequirement): FieldErrors {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) yield fieldError.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) yield fieldError.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  } else {
    yield fieldError.invalid(`${path}.operator`, operator, 'not a valid selector operator');
  }
  yield* qualifiedName(`${path}.key`, key);
  for (const [i, value] of values.entries()) yield* formatErrors(`${path}.values[${i}]`, value, isLabelValue(value));
}

/** Whether a selector has neither labels nor expressions. */
export function isEmptySelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

/** A port by number or by name. Upstream: ValidatePortNumOrName. */
export function portNumberOrName(path: string, port: number | string | undefined): FieldErrors {
  return typeof port === 'string' ? formatErrors(path, port, isPortName(port)) : formatErrors(path, port ?? 0, isPortNumber(port ?? 0));
}

/** A count or a percentage. Upstream: ValidatePositiveIntOrPercent. */
export function intOrPercent(path: string, value: number | string): FieldErrors {
  return typeof value === 'string' ? formatErrors(path, value, isPercent(value)) : nonNegative(path, value);
}

/** The number of `5` as of `5%`. */
export function intOrPercentNumber(value: number | string | undefined): number {
  return typeof value === 'string' ? Number.parseInt(value, 10) || 0 : (value ?? 0);
}

/** Upstream: IsNotMoreThan100Percent. */
export function* atMost100Percent(path: string, value: number | string): FieldErrors {
  if (typeof value === 'string' && /^[0-9]+%$/.test(value) && Number.parseInt(value, 10) > 100) yield fieldError.invalid(path, value, 'must not be greater than 100%');
}
