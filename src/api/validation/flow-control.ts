/** Upstream: pkg/apis/flowcontrol/validation, but for the fixed specs of the mandatory objects. */
import { fieldError } from '../errors.ts';
import type { FlowSchemaSpec, LimitResponse, NonResourcePolicyRule, PolicyRulesWithSubjects, PriorityLevelConfigurationSpec, ResourcePolicyRule, Subject } from '../generated/flowcontrol-v1.ts';
import { isDns1123Label } from '../names.ts';
import { dnsLabel, dnsSubdomain, formatErrors, type FieldErrors } from './fields.ts';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];

export function* flowSchemaErrors(path: string, spec: FlowSchemaSpec, name: string): FieldErrors {
  const precedence = spec.matchingPrecedence ?? 0;
  const at = `${path}.matchingPrecedence`;
  if (precedence <= 0) yield fieldError.invalid(at, precedence, 'must be a positive value');
  if (precedence > 10000) yield fieldError.invalid(at, precedence, 'must not be greater than 10000');
  if (precedence === 1 && name !== 'exempt') yield fieldError.invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
  const method = spec.distinguisherMethod;
  if (method && !['ByNamespace', 'ByUser'].includes(method.type)) yield fieldError.notSupported(`${path}.distinguisherMethod.type`, method, ['ByNamespace', 'ByUser']);
  const level = spec.priorityLevelConfiguration?.name;
  if (!level) yield fieldError.required(`${path}.priorityLevelConfiguration.name`, 'must reference a priority level');
  else yield* dnsSubdomain(`${path}.priorityLevelConfiguration.name`, level);
  for (const [i, rule] of (spec.rules ?? []).entries()) yield* ruleErrors(`${path}.rules[${i}]`, rule);
}

function* ruleErrors(path: string, rule: PolicyRulesWithSubjects): FieldErrors {
  if (!rule.subjects?.length) yield fieldError.required(`${path}.subjects`, 'subjects must contain at least one value');
  for (const [i, subject] of (rule.subjects ?? []).entries()) yield* subjectErrors(`${path}.subjects[${i}]`, subject);
  if (!rule.resourceRules?.length && !rule.nonResourceRules?.length) yield fieldError.required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty');
  for (const [i, one] of (rule.resourceRules ?? []).entries()) yield* resourceRuleErrors(`${path}.resourceRules[${i}]`, one);
  for (const [i, one] of (rule.nonResourceRules ?? []).entries()) yield* nonResourceRuleErrors(`${path}.nonResourceRules[${i}]`, one);
}

const subjectFields = { ServiceAccount: 'serviceAccount', User: 'user', Group: 'group' } as const;

function* subjectErrors(path: string, subject: Subject): FieldErrors {
  const wanted = subjectFields[subject.kind as keyof typeof subjectFields];
  if (wanted === undefined) {
    yield fieldError.notSupported(`${path}.kind`, subject.kind ?? '', ['Group', 'ServiceAccount', 'User']);
    return;
  }
  const named = subject[wanted];
  if (!named) yield fieldError.required(`${path}.${wanted}`, `${wanted} is required when subject kind is '${subject.kind}'`);
  else if (!named.name) yield fieldError.required(`${path}.${wanted}.name`);
  if (wanted === 'serviceAccount' && subject.serviceAccount) {
    const { name, namespace } = subject.serviceAccount;
    if (name && name !== '*') yield* dnsSubdomain(`${path}.serviceAccount.name`, name);
    if (namespace) yield* dnsLabel(`${path}.serviceAccount.namespace`, namespace);
    else yield fieldError.required(`${path}.serviceAccount.namespace`, 'must specify namespace for service account');
  }
  for (const [kind, field] of Object.entries(subjectFields)) {
    if (field !== wanted && subject[field]) yield fieldError.forbidden(`${path}.${field}`, `${field} is forbidden when subject kind is not '${kind}'`);
  }
}

function* verbErrors(path: string, named: readonly string[]): FieldErrors {
  if (named.length === 0) yield fieldError.required(path, 'verbs must contain at least one value');
  else if (named.includes('*')) {
    if (named.length > 1) yield fieldError.invalid(path, named, "if '*' is present, must not specify other verbs");
  } else if (!named.every((verb) => verbs.includes(verb))) {
    yield fieldError.notSupported(path, named, verbs);
  }
}

function* nonResourceRuleErrors(path: string, rule: NonResourcePolicyRule): FieldErrors {
  yield* verbErrors(`${path}.verbs`, rule.verbs ?? []);
  const at = `${path}.nonResourceURLs`;
  const urls = rule.nonResourceURLs ?? [];
  if (urls.length === 0) yield fieldError.required(at, 'nonResourceURLs must contain at least one value');
  else if (urls.includes('*')) {
    if (urls.length > 1) yield fieldError.invalid(at, urls, "if '*' is present, must not specify other non-resource URLs");
  } else {
    for (const [i, url] of urls.entries()) {
      const fault = urlFault(url);
      if (fault) yield fieldError.invalid(`${at}[${i}]`, url, fault);
    }
  }
}

