/** Upstream: pkg/registry/admissionregistration, pkg/apis/admissionregistration/v1/defaults.go. */
import type { KindDefinition } from '../kind.ts';
import type { MutatingWebhook, MutatingWebhookConfiguration, RuleWithOperations, ValidatingWebhook, ValidatingWebhookConfiguration } from '../generated/admissionregistration-v1.ts';
import { mutatingWebhookConfigurations, validatingWebhookConfigurations } from '../generated/resources.ts';
import type { KubeObject } from '../object.ts';
import { isSame } from '../validation/same.ts';
import { webhooksErrors } from '../validation/webhook.ts';
import { fill, fillAbsent, mapItems, mapMember } from './fill.ts';
import { ageColumn, integer, nameColumn } from './table-columns.ts';

interface Configuration<H> extends KubeObject {
  readonly webhooks?: readonly H[];
}

export const mutatingWebhookConfiguration: KindDefinition<MutatingWebhookConfiguration> = {
  resource: mutatingWebhookConfigurations,
  defaults: (object) => mapMember(object, 'webhooks', (webhooks) => mapItems(webhooks, (webhook) => fill(defaultWebhook<MutatingWebhook>(webhook), { reinvocationPolicy: 'Never' }))),
  ...shared<MutatingWebhook, MutatingWebhookConfiguration>(),
};

export const validatingWebhookConfiguration: KindDefinition<ValidatingWebhookConfiguration> = {
  resource: validatingWebhookConfigurations,
  defaults: (object) => mapMember(object, 'webhooks', (webhooks) => mapItems(webhooks, (webhook) => defaultWebhook<ValidatingWebhook>(webhook))),
  ...shared<ValidatingWebhook, ValidatingWebhookConfiguration>(),
};

function defaultWebhook<H extends ValidatingWebhook>(webhook: H): H {
  let next: ValidatingWebhook = fillAbsent<ValidatingWebhook>(webhook, { failurePolicy: 'Fail', matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, timeoutSeconds: 10 });
  next = mapMember(next, 'rules', (rules) => mapItems(rules, (rule) => fillAbsent<RuleWithOperations>(rule, { scope: '*' })));
  return mapMember(next, 'clientConfig', (config) => mapMember(config, 'service', (service) => fill(service, { port: 443 }))) as H;
}

function shared<H extends ValidatingWebhook, C extends Configuration<H>>(): Omit<KindDefinition<C>, 'resource' | 'defaults'> {
  return {
    prepareForCreate: (object) => ({ ...object, metadata: { ...object.metadata, generation: 1 } }),
    prepareForUpdate(next, previous) {
      const before = previous.metadata.generation ?? 0;
      return { ...next, metadata: { ...next.metadata, generation: isSame(next.webhooks, previous.webhooks) ? before : before + 1 } };
    },
    validate: (object) => [...webhooksErrors('webhooks', object.webhooks ?? [])],
    generation: false,
    unconditionalUpdate: false,
    columns: [nameColumn, integer('Webhooks', 'How many webhooks there are.', (object) => object.webhooks?.length ?? 0), ageColumn],
  };
}
