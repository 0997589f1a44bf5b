import { StatusError, type Status } from '../../api/errors.ts';
import type { MutatingWebhook, ValidatingWebhook } from '../../api/generated/admissionregistration-v1.ts';
import type { AdmissionAttributes } from './admission.ts';
import { reviewOf } from './admission-review.ts';
import type { WebhookClient } from './webhook-client.ts';

export type Webhook = MutatingWebhook | ValidatingWebhook;

export interface WebhookAnswer {
  readonly uid?: string;
  readonly allowed?: boolean;
  readonly patch?: string;
  readonly patchType?: string;
  readonly status?: Partial<Status>;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, unknown>>;
}

/** A webhook could not be asked, or did not answer properly: its failure policy decides what that means. */
export class CallError extends Error {
  override readonly name = 'CallError';
  /** The status of the failed call. */
  readonly code: number;

  constructor(message: string, code: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const KNOWN_REVIEWS: readonly string[] = ['v1', 'v1beta1'];

/** Asks one webhook in the first version of reviews that it takes and we know. Throws CallError. Upstream: webhook/request. */
export async function callWebhook(client: WebhookClient, webhook: Webhook, attributes: AdmissionAttributes, uid: string, mutating: boolean): Promise<WebhookAnswer> {
  const version = (webhook.admissionReviewVersions ?? []).find((known) => KNOWN_REVIEWS.includes(known));
  if (version === undefined) throw new CallError('could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)', 400);
  let answered: Answered;
  try {
    answered = (await client.post(webhook.clientConfig, { ...reviewOf(attributes, uid), apiVersion: `admission.k8s.io/${version}` }, webhook.timeoutSeconds ?? 10)) as Answered;
  } catch (error) {
    throw new CallError(`failed to call webhook: ${(error as Error).message}`, 500, { cause: error });
  }
  const { response } = answered;
  const fault = response && version === 'v1beta1' ? undefined : answerFault(answered, uid, mutating);
  if (fault) throw new CallError(`received invalid webhook response: ${fault}`, 503);
  return version === 'v1' ? response! : { ...response, patchType: 'JSONPatch' };
}

interface Answered {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly response?: WebhookAnswer;
}

/** Old reviews were not looked at so closely. */
function answerFault({ apiVersion, kind, response }: Answered, uid: string, mutating: boolean): string | undefined {
  if (!response) return 'webhook response was absent';
  if (response.uid !== uid) return `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`;
  if (apiVersion !== 'admission.k8s.io/v1' || kind !== 'AdmissionReview') return `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${apiVersion ?? ''}, Kind=${kind ?? ''}`;
  if (!mutating) {
    if (response.patch) return 'validating webhook may not return response.patch';
    return response.patchType === undefined ? undefined : 'validating webhook may not return response.patchType';
  }
  if (response.patch && response.patchType === undefined) return 'webhook returned response.patch but not response.patchType';
  if (!response.patch && response.patchType !== undefined) return 'webhook returned response.patchType but not response.patch';
  return response.patchType === undefined || response.patchType === 'JSONPatch' ? undefined : `unsupported patch type ${JSON.stringify(response.patchType)}`;
}

/** Upstream: webhook/errors.ToStatusErr. */
export function denial(name: string, status: Partial<Status> | undefined): StatusError {
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  const why = status?.message || status?.reason;
  const code = Math.max(400, status?.code ?? 400);
  return new StatusError({
    kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: why ? `${denied}: ${why}` : `${denied} without explanation`,
    ...(status?.reason && { reason: status.reason }), ...(status?.details && { details: status.details }), code,
  });
}
