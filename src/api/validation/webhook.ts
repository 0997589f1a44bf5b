/** Upstream: pkg/apis/admissionregistration/validation, apiserver pkg/util/webhook. */
import { fieldError } from '../errors.ts';
import type { MatchCondition, MutatingWebhook, Rule, RuleWithOperations, ServiceReference } from '../generated/admissionregistration-v1.ts';
import { isDns1035Label, isDns1123Subdomain, isPortNumber, isQualifiedName } from '../names.ts';
import { formatErrors, labelSelector, oneOfIfAny, type FieldErrors } from './fields.ts';

const reviewVersions = ['v1', 'v1beta1'];
const sideEffects = ['None', 'NoneOnDryRun'];

/** A validating webhook is a mutating one without the reinvocation policy. */
export function* webhooksErrors(path: string, webhooks: readonly MutatingWebhook[]): FieldErrors {
  const names = new Set<string>();
  for (const [i, webhook] of webhooks.entries()) {
    const at = `${path}[${i}]`;
    yield* webhookErrors(at, webhook);
    yield* reviewVersionErrors(`${at}.admissionReviewVersions`, webhook.admissionReviewVersions ?? []);
    if (webhook.name && names.has(webhook.name)) yield fieldError.duplicate(`${at}.name`, webhook.name);
    names.add(webhook.name);
  }
}

function* webhookErrors(path: string, webhook: MutatingWebhook): FieldErrors {
  yield* qualifiedDomain(`${path}.name`, webhook.name ?? '');
  for (const [i, rule] of (webhook.rules ?? []).entries()) yield* operationRuleErrors(`${path}.rules[${i}]`, rule);
  yield* oneOfIfAny(`${path}.failurePolicy`, webhook.failurePolicy, ['Fail', 'Ignore']);
  yield* oneOfIfAny(`${path}.matchPolicy`, webhook.matchPolicy, ['Equivalent', 'Exact']);
  if (webhook.sideEffects === undefined) yield fieldError.required(`${path}.sideEffects`, `must specify one of ${sideEffects.join(', ')}`);
  else yield* oneOfIfAny(`${path}.sideEffects`, webhook.sideEffects, sideEffects);
  const seconds = webhook.timeoutSeconds;
  if (seconds !== undefined && (seconds > 30 || seconds < 1)) yield fieldError.invalid(`${path}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds');
  yield* labelSelector(`${path}.namespaceSelector`, webhook.namespaceSelector);
  yield* labelSelector(`${path}.objectSelector`, webhook.objectSelector);
  yield* oneOfIfAny(`${path}.reinvocationPolicy`, webhook.reinvocationPolicy, ['IfNeeded', 'Never']);
  yield* clientConfigErrors(`${path}.clientConfig`, webhook.clientConfig ?? {});
  yield* matchConditionErrors(`${path}.matchConditions`, webhook.matchConditions ?? []);
}

/** At least three parts. Upstream: IsFullyQualifiedName. */
function* qualifiedDomain(path: string, name: string): FieldErrors {
  if (name === '') {
    yield fieldError.required(path);
    return;
  }
  const faults = isDns1123Subdomain(name);
  if (faults.length) yield fieldError.invalid(path, name, faults.join(','));
  else if (name.split('.').length < 3) yield fieldError.invalid(path, name, 'should be a domain with at least three segments separated by dots');
}

export function* clientConfigErrors(path: string, { url, service }: { readonly url?: string; readonly service?: ServiceReference }): FieldErrors {
  if ((url === undefined) === (service === undefined)) yield fieldError.required(path, 'exactly one of url or service is required');
  else if (url !== undefined) yield* urlErrors(`${path}.url`, url);
  else yield* serviceErrors(`${path}.service`, service!);
}

function* urlErrors(path: string, text: string): FieldErrors {
  const form = '; desired format: https://host[/path]';
  if (!URL.canParse(text)) {
    yield /^[a-z]+:/i.test(text) ? fieldError.required(path, `url must be a valid URL: parse ${JSON.stringify(text)}${form}`) : fieldError.invalid(path, '', `'https' is the only allowed URL scheme${form}`);
    return;
  }
  const url = new URL(text);
  if (url.protocol !== 'https:') yield fieldError.invalid(path, url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`);
  if (!url.host) yield fieldError.invalid(path, '', `host must be specified${form}`);
  if (url.username || url.password) yield fieldError.invalid(path, url.username, 'user information is not permitted in the URL');
  if (url.hash) yield fieldError.invalid(path, url.hash.slice(1), 'fragments are not permitted in the URL');
  if (url.search) yield fieldError.invalid(path, url.search.slice(1), 'query parameters are not permitted in the URL');
}

