import type { CelProgram } from '../../api/cel/cel.ts';
import { CelError } from '../../api/cel/cel-error.ts';
import { withMapsForMessages } from '../../api/cel/message-literals.ts';
import type { MatchCondition } from '../../api/generated/admissionregistration-v1.ts';
import type { Authorizer, ReadyAuthorizer } from '../authz/authorizer.ts';
import type { AdmissionAttributes } from './admission.ts';
import { reviewOf } from './admission-review.ts';
import { CelAuthorizer, LearnedDecisions, ResourceCheck } from './cel-authorizer.ts';

const VARIABLES = ['object', 'oldObject', 'request', 'params', 'namespaceObject', 'authorizer', 'variables'];
/** cel-js takes dots in a name for a member of a value: this variable stands for `authorizer.requestResource`. */
const REQUEST_RESOURCE = 'authorizer__requestResource';

/** Compiles an expression of a webhook's or policy's. Throws CelError. */
export type AdmissionExpressions = (source: string) => CelProgram;

let expressions: Promise<AdmissionExpressions> | undefined;

/** The compiler, loaded when the first expression comes up: most clusters have none. */
export function admissionExpressions(): Promise<AdmissionExpressions> {
  expressions ??= Promise.all([import('../../api/cel/cel.ts'), import('./cel-authorizer.ts')]).then(([{ celCompiler }, { registerAuthorizer, registerPatchFunctions }]) => {
    const compile = celCompiler({ variables: [...VARIABLES, REQUEST_RESOURCE], extend: (environment) => {
      registerAuthorizer(environment);
      registerPatchFunctions(environment);
    } });
    return (source) => compile(withMapsForMessages(source.replaceAll('authorizer.requestResource', REQUEST_RESOURCE).replaceAll('jsonpatch.escapeKey(', 'jsonpatchEscapeKey(')));
  });
  return expressions;
}

/** The values of an expression's variables, as far as they come from the request. */
export function admissionVariables(attributes: AdmissionAttributes, authorizer: ReadyAuthorizer): Readonly<Record<string, unknown>> {
  const { request } = reviewOf(attributes, '');
  const { object, oldObject, ...rest } = request;
  const by = new CelAuthorizer(authorizer, attributes.context.user);
  const { resource: { group, resource }, subresource, namespace, name } = attributes;
  return { object, oldObject, request: rest, authorizer: by, [REQUEST_RESOURCE]: new ResourceCheck(by, { group, resource, subresource, namespace, name }), params: null, namespaceObject: null, variables: {} };
}

/** The conditions under which a webhook or policy is asked at all. Upstream: webhook/matchconditions. */
export class MatchConditions {
  readonly #authorizer: Authorizer;

  constructor(authorizer: Authorizer) {
    this.#authorizer = authorizer;
  }

  /**
   * Whether all hold. One that is false decides, whatever the others' faults; else a fault is thrown as CelError. `extra` are variables
   * besides those of the request.
   */
  async hold(conditions: readonly MatchCondition[], attributes: AdmissionAttributes, extra: Readonly<Record<string, unknown>> = {}): Promise<boolean> {
    if (conditions.length === 0) return true;
    const compile = await admissionExpressions();
    const decisions = new LearnedDecisions(this.#authorizer);
    const variables = { ...admissionVariables(attributes, decisions), ...extra };
    await decisions.learn(() => tryAll(compile, conditions, variables));
    const faults = tryAll(compile, conditions, variables);
    if (!faults) return false;
    if (faults.length) throw new CelError(faults.length === 1 ? faults[0]! : `[${faults.join(', ')}]`);
    return true;
  }
}

/** The faults of conditions that cannot be told; undefined where one is false. */
function tryAll(compile: AdmissionExpressions, conditions: readonly MatchCondition[], variables: Readonly<Record<string, unknown>>): readonly string[] | undefined {
  const faults: string[] = [];
  for (const { expression } of conditions) {
    try {
      if (compile(expression).evaluate(variables) === false) return undefined;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      faults.push(`expression '${expression}' resulted in error: ${error.message}`);
    }
  }
  return faults;
}
