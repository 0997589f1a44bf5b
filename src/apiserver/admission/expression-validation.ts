import { CelError } from '../../api/cel/cel-error.ts';
import { fieldError, invalid, type FieldError } from '../../api/errors.ts';
import type { MatchCondition, MutatingAdmissionPolicy, MutatingWebhookConfiguration, ValidatingAdmissionPolicy, ValidatingWebhookConfiguration } from '../../api/generated/admissionregistration-v1.ts';
import type { DeviceClass, DeviceSelector, ResourceClaim, ResourceClaimTemplate } from '../../api/generated/resource-v1.ts';
import type { KubeObject } from '../../api/object.ts';
import type { AdmissionPlugin } from './admission.ts';
import { admissionExpressions, type AdmissionExpressions } from './match-conditions.ts';

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration | ValidatingAdmissionPolicy | MutatingAdmissionPolicy;

/** Refuses webhooks, policies and claims on devices whose expressions cannot be compiled. Upstream does it in pkg/apis/admissionregistration/validation and pkg/apis/resource/validation. */
export const expressionValidation: AdmissionPlugin = {
  name: 'ExpressionValidation',
  handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
  async validate({ resource, subresource, object, oldObject, name }) {
    if (subresource !== '' || !object) return;
    const errorsOf = resource.group === 'admissionregistration.k8s.io' ? await policyErrors() : resource.group === 'resource.k8s.io' && selectorsOf(object).length > 0 ? await deviceErrors() : undefined;
    if (!errorsOf) return;
    const errors = errorsOf(object);
    // What was stored already stays changeable in its other parts.
    const known = new Set(oldObject ? errorsOf(oldObject).map((e) => e.message) : []);
    const fresh = errors.filter((error) => !known.has(error.message));
    if (fresh.length) throw invalid(resource, name, fresh);
  },
};

type ErrorsOf = (object: KubeObject) => readonly FieldError[];

async function policyErrors(): Promise<ErrorsOf> {
  const compile = await admissionExpressions();
  return (object) => expressionErrors(compile, object as Configuration);
}

let deviceExpressions: Promise<AdmissionExpressions> | undefined;

/** Of the selectors of devices, in classes and claims. Upstream: dynamic-resource-allocation/cel. */
async function deviceErrors(): Promise<ErrorsOf> {
  const compile = await (deviceExpressions ??= import('../../api/cel/cel.ts').then(({ celCompiler }) => celCompiler({ variables: ['device'] })));
  return (object) => selectorsOf(object).flatMap(([path, expression]) => compileErrors(compile, path, expression));
}

/** Paths and texts of the selectors that a class, a claim or a template of claims has. */
function selectorsOf(object: KubeObject): readonly (readonly [path: string, expression: string])[] {
  const of = (path: string, selectors: readonly DeviceSelector[] = []) => selectors.flatMap(({ cel }, i) => (cel ? [[`${path}.selectors[${i}].cel.expression`, cel.expression] as const] : []));
  if (object.kind === 'DeviceClass') return of('spec', (object as DeviceClass).spec?.selectors);
  const inTemplate = object.kind === 'ResourceClaimTemplate';
  if (!inTemplate && object.kind !== 'ResourceClaim') return [];
  const spec = inTemplate ? (object as ResourceClaimTemplate).spec?.spec : (object as ResourceClaim).spec;
  return (spec?.devices?.requests ?? []).flatMap(({ exactly, firstAvailable = [] }, i) => {
    const path = `${inTemplate ? 'spec.spec' : 'spec'}.devices.requests[${i}]`;
    return [...of(`${path}.exactly`, exactly?.selectors), ...firstAvailable.flatMap((request, j) => of(`${path}.firstAvailable[${j}]`, request.selectors))];
  });
}

function expressionErrors(compile: AdmissionExpressions, object: Configuration): readonly FieldError[] {
  if ('webhooks' in object) return (object.webhooks ?? []).flatMap((webhook, i) => conditionErrors(compile, `webhooks[${i}]`, webhook.matchConditions));
  const { spec } = object as ValidatingAdmissionPolicy | MutatingAdmissionPolicy;
  if (!spec) return [];
  return [
    ...conditionErrors(compile, 'spec', spec.matchConditions),
    ...(spec.variables ?? []).flatMap((variable, i) => compileErrors(compile, `spec.variables[${i}].expression`, variable.expression)),
    ...('validations' in spec ? (spec.validations ?? []).flatMap((validation, i) => [
      ...compileErrors(compile, `spec.validations[${i}].expression`, validation.expression),
      ...undeclaredErrors(`spec.validations[${i}].expression`, validation.expression, spec.variables),
      ...(validation.messageExpression ? compileErrors(compile, `spec.validations[${i}].messageExpression`, validation.messageExpression) : []),
    ]) : []),
    ...('auditAnnotations' in spec ? (spec.auditAnnotations ?? []).flatMap(({ valueExpression }, i) => compileErrors(compile, `spec.auditAnnotations[${i}].valueExpression`, valueExpression)) : []),
    ...('mutations' in spec ? (spec.mutations ?? []).flatMap((mutation, i) => [
      ...compileErrors(compile, `spec.mutations[${i}].applyConfiguration.expression`, mutation.applyConfiguration?.expression),
      ...compileErrors(compile, `spec.mutations[${i}].jsonPatch.expression`, mutation.jsonPatch?.expression),
    ]) : []),
  ];
}

function conditionErrors(compile: AdmissionExpressions, path: string, conditions: readonly MatchCondition[] = []): readonly FieldError[] {
  return conditions.flatMap((condition, i) => compileErrors(compile, `${path}.matchConditions[${i}].expression`, condition.expression));
}

/** Variables that the policy does not have. What looks like one within a text is none. */
function undeclaredErrors(path: string, expression: string, variables: readonly { readonly name: string }[] = []): readonly FieldError[] {
  const code = expression.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, (text) => ' '.repeat(text.length));
  const used = [...code.matchAll(/(?<![\w.])variables\.(\w+)/g)].find(([, name]) => !variables.some((variable) => variable.name === name));
  if (!used || expression.includes('\n')) return [];
  const at = variables.length > 0 ? used.index + 'variables'.length : used.index;
  const fault = variables.length > 0 ? `undefined field '${used[1]}'` : "undeclared reference to 'variables' (in container '')";
  return [fieldError.invalid(path, expression, `compilation failed: ERROR: <input>:1:${at + 1}: ${fault}\n | ${expression}\n | ${'.'.repeat(at)}^`)];
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
