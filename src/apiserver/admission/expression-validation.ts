import { CelError } from '../../api/cel/cel-error.ts';
import { fieldError, invalid, type FieldError } from '../../api/errors.ts';
import type { MatchCondition, MutatingAdmissionPolicy, MutatingWebhookConfiguration, ValidatingAdmissionPolicy, ValidatingWebhookConfiguration } from '../../api/generated/admissionregistration-v1.ts';
import type { AdmissionPlugin } from './admission.ts';
import { admissionExpressions, type AdmissionExpressions } from './match-conditions.ts';

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration | ValidatingAdmissionPolicy | MutatingAdmissionPolicy;

/** Refuses webhooks and policies whose expressions cannot be compiled. Upstream does it in pkg/apis/admissionregistration/validation. */
export const expressionValidation: AdmissionPlugin = {
  name: 'ExpressionValidation',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  async validate({ resource, subresource, object, oldObject, name }) {
    if (resource.group !== 'admissionregistration.k8s.io' || subresource !== '' || !object) return;
    const compile = await admissionExpressions();
    const errors = expressionErrors(compile, object as Configuration);
    // What was stored already stays changeable in its other parts.
    const known = new Set(oldObject ? expressionErrors(compile, oldObject as Configuration).map((e) => e.message) : []);
    const fresh = errors.filter((error) => !known.has(error.message));
    if (fresh.length) throw invalid(resource, name, fresh);
  },
};

function expressionErrors(compile: AdmissionExpressions, object: Configuration): readonly FieldError[] {
  if ('webhooks' in object) return (object.webhooks ?? []).flatMap((webhook, i) => conditionErrors(compile, `webhooks[${i}]`, webhook.matchConditions));
  const { spec } = object as ValidatingAdmissionPolicy | MutatingAdmissionPolicy;
  if (!spec) return [];
  return [
    ...conditionErrors(compile, 'spec', spec.matchConditions),
    ...(spec.variables ?? []).flatMap((variable, i) => compileErrors(compile, `spec.variables[${i}].expression`, variable.expression)),
    ...('validations' in spec ? (spec.validations ?? []).flatMap((validation, i) => [
      ...compileErrors(compile, `spec.validations[${i}].expression`, validation.expression),
      ...(validation.messageExpression ? compileErrors(compile, `spec.validations[${i}].messageExpression`, validation.messageExpression) : []),
    ]) : []),
    ...('mutations' in spec ? (spec.mutations ?? []).flatMap((mutation, i) => [
      ...compileErrors(compile, `spec.mutations[${i}].applyConfiguration.expression`, mutation.applyConfiguration?.expression),
      ...compileErrors(compile, `spec.mutations[${i}].jsonPatch.expression`, mutation.jsonPatch?.expression),
    ]) : []),
  ];
}

function conditionErrors(compile: AdmissionExpressions, path: string, conditions: readonly MatchCondition[] = []): readonly FieldError[] {
  return conditions.flatMap((condition, i) => compileErrors(compile, `${path}.matchConditions[${i}].expression`, condition.expression));
}

function compileErrors(compile: AdmissionExpressions, path: string, expression: string | undefined): readonly FieldError[] {
  if (!expression?.trim()) return [];
  try {
    compile(expression);
    return [];
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return [fieldError.invalid(path, expression, error.message)];
  }
}
