import { CelError } from '../../api/cel/cel-error.ts';
import { StatusError } from '../../api/errors.ts';
import type { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, Validation } from '../../api/generated/admissionregistration-v1.ts';
import { validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from '../../api/generated/resources.ts';
import type { KubeObject } from '../../api/object.ts';
import { inVersion } from './equivalent-version.ts';
import { refused } from './admission-fault.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import type { EnforcementAction } from './admission-metrics.ts';
import { LearnedDecisions } from './cel-authorizer.ts';
import type { AdmissionServices } from './admission-services.ts';
import { admissionExpressions, admissionVariables, MatchConditions } from './match-conditions.ts';
import { namespaceObject, PolicyEvaluation, resourceNamedBy } from './policy-evaluation.ts';
import { PolicyConfigurationError, policyParameters } from './policy-parameters.ts';
import { isExempt } from './webhook-rules.ts';

interface Denial {
  readonly policy: string;
  readonly binding?: string;
  readonly message: string;
  readonly reason?: string;
}

const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413, Invalid: 422 };
const ACTIONS: Readonly<Record<string, EnforcementAction>> = { Deny: 'deny', Audit: 'audit', Warn: 'warn' };
const LONGEST_MESSAGE = 5 * 1024;

/**
 * Rules in CEL about what may be written, with their bindings and parameters. What is bound to be audited is told in the audit
 * event. Upstream: apiserver pkg/admission/plugin/policy/validating.
 */
export function validatingAdmissionPolicy(services: AdmissionServices): AdmissionPlugin {
  const { objects, authorizer } = services;
  const matchConditions = new MatchConditions(authorizer);
  return {
    name: 'ValidatingAdmissionPolicy',
    handles: () => true,
    async validate(attributes) {
      if (isExempt(attributes)) return;
      const policies = objects.list(validatingAdmissionPolicies);
      if (policies.length === 0) return;
      const bindings = objects.list(validatingAdmissionPolicyBindings);
      const denials: Denial[] = [];
      for (const policy of policies) {
        const resource = resourceNamedBy(services, policy.spec.matchConstraints, attributes);
        if (!resource) continue;
        for (const binding of bindings) {
          if (binding.spec.policyName !== policy.metadata.name || !resourceNamedBy(services, binding.spec.matchResources, attributes)) continue;
          denials.push(...(await judge(services, matchConditions, policy, binding, await inVersion(services, attributes, resource))));
        }
      }
      if (denials.length) throw denialFault(attributes, denials[0]!);
    },
  };
}

async function judge({ objects, authorizer, admissionMetrics }: AdmissionServices, conditions: MatchConditions, policy: ValidatingAdmissionPolicy, binding: ValidatingAdmissionPolicyBinding, attributes: AdmissionAttributes): Promise<readonly Denial[]> {
  const { spec } = policy;
  const insists = spec.failurePolicy !== 'Ignore';
  const named = { policy: policy.metadata.name, binding: binding.metadata.name };
  let parameters: ReturnType<typeof policyParameters>;
  try {
    parameters = policyParameters(objects, spec.paramKind, binding.spec.paramRef, attributes.namespace);
  } catch (error) {
    if (!(error instanceof PolicyConfigurationError)) throw error;
    return insists ? [{ ...named, message: `failed to configure binding: ${error.message}` }] : [];
  }
  const compile = await admissionExpressions();
  const decisionsFor = async (params: KubeObject | null): Promise<readonly (Pick<Denial, 'message' | 'reason'> & { readonly expressionIndex?: number })[]> => {
    const decisions = new LearnedDecisions(authorizer);
    const evaluationOf = (): PolicyEvaluation => new PolicyEvaluation(compile, admissionVariables(attributes, decisions), params, namespaceObject(objects, attributes), spec.variables ?? []);
    const expressions = [...(spec.validations ?? []).flatMap(({ expression, messageExpression = '' }) => [expression, messageExpression]), ...(spec.auditAnnotations ?? []).map(({ valueExpression }) => valueExpression)];
    await decisions.learn(() => evaluationOf().tryAll(expressions));
    const evaluation = evaluationOf();
    try {
      if (!(await conditions.hold(spec.matchConditions ?? [], attributes, evaluation.given))) return [];
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      return insists ? [{ message: error.message }] : [];
    }
    annotate(attributes, policy, evaluation);
    return (spec.validations ?? []).flatMap((validation, expressionIndex) => {
      const startedAt = admissionMetrics.now();
      const decision = violated(evaluation, validation, insists);
      admissionMetrics.validation(named.policy, named.binding, startedAt, decision?.failed ?? false, decision ? binding.spec.validationActions.map((action) => ACTIONS[action]!) : ['allow']);
      return decision ? [{ ...decision, expressionIndex }] : [];
    });
  };
  const decisions = (await Promise.all(parameters.map(decisionsFor))).flat();
  const { validationActions } = binding.spec;
  if (validationActions.includes('Warn')) {
    for (const { message } of decisions) attributes.context.warn(`Validation failed for ValidatingAdmissionPolicy '${named.policy}' with binding '${named.binding}': ${message}`);
  }
  const { audit } = attributes.context;
  if (audit && validationActions.includes('Audit') && decisions.length > 0) {
    audit.annotate('validation.policy.admission.k8s.io/validation_failure', JSON.stringify(decisions.map(({ message, expressionIndex = 0 }) => ({ message, ...named, expressionIndex, validationActions }))));
  }
  return validationActions.includes('Deny') ? decisions.map(({ message, reason }) => ({ ...named, message, ...(reason !== undefined && { reason }) })) : [];
}

/** What the policy wants noted in the audit event; an expression that cannot be told notes nothing. */
function annotate({ context: { audit } }: AdmissionAttributes, { metadata, spec }: ValidatingAdmissionPolicy, evaluation: PolicyEvaluation): void {
  for (const { key, valueExpression } of audit ? (spec.auditAnnotations ?? []) : []) {
    try {
      const value = evaluation.evaluate(valueExpression);
      if (typeof value === 'string' && value !== '') audit!.annotate(`${metadata.name}/${key}`, value);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
    }
  }
}

function violated(evaluation: PolicyEvaluation, validation: Validation, insists: boolean): (Pick<Denial, 'message' | 'reason'> & { readonly failed?: boolean }) | undefined {
  try {
    if (evaluation.evaluate(validation.expression) === true) return undefined;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return insists ? { message: error.message, failed: true } : undefined;
  }
  const message = composed(evaluation, validation.messageExpression) || validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
  return { message, ...(validation.reason && { reason: validation.reason }) };
}

/** The message that an expression makes; undefined where it fails or makes nothing presentable, so that the next best one is told. */
function composed(evaluation: PolicyEvaluation, expression: string | undefined): string | undefined {
  if (!expression) return undefined;
  try {
    const made = evaluation.evaluate(expression);
    const text = typeof made === 'string' ? made.trim() : '';
    return text.includes('\n') || text.length > LONGEST_MESSAGE ? undefined : text || undefined;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return undefined;
  }
}

function denialFault(attributes: AdmissionAttributes, { policy, binding, message, reason = 'Invalid' }: Denial): StatusError {
  const text = `ValidatingAdmissionPolicy '${policy}'${binding ? ` with binding '${binding}'` : ''} denied request: ${message}`;
  const { status } = refused(attributes, text);
  return new StatusError({ ...status, reason, code: CODES[reason] ?? 422, details: { ...status.details, causes: [{ message: text }] } });
}
