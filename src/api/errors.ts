/**
 * API faults, made only here and told apart by `reason`. Codes, reasons and wording as upstream: apimachinery pkg/api/errors.
 */

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** The resource (plural) or kind the fault is about. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly status: 'Failure' | 'Success';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code?: number;
}

/** The reasons a client of ours tells apart; a foreign server may send others. */
export type StatusReason =
  | 'Unauthorized' | 'Forbidden' | 'NotFound' | 'AlreadyExists' | 'Conflict' | 'Gone' | 'Expired' | 'Invalid' | 'BadRequest'
  | 'MethodNotAllowed' | 'NotAcceptable' | 'UnsupportedMediaType' | 'RequestEntityTooLarge' | 'TooManyRequests' | 'Timeout'
  | 'ServerTimeout' | 'ServiceUnavailable' | 'InternalError' | 'Unknown' | (string & {});

export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly status: Status;

  constructor(status: Status) {
    super(status.message ?? status.reason ?? 'unknown fault');
    this.status = status;
  }

  get code(): number {
    return this.status.code ?? 500;
  }

  get reason(): StatusReason {
    return this.status.reason ?? 'Unknown';
  }
}

export function statusError(code: number, reason: StatusReason, message: string, details?: StatusDetails): StatusError {
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, ...(details && { details }), code });
}

/** What upstream answers for a bare error, for which it knows no reason: 500 and its text. */
export function bareError(message: string): StatusError {
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });
}

/** Whether `error` is an API fault of this reason. */
export function isReason(error: unknown, ...reasons: StatusReason[]): error is StatusError {
  return error instanceof StatusError && reasons.includes(error.reason);
}

interface Named {
  readonly group: string;
  readonly resource: string;
}

/** `pods`, `deployments.apps`: how a fault's message names a resource. */
export function qualified(resource: Named): string {
  return resource.group ? `${resource.resource}.${resource.group}` : resource.resource;
}

const about = (resource: Named, name: string): StatusDetails => ({ name, ...(resource.group && { group: resource.group }), kind: resource.resource });

export function notFound(resource: Named, name: string): StatusError {
  return statusError(404, 'NotFound', `${qualified(resource)} "${name}" not found`, about(resource, name));
}

/** `isGoing`: what is there waits for its finalizers alone. */
export function alreadyExists(resource: Named, name: string, isGoing = false): StatusError {
  return statusError(409, 'AlreadyExists', `${isGoing ? 'object is being deleted: ' : ''}${qualified(resource)} "${name}" already exists`, about(resource, name));
}

export function conflict(resource: Named, name: string, cause = 'the object has been modified; please apply your changes to the latest version and try again'): StatusError {
  return statusError(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${cause}`, about(resource, name));
}

export function forbidden(resource: Named, name: string, cause: string): StatusError {
  const message = name ? `${qualified(resource)} "${name}" is forbidden: ${cause}` : `${qualified(resource)} is forbidden: ${cause}`;
  return statusError(403, 'Forbidden', message, { ...(name && { name }), ...(resource.group && { group: resource.group }), kind: resource.resource });
}

export function badRequest(message: string): StatusError {
  return statusError(400, 'BadRequest', message);
}

export function unauthorized(): StatusError {
  return statusError(401, 'Unauthorized', 'Unauthorized');
}

export function methodNotAllowed(resource: Named, verb: string): StatusError {
  return statusError(405, 'MethodNotAllowed', `${verb} is not supported on resources of kind "${qualified(resource)}"`, { ...(resource.group && { group: resource.group }), kind: resource.resource });
}

export function notAcceptable(accepted: readonly string[]): StatusError {
  return statusError(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);
}

/** The same of a built-in resource, for which upstream's router answers. */
export function notAcceptableHere(offered: readonly string[]): StatusError {
  return statusError(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${offered.join(', ')}`, {});
}

