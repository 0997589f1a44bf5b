import { CelError } from '../../api/cel/cel-error.ts';
import { badRequest, forbidden, internalError, StatusError } from '../../api/errors.ts';
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from '../../api/generated/resources.ts';
import type { KubeObject } from '../../api/object.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';
import { inRequestedVersion, inVersion } from './equivalent-version.ts';
import type { MatchConditions } from './match-conditions.ts';
import { Rounds } from './rounds.ts';
import { CallError, callWebhook, denial, type Webhook } from './webhook-call.ts';
import { isExempt, matchedResource } from './webhook-rules.ts';

export interface WebhookServices extends AdmissionServices {
  readonly matchConditions: MatchConditions;
}

/**
 * Asks the webhooks that may change an object, one after the other in the order of their configurations' names; those that want it are asked
 * again when a later one changed the object. Upstream: apiserver pkg/admission/plugin/webhook/mutating.
 */
export function mutatingWebhooks(services: WebhookServices): AdmissionPlugin {
  const name = 'MutatingAdmissionWebhook';
  return {
    name,
    handles: () => true,
    async admit(attributes) {
      const configurations = isExempt(attributes) ? [] : services.objects.list(mutatingWebhookConfigurations);
      if (configurations.length === 0) return undefined;
      const { rounds = new Rounds() } = attributes;
      const memory = rounds.of(name);
      let { object } = attributes;
      memory.begin(object);
      let index = -1;
      for (const { configuration, webhook } of webhooksOf(configurations)) {
        index++;
        const key = `${configuration}/${webhook.name}`;
        if (!memory.isWanted(key)) continue;
        const asked = await ask(services, webhook, { ...attributes, ...(object && { object }) }, { configuration, index, round: rounds.round });
        if (!asked) continue;
        memory.asked(key, { changed: asked.object !== object, reinvocable: webhook.reinvocationPolicy === 'IfNeeded' });
        object = asked.object;
      }
      memory.end(object);
      return object === attributes.object ? undefined : object;
    },
  };
}

function* webhooksOf<W extends Webhook>(configurations: readonly { readonly metadata: { readonly name: string }; readonly webhooks?: readonly W[] }[]): Generator<{ readonly configuration: string; readonly webhook: W }> {
  for (const { metadata, webhooks = [] } of configurations) for (const webhook of webhooks) yield { configuration: metadata.name, webhook };
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
      const results = await Promise.allSettled([...webhooksOf(configurations)].map(({ webhook }, index) => ask(services, webhook, attributes, { index })));
      const refused = results.find((result) => result.status === 'rejected');
      if (refused) throw refused.reason;
    },
  };
}

/** Where a webhook stands among all. One that may change the object belongs to a configuration and is asked in a round. */
interface Place {
  readonly index: number;
  readonly configuration?: string;
  readonly round?: number;
}

/**
 * What a webhook that let the request pass made of the object; undefined where it was not asked. One that could not be asked and does not insist
 * changes nothing. Throws the refusal.
 */
async function ask(services: WebhookServices, webhook: Webhook, given: AdmissionAttributes, { index, configuration, round = 0 }: Place): Promise<{ readonly object: KubeObject | undefined } | undefined> {
  const { webhookClient, matchConditions, admissionMetrics, log } = services;
  const resource = matchedResource(services, webhook, given);
  if (!resource) return undefined;
  const attributes = await inVersion(services, given, resource);
  if (!(await conditionsHold(matchConditions, webhook, attributes))) return undefined;
  const { operation, context: { audit, warn } } = attributes;
  const mutating = configuration !== undefined;
  const type = mutating ? 'admit' : 'validating';
  const place = `round_${round}_index_${index}`;
  const startedAt = admissionMetrics.now();
  const tell = (code: number, rejected: boolean, error: 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error' = 'no_error'): void => {
    admissionMetrics.webhook(webhook.name, type, operation, startedAt, { code, rejected });
    if (rejected) admissionMetrics.webhookRejection(webhook.name, type, operation, error, code);
  };
  let object = given.object;
  try {
    if (attributes.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun') {
      throw badRequest(`admission webhook ${JSON.stringify(webhook.name)} does not support dry run`);
    }
    const answer = await callWebhook(webhookClient, webhook, attributes, services.random.uuid(), mutating);
    for (const text of answer.warnings ?? []) warn(text);
    for (const [key, value] of Object.entries(answer.auditAnnotations ?? {})) audit?.annotate(`${webhook.name}/${key}`, String(value));
    if (!answer.allowed) {
      const refusal = denial(webhook.name, answer.status);
      tell(refusal.code, true);
      throw refusal;
    }
    const patch = mutating && answer.patch ? (JSON.parse(Buffer.from(answer.patch, 'base64').toString()) as readonly unknown[]) : [];
    if (patch.length > 0) {
      object = await patched(services, webhook, attributes, patch, given.object);
      audit?.annotate(`patch.webhook.admission.k8s.io/${place}`, JSON.stringify({ configuration, webhook: webhook.name, patch, patchType: 'JSONPatch' }), 'Request');
    }
    tell(200, false);
    return { object };
  } catch (error) {
    if (!(error instanceof CallError)) {
      if (error instanceof StatusError && error.code >= 500) tell(0, true, 'apiserver_internal_error');
      throw error;
    }
    const ignored = webhook.failurePolicy === 'Ignore';
    tell(error.code, !ignored, 'calling_webhook_error');
    const fault = `failed calling webhook ${JSON.stringify(webhook.name)}: ${error.message}`;
    if (!ignored) throw internalError(fault);
    log.warn(fault);
    admissionMetrics.webhookFailedOpen(webhook.name, type);
    audit?.annotate(`failed-open.${mutating ? 'mutation' : 'validating'}.webhook.admission.k8s.io/${place}`, webhook.name);
    return mutating ? { object } : undefined;
  } finally {
    if (mutating) audit?.annotate(`mutation.webhook.admission.k8s.io/${place}`, JSON.stringify({ configuration, webhook: webhook.name, mutated: object !== given.object }));
  }
}

/** The object with a webhook's patch, as the request has it; the same object where nothing changed. */
async function patched(services: WebhookServices, webhook: Webhook, seen: AdmissionAttributes, patch: readonly unknown[], before: KubeObject | undefined): Promise<KubeObject> {
  if (!before || !seen.object) throw internalError(`admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object, which is not supported for this operation`);
  try {
    const changed = pruned(services, seen, applyJsonPatch(seen.object, patch));
    return deepEqual(changed, seen.object) ? before : await inRequestedVersion(services, seen, changed);
  } catch (error) {
    throw internalError(error);
  }
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
