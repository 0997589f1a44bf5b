import { CelError } from '../../api/cel/cel-error.ts';
import { badRequest, forbidden, internalError, StatusError, type Status } from '../../api/errors.ts';
import type { MutatingWebhook, ValidatingWebhook } from '../../api/generated/admissionregistration-v1.ts';
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from '../../api/generated/resources.ts';
import type { KubeObject } from '../../api/object.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';
import { reviewOf } from './admission-review.ts';
import type { MatchConditions } from './match-conditions.ts';
import type { WebhookClient } from './webhook-client.ts';
import { converted, inWantedVersion } from './equivalent-version.ts';
import { isExempt, requestMatches } from './webhook-rules.ts';

type Webhook = MutatingWebhook | ValidatingWebhook;

interface Answer {
  readonly uid?: string;
  readonly allowed?: boolean;
  readonly patch?: string;
  readonly patchType?: string;
  readonly status?: Partial<Status>;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, unknown>>;
}

/** A webhook could not be asked, or did not answer properly: its failure policy decides what that means. */
class CallError extends Error {
  override readonly name = 'CallError';
}

export interface WebhookServices extends AdmissionServices {
  readonly matchConditions: MatchConditions;
}

/**
 * Asks the webhooks that may change an object, one after the other in the order of their configurations' names; those that want it are asked
 * again when a later one changed the object. Upstream: apiserver pkg/admission/plugin/webhook/mutating.
 */
export function mutatingWebhooks(services: WebhookServices): AdmissionPlugin {
  return {
    name: 'MutatingAdmissionWebhook',
    handles: () => true,
    async admit(attributes) {
      const configurations = isExempt(attributes) ? [] : services.objects.list(mutatingWebhookConfigurations);
      if (configurations.length === 0) return undefined;
      const webhooks = configurations.flatMap((configuration) => configuration.webhooks ?? []);
      let { object } = attributes;
      /** What each webhook that may be asked again left behind. */
      const left = new Map<MutatingWebhook, KubeObject | undefined>();
      for (const webhook of webhooks) {
        object = await mutate(services, webhook, { ...attributes, ...(object && { object }) });
        if (webhook.reinvocationPolicy === 'IfNeeded') left.set(webhook, object);
      }
      for (const [webhook, result] of left) {
        if (object && !deepEqual(result, object)) object = await mutate(services, webhook, { ...attributes, object });
      }
      return object === attributes.object ? undefined : object;
    },
  };
}

async function mutate(services: WebhookServices, webhook: MutatingWebhook, attributes: AdmissionAttributes): Promise<KubeObject | undefined> {
  const { object } = attributes;
  const asked = await ask(services, webhook, attributes, true);
  if (!asked?.answer.patch) return object;
  const { answer, seen } = asked;
  const patch = JSON.parse(Buffer.from(answer.patch!, 'base64').toString()) as readonly unknown[];
  if (patch.length === 0) return object;
  if (!object || !seen.object) throw internalError(`admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object, which is not supported for this operation`);
  try {
    const changed = pruned(services, seen, applyJsonPatch(seen.object, patch));
    return seen.requested ? await converted(services, changed, seen.resource, seen.requested) : changed;
  } catch (error) {
    throw internalError(error);
  }
}

/** As the resource's schema has it: what a webhook adds is read as if a client had sent it. */
export function pruned({ registry }: AdmissionServices, { resource, subresource }: AdmissionAttributes, patched: unknown): KubeObject {
  const schema = registry.find(resource.group, resource.version, resource.resource)?.served.schema;
  const isOwnKind = subresource === '' || (patched as Partial<KubeObject>).kind === resource.kind;
  return schema && isOwnKind ? schema.decode(patched).object : (patched as KubeObject);
}

/** Asks all webhooks that may refuse, at once. Upstream: apiserver pkg/admission/plugin/webhook/validating. */
export function validatingWebhooks(services: WebhookServices): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    handles: () => true,
    async validate(attributes) {
      const configurations = isExempt(attributes) ? [] : services.objects.list(validatingWebhookConfigurations);
      if (configurations.length === 0) return;
      const results = await Promise.allSettled(configurations.flatMap((configuration) => configuration.webhooks ?? []).map((webhook) => ask(services, webhook, attributes, false)));
      const refused = results.find((result) => result.status === 'rejected');
      if (refused) throw refused.reason;
    },
  };
}

/** What a webhook that let the request pass answered, and what it was shown; undefined where it was not asked, or could not be and does not insist. Throws the refusal. */
async function ask(services: WebhookServices, webhook: Webhook, given: AdmissionAttributes, mutating: boolean): Promise<{ readonly answer: Answer; readonly seen: AdmissionAttributes } | undefined> {
  const { objects, webhookClient, matchConditions, log } = services;
  if (!requestMatches(objects, webhook, given)) return undefined;
  const attributes = await inWantedVersion(services, webhook.rules ?? [], given);
  if (!(await conditionsHold(matchConditions, webhook, attributes))) return undefined;
  if (attributes.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun') {
    throw badRequest(`admission webhook ${JSON.stringify(webhook.name)} does not support dry run`);
  }
  let answer: Answer;
  try {
    answer = await call(webhookClient, webhook, reviewOf(attributes, services.random.uuid()), mutating);
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const fault = `failed calling webhook ${JSON.stringify(webhook.name)}: ${error.message}`;
    if (webhook.failurePolicy !== 'Ignore') throw internalError(fault);
    log.warn(fault);
    return undefined;
  }
  for (const text of answer.warnings ?? []) attributes.context.warn(text);
  for (const [key, value] of Object.entries(answer.auditAnnotations ?? {})) attributes.context.audit?.annotate(`${webhook.name}/${key}`, String(value));
  if (!answer.allowed) throw denial(webhook.name, answer.status);
  return { answer, seen: attributes };
}

/** A condition that cannot be told refuses the request where the webhook insists on being asked, and else skips the webhook. */
async function conditionsHold(matchConditions: MatchConditions, webhook: Webhook, attributes: AdmissionAttributes): Promise<boolean> {
  try {
    return await matchConditions.hold(webhook.matchConditions ?? [], attributes);
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    if (webhook.failurePolicy === 'Ignore') return false;
    throw forbidden(attributes.resource, attributes.name, error.message);
  }
}

async function call(client: WebhookClient, webhook: Webhook, review: ReturnType<typeof reviewOf>, mutating: boolean): Promise<Answer> {
  let answered: { readonly apiVersion?: string; readonly kind?: string; readonly response?: Answer };
  try {
    answered = (await client.post(webhook.clientConfig, review, webhook.timeoutSeconds ?? 10)) as typeof answered;
  } catch (error) {
    throw new CallError(`failed to call webhook: ${(error as Error).message}`, { cause: error });
  }
  const fault = answerFault(answered, review.request.uid, mutating);
  if (fault) throw new CallError(`received invalid webhook response: ${fault}`);
  return answered.response!;
}

function answerFault({ apiVersion, kind, response }: { readonly apiVersion?: string; readonly kind?: string; readonly response?: Answer }, uid: string, mutating: boolean): string | undefined {
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
