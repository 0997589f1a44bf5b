/** Upstream: pkg/apis/admissionregistration/validation, of policies; whether their expressions compile is not checked here. */
import { fieldError } from '../errors.ts';
import type {
  AuditAnnotation, MatchResources, MutatingAdmissionPolicyBindingSpec, MutatingAdmissionPolicySpec, Mutation, ParamKind, ParamRef, ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec, Validation, Variable,
} from '../generated/admissionregistration-v1.ts';
import { isDns1035Label, isDns1123Subdomain, isPathSegmentName } from '../names.ts';
import { dnsSubdomain, formatErrors, labelSelector, oneOf, oneOfIfAny, qualifiedName, type FieldErrors } from './fields.ts';
import { matchConditionErrors, operationRuleErrors } from './webhook.ts';

const failurePolicies = ['Fail', 'Ignore'];
const mutatingOperations = ['*', 'CONNECT', 'CREATE', 'UPDATE'];

export function* validatingPolicyErrors(path: string, spec: ValidatingAdmissionPolicySpec, name: string): FieldErrors {
  yield* commonErrors(path, spec);
  if (!spec.validations?.length && !spec.auditAnnotations?.length) {
    for (const field of ['validations', 'auditAnnotations']) yield fieldError.required(`${path}.${field}`, 'validations or auditAnnotations must contain at least one item');
    return;
  }
  for (const [i, validation] of (spec.validations ?? []).entries()) yield* validationErrors(`${path}.validations[${i}]`, validation);
  yield* auditErrors(`${path}.auditAnnotations`, spec.auditAnnotations ?? [], name);
}

export function* mutatingPolicyErrors(path: string, spec: MutatingAdmissionPolicySpec): FieldErrors {
  yield* commonErrors(path, spec);
  for (const operation of spec.matchConstraints?.resourceRules?.flatMap((rule) => rule.operations ?? []) ?? []) {
    yield* oneOfIfAny(`${path}.matchConstraints.resourceRules.operations`, operation, mutatingOperations);
  }
  if (!spec.mutations?.length) yield fieldError.required(`${path}.mutations`, 'mutations must contain at least one item');
  for (const [i, mutation] of (spec.mutations ?? []).entries()) yield* mutationErrors(`${path}.mutations[${i}]`, mutation);
  yield* oneOf(`${path}.reinvocationPolicy`, spec.reinvocationPolicy, ['IfNeeded', 'Never']);
}

function* commonErrors(path: string, spec: ValidatingAdmissionPolicySpec | MutatingAdmissionPolicySpec): FieldErrors {
  yield* oneOf(`${path}.failurePolicy`, spec.failurePolicy, failurePolicies);
  if (spec.paramKind) yield* paramKindErrors(`${path}.paramKind`, spec.paramKind);
  if (!spec.matchConstraints) {
    yield fieldError.required(`${path}.matchConstraints`);
  } else {
    yield* matchErrors(`${path}.matchConstraints`, spec.matchConstraints);
    if (!spec.matchConstraints.resourceRules?.length) yield fieldError.required(`${path}.matchConstraints.resourceRules`);
  }
  yield* matchConditionErrors(`${path}.matchConditions`, spec.matchConditions ?? []);
  for (const [i, variable] of (spec.variables ?? []).entries()) yield* variableErrors(`${path}.variables[${i}]`, variable);
}

function* paramKindErrors(path: string, { apiVersion = '', kind = '' }: ParamKind): FieldErrors {
  const parts = apiVersion.split('/');
  const version = parts.at(-1) ?? '';
  const group = parts.length === 2 ? parts[0]! : '';
  if (!apiVersion) yield fieldError.required(`${path}.apiVersion`);
  else if (parts.length > 2) yield fieldError.invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  else {
    const groupFaults = group ? isDns1123Subdomain(group) : [];
    if (groupFaults.length) yield fieldError.invalid(`${path}.apiVersion`, group, groupFaults.join(','));
    if (!version) yield fieldError.invalid(`${path}.apiVersion`, apiVersion, 'version must be specified');
    else if (isDns1035Label(version).length) yield fieldError.invalid(`${path}.apiVersion`, version, isDns1035Label(version).join(','));
  }
  if (!kind) yield fieldError.required(`${path}.kind`);
  else if (isDns1035Label(kind.toLowerCase()).length) {
    yield fieldError.invalid(`${path}.kind`, kind, `may have mixed case, but should otherwise match: ${isDns1035Label(kind.toLowerCase()).join(',')}`);
  }
}

function* matchErrors(path: string, match: MatchResources): FieldErrors {
  yield* oneOf(`${path}.matchPolicy`, match.matchPolicy, ['Equivalent', 'Exact']);
  for (const field of ['namespaceSelector', 'objectSelector'] as const) {
    if (!match[field]) yield fieldError.required(`${path}.${field}`);
    else yield* labelSelector(`${path}.${field}`, match[field]);
  }
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) {
    for (const [i, rule] of (match[field] ?? []).entries()) {
      const at = `${path}.${field}[${i}]`;
      const names = rule.resourceNames ?? [];
      for (const [j, name] of names.entries()) {
        yield* formatErrors(`${at}.resourceNames[${j}]`, name, isPathSegmentName(name));
        if (names.indexOf(name) < j) yield fieldError.duplicate(`${at}.resourceNames[${j}]`, name);
      }
      yield* operationRuleErrors(at, rule);
    }
  }
}

