import { CelError } from '../../api/cel/cel-error.ts';
import { internalError, StatusError } from '../../api/errors.ts';
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, Mutation } from '../../api/generated/admissionregistration-v1.ts';
import { mutatingAdmissionPolicies, mutatingAdmissionPolicyBindings } from '../../api/generated/resources.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from '../../api/object.ts';
import { merge } from '../apply/merge.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import { refused } from './admission-fault.ts';
import type { AdmissionAttributes, AdmissionPlugin } from './admission.ts';
import { LearnedDecisions } from './cel-authorizer.ts';
import type { AdmissionServices } from './admission-services.ts';
import { admissionExpressions, admissionVariables, MatchConditions } from './match-conditions.ts';
import { inRequestedVersion, inVersion } from './equivalent-version.ts';
import { namespaceObject, PolicyEvaluation, resourceNamedBy } from './policy-evaluation.ts';
import { PolicyConfigurationError, policyParameters } from './policy-parameters.ts';
import { Rounds } from './rounds.ts';
import { isExempt } from './webhook-rules.ts';
import { pruned } from './webhooks.ts';

interface Invocation {
  readonly policy: MutatingAdmissionPolicy;
  readonly binding: MutatingAdmissionPolicyBinding;
  readonly params: KubeObject | null;
  /** In the version that the policy names. */
  readonly resource: ResourceType<KubeObject>;
}

const NAME = 'MutatingAdmissionPolicy';

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
      const resource = spec && resourceNamedBy(services, spec.matchConstraints, attributes);
      if (!resource) return [];
      return bindings.filter((binding) => binding.spec?.policyName === policy.metadata.name && resourceNamedBy(services, binding.spec.matchResources, attributes)).flatMap((binding) => {
        try {
          return policyParameters(objects, spec.paramKind, binding.spec?.paramRef, attributes.namespace).map((params) => ({ policy, binding, params, resource }));
        } catch (error) {
          if (!(error instanceof PolicyConfigurationError)) throw error;
          if (spec.failurePolicy === 'Ignore') return [];
          throw fault(attributes, { policy, binding }, `failed to configure binding: ${error.message}`);
        }
      });
    });
  };

  return {
    name: NAME,
    handles: (operation) => operation !== 'DELETE',
    async admit(attributes) {
      if (isExempt(attributes) || !attributes.object || objects.list(mutatingAdmissionPolicies).length === 0) return undefined;
      const { rounds = new Rounds() } = attributes;
      const memory = rounds.of(NAME);
      let { object } = attributes;
      memory.begin(object);
      for (const invocation of invocationsFor(attributes)) {
        const { policy, binding, params } = invocation;
        const key = [policy.metadata.name, binding.metadata.name, params?.metadata.namespace, params?.metadata.name].join('/');
        if (!memory.isWanted(key)) continue;
        const left = await invoke(services, conditions, invocation, { ...attributes, object });
        if (left === undefined) continue;
        memory.asked(key, { changed: left !== object && !deepEqual(left, object), reinvocable: policy.spec?.reinvocationPolicy === 'IfNeeded' });
        object = left;
      }
      memory.end(object);
      return object === attributes.object ? undefined : object;
    },
  };
}

/** The object as the policy's mutations leave it; undefined where its conditions do not hold. A mutation that fails does not undo those before it. */
async function invoke(services: AdmissionServices, conditions: MatchConditions, invocation: Invocation, requested: AdmissionAttributes & { readonly object: KubeObject }): Promise<KubeObject | undefined> {
  const { policy, binding, params } = invocation;
  const spec = policy.spec!;
  const compile = await admissionExpressions();
  const namespace = namespaceObject(services.objects, requested);
  const faults: string[] = [];
  const attempt = async <T>(work: () => Promise<T> | T): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CelError) && !(error instanceof StatusError)) throw error;
      faults.push(error.message);
      return undefined;
    }
  };
  const attributes = await inVersion(services, requested, invocation.resource);
  let object = attributes.object!;
  const decisions = new LearnedDecisions(services.authorizer);
  const evaluation = (): PolicyEvaluation =>
    new PolicyEvaluation(compile, admissionVariables({ ...attributes, object }, decisions), params, namespace, spec.variables ?? []);
  const holds = await attempt(() => conditions.hold(spec.matchConditions ?? [], attributes, spec.matchConditions?.length ? evaluation().given : {}));
  for (const mutation of holds ? (spec.mutations ?? []) : []) {
    const before = faults.length;
    await decisions.learn(() => evaluation().tryAll([mutation.jsonPatch?.expression ?? '', mutation.applyConfiguration?.expression ?? '']));
    object = (await attempt(() => services.admissionMetrics.mutation(policy.metadata.name, binding.metadata.name, () => mutated(services, { ...attributes, object }, evaluation(), mutation)))) ?? object;
    if (faults.length > before && spec.failurePolicy !== 'Ignore') break;
  }
  if (faults.length > 0 && spec.failurePolicy !== 'Ignore') throw fault(requested, invocation, faults[0]!);
  if (!holds) return undefined;
  return object === attributes.object ? requested.object : await inRequestedVersion(services, attributes, object);
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
