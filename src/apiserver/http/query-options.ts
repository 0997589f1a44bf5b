import { badRequest, fieldError, invalid, type FieldError } from '../../api/errors.ts';
import type { DeleteOptions, ListOptions, WatchOptions, WriteOptions } from '../../client/client.ts';
import { isTrue } from './request-info.ts';
import { shownText } from '../../api/schema/shown-text.ts';

/** Options that come as query parameters. Upstream: apimachinery pkg/apis/meta/v1.ListOptions and its siblings. */

const number = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
};

/** Throws 400 for a time-out that is none. Nothing here takes long enough for one to end it. Upstream: apiserver pkg/endpoints/filters.WithRequestDeadline. */
export function checkTimeout(query: URLSearchParams): void {
  const timeout = query.get('timeout');
  if (timeout && !/^(0|(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+)$/.test(timeout)) throw badRequest('invalid timeout specified in the request URL');
}

export function listOptions(query: URLSearchParams, namespace: string): ListOptions {
  const limit = number(query, 'limit');
  number(query, 'timeoutSeconds');
  const match = query.get('resourceVersionMatch');
  const resourceVersion = query.get('resourceVersion') ?? '';
  const refuse = (problem: ReturnType<typeof fieldError.forbidden>): never => {
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [problem]);
  };
  if (match) {
    if (match !== 'Exact' && match !== 'NotOlderThan') refuse(fieldError.notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']));
    if (!resourceVersion) refuse(fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    if (query.get('continue')) refuse(fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'));
    if (match === 'Exact' && resourceVersion === '0') refuse(fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (query.has('sendInitialEvents')) refuse(fieldError.forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  const labelSelector = query.get('labelSelector');
  const fieldSelector = query.get('fieldSelector');
  const token = query.get('continue');
  return {
    ...(namespace && { namespace }), ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }),
    ...(limit && limit > 0 && { limit }), ...(token && { continue: token }),
    ...(resourceVersion && { resourceVersion: token && resourceVersion === '0' ? '' : resourceVersion }), ...(match && { resourceVersionMatch: match as 'Exact' | 'NotOlderThan' }),
  };
}

export function watchOptions(query: URLSearchParams, namespace: string): WatchOptions {
  const timeoutSeconds = number(query, 'timeoutSeconds');
  const initial = query.has('sendInitialEvents') ? isTrue(query.get('sendInitialEvents')) : undefined;
  const match = query.get('resourceVersionMatch');
  if (initial !== undefined && match !== 'NotOlderThan') {
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [fieldError.forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')]);
  }
  if (initial === undefined && match) {
    throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')]);
  }
  const labelSelector = query.get('labelSelector');
  const fieldSelector = query.get('fieldSelector');
  const resourceVersion = query.get('resourceVersion');
  return {
    ...(namespace && { namespace }), ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }),
    ...(resourceVersion && { resourceVersion }), ...(timeoutSeconds && timeoutSeconds > 0 && { timeoutSeconds }),
    ...(query.has('allowWatchBookmarks') && { allowWatchBookmarks: isTrue(query.get('allowWatchBookmarks')) }), ...(initial !== undefined && { sendInitialEvents: initial }),
  };
}

const FIELD_VALIDATIONS = ['Ignore', 'Warn', 'Strict'] as const;

/** Names of managers are at most this long, in bytes. */
const MAX_MANAGER = 128;

/** CreateOptions, UpdateOptions and PatchOptions. `userAgent` gives the field manager where none is named. Throws 422 for values that are not known. */
export function writeOptions(query: URLSearchParams, userAgent: string, kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions'): WriteOptions & { readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore'; readonly fieldManager: string } {
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  const errors = dryRunErrors(query.getAll('dryRun'));
  if (!(FIELD_VALIDATIONS as readonly string[]).includes(fieldValidation)) errors.push(fieldError.notSupported('fieldValidation', fieldValidation, ['', 'Ignore', 'Strict', 'Warn']));
  errors.push(...managerErrors(query.get('fieldManager') ?? ''));
  if (errors.length) throw invalid({ group: 'meta.k8s.io', kind }, '', errors);
  return {
    fieldValidation: fieldValidation as 'Strict' | 'Warn' | 'Ignore', dryRun: query.getAll('dryRun').some((value) => value !== ''),
    fieldManager: query.get('fieldManager') || managerOf(userAgent),
  };
}

/** Upstream: apimachinery pkg/apis/meta/v1/validation.ValidateFieldManager. */
function managerErrors(manager: string): readonly FieldError[] {
  const unprintable = [...manager].findIndex((character) => /\p{C}/u.test(character));
  const code = [...manager][unprintable]?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  return [
    ...(Buffer.byteLength(manager) > MAX_MANAGER ? [fieldError.tooLong('fieldManager', MAX_MANAGER)] : []),
    ...(code === undefined ? [] : [fieldError.invalid('fieldManager', manager, `invalid character U+${code} (at position ${unprintable})`)]),
  ];
}

/** The program's name: what stands before the first slash. Upstream: apiserver pkg/endpoints/handlers.prefixFromUserAgent. */
function managerOf(userAgent: string): string {
  return userAgent.split('/')[0]!.replace(/[^\x20-\x7e]/g, '').slice(0, MAX_MANAGER);
}

const dryRunErrors = (values: readonly string[]): FieldError[] => (values.every((value) => value === '' || value === 'All') ? [] : [fieldError.notSupported('dryRun', values, ['All'])]);

/** DeleteOptions of the query, or of the body where there is one. Throws 422 for values that are not known. */
export function deleteOptions(query: URLSearchParams, body: unknown): DeleteOptions {
  const sent = (body as Record<string, unknown> | undefined) ?? fromQuery(query);
  const { gracePeriodSeconds, propagationPolicy, orphanDependents, preconditions, dryRun } = sent;
  const values = Array.isArray(dryRun) ? dryRun.map(shownText) : [];
  const errors = dryRunErrors(values);
  if (propagationPolicy != null && orphanDependents != null) errors.push(fieldError.invalid('propagationPolicy', propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set'));
  if (propagationPolicy != null && !['Foreground', 'Background', 'Orphan'].includes(shownText(propagationPolicy))) {
    errors.push(fieldError.notSupported('propagationPolicy', propagationPolicy, ['Foreground', 'Background', 'Orphan', 'nil']));
  }
  if (errors.length) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  const policy = propagationPolicy ?? (orphanDependents == null ? undefined : orphanDependents ? 'Orphan' : 'Background');
  return {
    ...(gracePeriodSeconds != null && { gracePeriodSeconds: Number(gracePeriodSeconds) }),
    ...(policy !== undefined && { propagationPolicy: policy as 'Foreground' | 'Background' | 'Orphan' }),
    ...(preconditions != null && { preconditions: preconditions as NonNullable<DeleteOptions['preconditions']> }),
    ...(values.length > 0 && { dryRun: true }),
  };
}

function fromQuery(query: URLSearchParams): Record<string, unknown> {
  const grace = number(query, 'gracePeriodSeconds');
  const orphan = query.get('orphanDependents');
  return {
    gracePeriodSeconds: grace, propagationPolicy: query.get('propagationPolicy') || undefined,
    orphanDependents: orphan === null ? undefined : isTrue(orphan), dryRun: query.getAll('dryRun').filter((value) => value !== ''),
  };
}
