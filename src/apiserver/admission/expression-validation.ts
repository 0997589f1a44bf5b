import { CelError } from '../../api/cel/cel.ts';
import { fieldError, invalid, type FieldError } from '../../api/errors.ts';
import type { MatchCondition, MutatingAdmissionPolicy, MutatingWebhookConfiguration, ValidatingAdmissionPolicy, ValidatingWebhookConfiguration } from '../../api/generated/admissionregistration-v1.ts';
import type { AdmissionPlugin } from './admission.ts';
import { compileAdmissionExpression } from './match-conditions.ts';

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration | ValidatingAdmissionPolicy | MutatingAdmissionPolicy;

/** Refuses webhooks and policies whose expressions cannot be compiled. Upstream does it in pkg/apis/admissionregistration/validation. */
export const expressionValidation: AdmissionPlugin = {
  name: 'ExpressionValidation',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  validate({ resource, subresource, object, oldObject, name }) {
    if (resource.group !== 'admissionregistration.k8s.io' || subresource !== '' || !object) return;
    const errors = expressionErrors(object as Configuration);
    // What was stored already stays changeable in its other parts.
    const known = new Set(oldObject ? expressionErrors(oldObject as Configuration).map((e) => e.message) : []);
    const fresh = errors.filter((error) => !known.has(error.message));
    if (fresh.length) throw invalid(resource, name, fresh);
  },
};

function expressionErrors(object: Configuration): readonly FieldError[] {
  if ('webhooks' in object) return (object.webhooks ?? []).flatMap((webhook, i) => conditionErrors(`webhooks[${i}]`, webhook.matchConditions));
  const { spec } = object as ValidatingAdmissionPolicy | MutatingAdmissionPolicy;
  if (!spec) return [];
  return [
    ...conditionErrors('spec', spec.matchConditions),
    ...(spec.variables ?? []).flatMap((variable, i) => compileErrors(`spec.variables[${i}].expression`, variable.expression)),
    ...('validations' in spec ? (spec.validations ?? []).flatMap((validation, i) => [
      ...compileErrors(`spec.validations[${i}].expression`, validation.expression),
      ...(validation.messageExpression ? compileErrors(`spec.validations[${i}].messageExpression`, validation.messageExpression) : []),
    ]) : []),
  ];
}

function conditionErrors(path: string, conditions: readonly MatchCondition[] = []): readonly FieldError[] {
  return conditions.flatMap((condition, i) => compileErrors(`${path}.matchConditions[${i}].expression`, condition.expression));
}

function compileErrors(path: string, expression: string | undefined): readonly FieldError[] {
  if (!expression?.trim()) return [];
  try {
    compileAdmissionExpression(expression);
    return [];
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    return [fieldError.invalid(path, expression, error.message)];
  }
}