function* serviceErrors(path: string, { name, namespace, port = 443, path: url }: ServiceReference): FieldErrors {
  // Upstream takes the two for each other, and clients know its words.
  if (!namespace) yield fieldError.required(`${path}.name`);
  if (!name) yield fieldError.required(`${path}.namespace`);
  const faults = isPortNumber(port);
  if (faults.length) yield fieldError.invalid(`${path}.port`, port, `port is not valid: ${faults.join(', ')}`);
  if (!url || url === '/') return;
  if (!url.startsWith('/')) yield fieldError.invalid(`${path}.path`, url, "must start with a '/'");
  for (const [i, step] of url.slice(1).replace(/\/$/, '').split('/').entries()) {
    if (step === '') yield fieldError.invalid(`${path}.path`, url, `segment[${i}] may not be empty`);
    else yield* formatErrors(`${path}.path`, url, isDns1123Subdomain(step).map((fault) => `segment[${i}]: ${fault}`));
  }
}

function* reviewVersionErrors(path: string, versions: readonly string[]): FieldErrors {
  if (versions.length === 0) {
    yield fieldError.required(path, `must specify one of ${reviewVersions.join(', ')}`);
    return;
  }
  for (const [i, version] of versions.entries()) {
    if (versions.indexOf(version) < i) yield fieldError.invalid(`${path}[${i}]`, version, 'duplicate version');
    else yield* formatErrors(`${path}[${i}]`, version, isDns1035Label(version));
  }
  if (!versions.some((version) => reviewVersions.includes(version))) yield fieldError.invalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`);
}

export function* operationRuleErrors(path: string, rule: RuleWithOperations, operations: readonly string[] = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']): FieldErrors {
  const named = rule.operations ?? [];
  if (named.length === 0) yield fieldError.required(`${path}.operations`);
  if (named.length > 1 && named.includes('*')) yield fieldError.invalid(`${path}.operations`, named, "if '*' is present, must not specify other operations");
  for (const [i, operation] of named.entries()) yield* oneOfIfAny(`${path}.operations[${i}]`, operation, operations);
  yield* ruleErrors(path, rule);
}

function* ruleErrors(path: string, rule: Rule): FieldErrors {
  for (const [field, what] of [['apiGroups', 'API groups'], ['apiVersions', 'API versions']] as const) {
    const values = rule[field] ?? [];
    if (values.length === 0) yield fieldError.required(`${path}.${field}`);
    if (values.length > 1 && values.includes('*')) yield fieldError.invalid(`${path}.${field}`, values, `if '*' is present, must not specify other ${what}`);
  }
  for (const [i, version] of (rule.apiVersions ?? []).entries()) if (version === '') yield fieldError.required(`${path}.apiVersions[${i}]`);
  yield* resourceErrors(`${path}.resources`, rule.resources ?? []);
  yield* oneOfIfAny(`${path}.scope`, rule.scope, ['*', 'Cluster', 'Namespaced']);
}

function* resourceErrors(path: string, resources: readonly string[]): FieldErrors {
  if (resources.length === 0) yield fieldError.required(path);
  const allOf = new Set<string>();
  const inAll = new Set<string>();
  for (const [i, resource] of resources.entries()) {
    if (resource === '') {
      yield fieldError.required(`${path}[${i}]`);
      continue;
    }
    const [name = '', sub] = resource.split('/', 2);
    if (sub === undefined) continue;
    if (allOf.has(name)) yield fieldError.invalid(`${path}[${i}]`, resource, `if '${name}/*' is present, must not specify ${resource}`);
    if (inAll.has(sub)) yield fieldError.invalid(`${path}[${i}]`, resource, `if '*/${sub}' is present, must not specify ${resource}`);
    if (sub === '*') allOf.add(name);
    if (name === '*') inAll.add(sub);
  }
  if (resources.length > 1 && resources.includes('*/*')) yield fieldError.invalid(path, resources, "if '*/*' is present, must not specify other resources");
  if (resources.includes('*') && resources.some((resource) => resource !== '*' && !resource.includes('/'))) {
    yield fieldError.invalid(path, resources, "if '*' is present, must not specify other resources without subresources");
  }
}

/** Whether the expressions compile is not checked here. */
export function* matchConditionErrors(path: string, conditions: readonly MatchCondition[]): FieldErrors {
  if (conditions.length > 64) yield fieldError.tooMany(path, conditions.length, 64);
  const names = new Set<string>();
  for (const [i, { name, expression }] of conditions.entries()) {
    if (!expression?.trim()) yield fieldError.required(`${path}[${i}].expression`);
    if (!name) {
      yield fieldError.required(`${path}[${i}].name`);
      continue;
    }
    yield* formatErrors(`${path}[${i}].name`, name, isQualifiedName(name));
    if (names.has(name)) yield fieldError.duplicate(`${path}[${i}].name`, name);
    names.add(name);
  }
}
