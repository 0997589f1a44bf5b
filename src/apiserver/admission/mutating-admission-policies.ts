import { CelError } from '../../api/cel/cel-error.ts';
import { internalError, StatusError } from '../../api/errors.ts';
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, Mutation } from '../../api/generated/admissionregistration-v1.ts';
import { mutatingAdmissionPolicies, mutatingAdmissionPolicyBindings } from '../../api/generated/resources.ts';
import { apiVersionOf, type KubeObject } from '../../api/object.ts';
import { merge } from '../apply/typed-value.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { refused } from './admission-fault.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';
import { admissionExpressions, admissionVariables, MatchConditions } from './match-conditions.ts';
import { namespaceObject, PolicyEvaluation, resourcesMatch } from './policy-evaluation.ts';
import { PolicyConfigurationError, policyParameters } from './policy-parameters.ts';
import { isExempt } from './webhook-rules.ts';
import { pruned } from './webhooks.ts';

interface Invocation {
  readonly policy: MutatingAdmissionPolicy;
  readonly binding: MutatingAdmissionPolicyBinding;
  readonly params: KubeObject | null;
}

/**
 * Changes in CEL to what is written: merged like a server-side apply, or as a JSON patch. A policy that wants it is asked again when a later one
 * changed the object. Upstream: apiserver pkg/admission/plugin/policy/mutating.
 */
export function mutatingAdmissionPolicy(services: AdmissionServices): AdmissionPlugin {
  const { objects } = services;
  const conditions = new MatchConditions(services.authorizer);

  const invocationsFor = (attributes: AdmissionAttributes): readonly Invocation[] => {
    const bindings = objects.list(mutatingAdmissionPolicyBindings);
    return objects.list(mutatingAdmissionPolicies).flatMap((policy) => {
      const { spec } = policy;
      if (!spec || !resourcesMatch(objects, spec.matchConstraints, attributes)) return [];
      return bindings.filter((binding) => binding.spec?.policyName === policy.metadata.name && resourcesMatch(objects, binding.spec.matchResources, attributes)).flatMap((binding) => {
        try {
          return policyParameters(objects, spec.paramKind, binding.spec?.paramRef, attributes.namespace).map((params) => ({ policy, binding, params }));
        } catch (error) {
          if (!(error instanceof PolicyConfigurationError)) throw error;
          if (spec.failurePolicy === 'Ignore') return [];
          throw fault(attributes, { policy, binding }, `failed to configure binding: ${error.message}`);
        }
      });
    });
  };

  return {
    name: 'MutatingAdmissionPolicy',
    handles: (operation) => operation !== 'DELETE',
    async admit(attributes) {
      if (isExempt(attributes) || !attributes.object || objects.list(mutatingAdmissionPolicies).length === 0) return undefined;
      let object = attributes.object;
      const left = new Map<Invocation, KubeObject>();
      for (const invocation of invocationsFor(attributes)) {
        object = await invoke(services, conditions, invocation, { ...attributes, object });
        if (invocation.policy.spec?.reinvocationPolicy === 'IfNeeded') left.set(invocation, object);
      }
      for (const [invocation, result] of left) if (!deepEqual(result, object)) object = await invoke(services, conditions, invocation, { ...attributes, object });
      return object === attributes.object ? undefined : object;
    },
  };
}

async function invoke(services: AdmissionServices, conditions: MatchConditions, invocation: Invocation, attributes: AdmissionAttributes & { readonly object: KubeObject }): Promise<KubeObject> {
  const spec = invocation.policy.spec!;
  const compile = await admissionExpressions();
  const namespace = namespaceObject(services.objects, attributes);
  let { object } = attributes;
  const evaluation = (): PolicyEvaluation =>
    new PolicyEvaluation(compile, admissionVariables({ ...attributes, object }, services.authorizer), invocation.params, namespace, spec.variables ?? []);
  try {
    if (!(await conditions.hold(spec.matchConditions ?? [], attributes, evaluation().given))) return object;
    for (const mutation of spec.mutations ?? []) object = mutated(services, { ...attributes, object }, evaluation(), mutation);
    return object;
  } catch (error) {
    if (!(error instanceof CelError) && !(error instanceof StatusError)) throw error;
    if (spec.failurePolicy === 'Ignore') return attributes.object;
    throw fault(attributes, invocation, error.message);
  }
}

function mutated(services: AdmissionServices, attributes: AdmissionAttributes & { readonly object: KubeObject }, evaluation: PolicyEvaluation, mutation: Mutation): KubeObject {
  const { object, resource } = attributes;
  if (mutation.patchType === 'JSONPatch') return pruned(services, attributes, applyJsonPatch(object, evaluation.json(mutation.jsonPatch?.expression ?? '[]')));
  const made = evaluation.json(mutation.applyConfiguration?.expression ?? '{}');
  if (typeof made !== 'object' || made === null || Array.isArray(made)) throw new CelError(`the result of an ApplyConfiguration must be an Object`);
  const type = services.registry.find(resource.group, resource.version, resource.resource)?.served.schema.type;
  if (!type) throw internalError(`${resource.resource} are not served`);
  const configuration = { apiVersion: object.apiVersion ?? apiVersionOf(resource), kind: object.kind ?? resource.kind, ...made };
  return pruned(services, attributes, merge(type, object, configuration));
}

function fault(attributes: AdmissionAttributes, { policy, binding }: Pick<Invocation, 'policy' | 'binding'>, message: string): StatusError {
  const text = `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${message}`;
  const { status } = refused(attributes, text);
  return new StatusError({ ...status, reason: 'Invalid', code: 422, details: { ...status.details, causes: [{ message: text }] } });
}