function urlFault(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (url === '/') return undefined;
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const stars = url.split('*').length - 1;
  return stars > 1 || (stars === 1 && !url.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined;
}

function* resourceRuleErrors(path: string, rule: ResourcePolicyRule): FieldErrors {
  yield* verbErrors(`${path}.verbs`, rule.verbs ?? []);
  for (const [field, one, many] of [['apiGroups', 'api group', 'api groups'], ['resources', 'resource', 'resources']] as const) {
    const values = rule[field] ?? [];
    if (values.length === 0) yield fieldError.required(`${path}.${field}`, `resource rules must supply at least one ${one}`);
    else if (values.length > 1 && values.includes('*')) yield fieldError.invalid(`${path}.${field}`, values, `if '*' is present, must not specify other ${many}`);
  }
  const namespaces = rule.namespaces ?? [];
  const at = `${path}.namespaces`;
  if (namespaces.length === 0 && !rule.clusterScope) yield fieldError.required(at, 'resource rules that are not cluster scoped must supply at least one namespace');
  else if (namespaces.includes('*')) {
    if (namespaces.length > 1) yield fieldError.invalid(at, namespaces, "if '*' is present, must not specify other namespaces");
  } else {
    for (const [i, namespace] of namespaces.entries()) {
      yield* formatErrors(`${at}[${i}]`, namespace, isDns1123Label(namespace).map((fault) => `each member of this list must be '*' or a DNS-1123 label; ${fault}`));
    }
  }
}

export function* priorityLevelErrors(path: string, spec: PriorityLevelConfigurationSpec, name: string): FieldErrors {
  if ((name === 'exempt') !== (spec.type === 'Exempt')) yield fieldError.invalid(`${path}.type`, spec.type ?? '', "must be 'Exempt' if and only if `name` is 'exempt'");
  if (spec.type === 'Exempt') {
    if (spec.limited) yield fieldError.forbidden(`${path}.limited`, 'must be nil if the type is not Limited');
    yield* shareErrors(`${path}.exempt`, spec.exempt ?? {});
  } else if (spec.type === 'Limited') {
    if (spec.exempt) yield fieldError.forbidden(`${path}.exempt`, 'must be nil if the type is Limited');
    if (!spec.limited) {
      yield fieldError.required(`${path}.limited`, 'must not be empty when type is Limited');
      return;
    }
    yield* shareErrors(`${path}.limited`, spec.limited);
    yield* responseErrors(`${path}.limited.limitResponse`, spec.limited.limitResponse);
    const borrowing = spec.limited.borrowingLimitPercent;
    if (borrowing !== undefined && borrowing < 0) yield fieldError.invalid(`${path}.limited.borrowingLimitPercent`, borrowing, 'if specified, must be a non-negative integer');
  } else {
    yield fieldError.notSupported(`${path}.type`, spec.type ?? '', ['Exempt', 'Limited']);
  }
}

function* shareErrors(path: string, { nominalConcurrencyShares: shares, lendablePercent: percent }: { readonly nominalConcurrencyShares?: number; readonly lendablePercent?: number }): FieldErrors {
  if (shares !== undefined && shares < 0) yield fieldError.invalid(`${path}.nominalConcurrencyShares`, shares, 'must be a non-negative integer');
  if (percent !== undefined && (percent < 0 || percent > 100)) yield fieldError.invalid(`${path}.lendablePercent`, percent, 'must be between 0 and 100, inclusive');
}

function* responseErrors(path: string, response: LimitResponse | undefined): FieldErrors {
  const queuing = response?.queuing;
  switch (response?.type) {
    case 'Reject':
      if (queuing) yield fieldError.forbidden(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited');
      return;
    case 'Queue': {
      if (!queuing) {
        yield fieldError.required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited');
        return;
      }
      const { queueLengthLimit = 0, queues = 0, handSize = 0 } = queuing;
      if (queueLengthLimit <= 0) yield fieldError.invalid(`${path}.queuing.queueLengthLimit`, queueLengthLimit, 'must be positive');
      if (queues <= 0) yield fieldError.invalid(`${path}.queuing.queues`, queues, 'must be positive');
      else if (queues > 10_000_000) yield fieldError.invalid(`${path}.queuing.queues`, queues, 'must not be greater than 10000000');
      if (handSize <= 0) yield fieldError.invalid(`${path}.queuing.handSize`, handSize, 'must be positive');
      else if (handSize > queues) yield fieldError.invalid(`${path}.queuing.handSize`, handSize, `should not be greater than queues (${queues})`);
      return;
    }
    default:
      yield fieldError.notSupported(`${path}.type`, response?.type ?? '', ['Queue', 'Reject']);
  }
}