function* variableErrors(path: string, { name, expression }: Variable): FieldErrors {
  if (!name?.trim()) yield fieldError.required(`${path}.name`, 'name is not specified');
  else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name)) yield fieldError.invalid(`${path}.name`, name, 'must be a valid CEL identifier');
  if (!expression?.trim()) yield fieldError.required(`${path}.expression`, 'expression is not specified');
}

function* validationErrors(path: string, { expression, message = '', messageExpression = '', reason }: Validation): FieldErrors {
  if (!expression?.trim()) yield fieldError.required(`${path}.expression`, 'expression is not specified');
  if (messageExpression && !messageExpression.trim()) yield fieldError.invalid(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified');
  if (message && !message.trim()) yield fieldError.invalid(`${path}.message`, message, 'must be non-empty if specified');
  else if (message.trim().includes('\n')) yield fieldError.invalid(`${path}.message`, message, 'must not contain line breaks');
  yield* oneOfIfAny(`${path}.reason`, reason, ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized']);
}

function* auditErrors(path: string, annotations: readonly AuditAnnotation[], policy: string): FieldErrors {
  if (annotations.length > 20) yield fieldError.invalid(path, annotations, 'must not have more than 20 auditAnnotations');
  for (const [i, { key, valueExpression = '' }] of annotations.entries()) {
    yield* qualifiedName(`${path}[${i}].key`, `${policy}/${key}`);
    if (!valueExpression.trim()) yield fieldError.required(`${path}[${i}].valueExpression`, 'valueExpression is not specified');
    else if (valueExpression.trim().length > 5120) yield fieldError.required(`${path}[${i}].valueExpression`, 'must not exceed 5120 bytes in length');
    if (annotations.findIndex((one) => one.key === key) < i) yield fieldError.duplicate(`${path}[${i}].key`, key);
  }
}

const patchFields = { JSONPatch: 'jsonPatch', ApplyConfiguration: 'applyConfiguration' } as const;

function* mutationErrors(path: string, mutation: Mutation): FieldErrors {
  yield* oneOf(`${path}.patchType`, mutation.patchType, ['ApplyConfiguration', 'JSONPatch']);
  const wanted = patchFields[mutation.patchType as keyof typeof patchFields];
  if (wanted === undefined) return;
  const other = wanted === 'jsonPatch' ? 'applyConfiguration' : 'jsonPatch';
  const patch = mutation[wanted];
  if (!patch) yield fieldError.required(`${path}.${wanted}`, `must be specified when patchType is ${mutation.patchType}`);
  else if (!patch.expression?.trim()) yield fieldError.required(`${path}.${wanted}.expression`, 'expression is not specified');
  if (mutation[other]) yield fieldError.invalid(`${path}.${other}`, `{${other}}`, `must not be specified when patchType is ${mutation.patchType}`);
}

export function* validatingBindingErrors(path: string, spec: ValidatingAdmissionPolicyBindingSpec): FieldErrors {
  yield* bindingErrors(path, spec);
  const at = `${path}.validationActions`;
  const actions = spec.validationActions ?? [];
  for (const [i, action] of actions.entries()) {
    yield* oneOfIfAny(`${at}[${i}]`, action, ['Audit', 'Deny', 'Warn']);
    if (actions.indexOf(action) < i) yield fieldError.duplicate(`${at}[${i}]`, action);
  }
  if (actions.includes('Deny') && actions.includes('Warn')) {
    yield fieldError.invalid(at, actions, 'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)');
  }
  if (actions.length === 0) yield fieldError.required(at, 'at least one validation action is required');
}

export function* mutatingBindingErrors(path: string, spec: MutatingAdmissionPolicyBindingSpec): FieldErrors {
  yield* bindingErrors(path, spec);
  for (const operation of spec.matchResources?.resourceRules?.flatMap((rule) => rule.operations ?? []) ?? []) {
    yield* oneOfIfAny(`${path}.matchResources.resourceRules.operations`, operation, mutatingOperations);
  }
}

function* bindingErrors(path: string, spec: MutatingAdmissionPolicyBindingSpec): FieldErrors {
  if (!spec.policyName) yield fieldError.required(`${path}.policyName`);
  else yield* dnsSubdomain(`${path}.policyName`, spec.policyName);
  if (spec.paramRef) yield* paramRefErrors(`${path}.paramRef`, spec.paramRef);
  if (spec.matchResources) yield* matchErrors(`${path}.matchResources`, spec.matchResources);
}

function* paramRefErrors(path: string, { name = '', selector, parameterNotFoundAction }: ParamRef): FieldErrors {
  const both = 'name and selector are mutually exclusive';
  if (name) {
    yield* formatErrors(`${path}.name`, name, isPathSegmentName(name));
    if (selector) yield fieldError.forbidden(`${path}.name`, both);
  }
  yield* labelSelector(`${path}.selector`, selector);
  if (selector && name) yield fieldError.forbidden(`${path}.selector`, both);
  if (!selector && !name) yield fieldError.required(path, 'one of name or selector must be specified');
  yield* oneOf(`${path}.parameterNotFoundAction`, parameterNotFoundAction, ['Deny', 'Allow']);
}