/** Upstream: apimachinery pkg/api/errors.NewGenericServerResponse. */
export function methodNotAllowedHere(): StatusError {
  return statusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

/** As for any path that leads nowhere. */
export function noSuchResource(): StatusError {
  return statusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  return statusError(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`);
}

/** The watch or list asked for a resource version that history no longer holds. */
export function expired(message: string): StatusError {
  return statusError(410, 'Expired', message);
}

export function tooManyRequests(message: string, retryAfterSeconds: number, causes?: readonly StatusCause[]): StatusError {
  return statusError(429, 'TooManyRequests', message, { retryAfterSeconds, ...(causes && { causes }) });
}

export function internalError(cause: unknown): StatusError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return statusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}

export function serviceUnavailable(message: string): StatusError {
  return statusError(503, 'ServiceUnavailable', message);
}

export type FieldErrorType =
  | 'FieldValueRequired' | 'FieldValueInvalid' | 'FieldValueDuplicate' | 'FieldValueForbidden' | 'FieldValueNotFound'
  | 'FieldValueNotSupported' | 'FieldValueTooLong' | 'FieldValueTooMany' | 'FieldValueTypeInvalid' | 'InternalError';

/** One fault of a field. `message` is the whole text after the path, `Invalid value: "x": must be …`, as upstream words it. */
export interface FieldError {
  readonly type: FieldErrorType;
  /** `spec.containers[0].image`. */
  readonly field: string;
  readonly message: string;
}

/** As Go shows a value: what is not there is null. */
const shown = (value: unknown): string => (value === undefined ? 'null' : typeof value === 'object' && value !== null ? JSON.stringify(value) : typeof value === 'string' ? JSON.stringify(value) : String(value));

/** Makers of field errors, worded as upstream's field package. */
export const fieldError = {
  required: (field: string, detail = ''): FieldError => ({ type: 'FieldValueRequired', field, message: detail ? `Required value: ${detail}` : 'Required value' }),
  invalid: (field: string, value: unknown, detail: string): FieldError => ({ type: 'FieldValueInvalid', field, message: `Invalid value: ${shown(value)}: ${detail}` }),
  /** Of a value that is better not shown. */
  invalidOmitted: (field: string, detail: string): FieldError => ({ type: 'FieldValueInvalid', field, message: `Invalid value: ${detail}` }),
  duplicate: (field: string, value: unknown): FieldError => ({ type: 'FieldValueDuplicate', field, message: `Duplicate value: ${shown(value)}` }),
  forbidden: (field: string, detail: string): FieldError => ({ type: 'FieldValueForbidden', field, message: `Forbidden: ${detail}` }),
  notFound: (field: string, value: unknown): FieldError => ({ type: 'FieldValueNotFound', field, message: `Not found: ${shown(value)}` }),
  notSupported: (field: string, value: unknown, supported: readonly string[]): FieldError => ({
    type: 'FieldValueNotSupported', field,
    message: `Unsupported value: ${shown(value)}${supported.length ? `: supported values: ${supported.map((v) => JSON.stringify(v)).join(', ')}` : ''}`,
  }),
  tooLong: (field: string, limit: number): FieldError => ({ type: 'FieldValueTooLong', field, message: `Too long: may not be more than ${limit} bytes` }),
  tooMany: (field: string, count: number, limit: number): FieldError => ({ type: 'FieldValueTooMany', field, message: `Too many: ${count}: must have at most ${limit} item${limit === 1 ? '' : 's'}` }),
  typeInvalid: (field: string, value: unknown, detail: string): FieldError => ({ type: 'FieldValueTypeInvalid', field, message: `Invalid value: ${shown(value)}: ${detail}` }),
};

/** 422 with one cause a field error. */
export function invalid(kind: { readonly group: string; readonly kind: string }, name: string, errors: readonly FieldError[]): StatusError {
  const qualifiedKind = kind.group ? `${kind.kind}.${kind.group}` : kind.kind;
  const texts = errors.map((e) => `${e.field}: ${e.message}`);
  const list = texts.length === 1 ? texts[0]! : `[${[...new Set(texts)].join(', ')}]`;
  return statusError(422, 'Invalid', `${qualifiedKind} "${name}" is invalid: ${list}`, {
    ...(name && { name }), ...(kind.group && { group: kind.group }), ...(kind.kind && { kind: kind.kind }),
    causes: errors.map((e) => ({ reason: e.type, message: e.message, field: e.field })),
  });
}
