/** Policies written in CEL, and what binds them to resources. Upstream: pkg/registry/admissionregistration. */
import type { KindDefinition } from '../kind.ts';
import type {
  MatchResources, MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, ParamRef, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
} from '../generated/admissionregistration-v1.ts';
import { mutatingAdmissionPolicies, mutatingAdmissionPolicyBindings, validatingAdmissionPolicies, validatingAdmissionPolicyBindings } from '../generated/resources.ts';
import type { KubeObject } from '../object.ts';
import { formatLabelSelector } from '../selector.ts';
import { mutatingBindingErrors, mutatingPolicyErrors, validatingBindingErrors, validatingPolicyErrors } from '../validation/admission-policy.ts';
import { withCountedSpec } from './counted-spec.ts';
import { fillAbsent, mapItems, mapMember } from './fill.ts';
import { ageColumn, integer, nameColumn, text } from './table-columns.ts';

function defaultMatch(match: MatchResources): MatchResources {
  let next = fillAbsent(match, { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} });
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) next = mapMember(next, field, (rules) => mapItems(rules, (rule) => fillAbsent(rule, { scope: '*' })));
  return next;
}

interface Policy extends KubeObject {
  readonly spec: { readonly paramKind?: { readonly apiVersion?: string; readonly kind?: string } };
}

const paramKindText = ({ spec }: Policy): string => (spec.paramKind ? `${spec.paramKind.apiVersion ?? ''}/${spec.paramKind.kind ?? ''}` : '<unset>');

function paramRefText({ spec }: { readonly spec: { readonly paramRef?: ParamRef } }): string {
  const { name, namespace, selector } = spec.paramRef ?? {};
  if (name) return `${namespace || '*'}/${name}`;
  return selector ? formatLabelSelector(selector) : '<unset>';
}

export const validatingAdmissionPolicy: KindDefinition<ValidatingAdmissionPolicy> = {
  resource: validatingAdmissionPolicies,
  defaults: (object) => mapMember(object, 'spec', (spec) => mapMember(fillAbsent(spec, { failurePolicy: 'Fail' }), 'matchConstraints', defaultMatch)),
  validate: (object) => [...validatingPolicyErrors('spec', object.spec ?? {}, object.metadata.name)],
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    integer('Validations', 'How many validations the policy makes.', (object) => object.spec.validations?.length ?? 0),
    text('ParamKind', 'The kind of its parameters.', paramKindText),
    ageColumn,
  ],
};

export const validatingAdmissionPolicyBinding: KindDefinition<ValidatingAdmissionPolicyBinding> = {
  resource: validatingAdmissionPolicyBindings,
  defaults: (object) => mapMember(object, 'spec', (spec) => mapMember(spec, 'matchResources', defaultMatch)),
  ...withCountedSpec<ValidatingAdmissionPolicyBinding>(),
  validate: (object) => [...validatingBindingErrors('spec', object.spec ?? {})],
  unconditionalUpdate: false,
  columns: [nameColumn, text('PolicyName', 'The policy that is bound.', ({ spec }) => spec.policyName ?? ''), text('ParamRef', 'The parameters.', paramRefText), ageColumn],
};

export const mutatingAdmissionPolicy: KindDefinition<MutatingAdmissionPolicy> = {
  resource: mutatingAdmissionPolicies,
  defaults: (object) => mapMember(object, 'spec', (spec) => mapMember(fillAbsent(spec, { failurePolicy: 'Fail' }), 'matchConstraints', defaultMatch)),
  ...withCountedSpec<MutatingAdmissionPolicy>(),
  validate: (object) => [...mutatingPolicyErrors('spec', object.spec ?? {})],
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    integer('Mutations', 'How many mutations the policy makes.', (object) => object.spec.mutations?.length ?? 0),
    text('ParamKind', 'The kind of its parameters.', paramKindText),
    ageColumn,
  ],
};

export const mutatingAdmissionPolicyBinding: KindDefinition<MutatingAdmissionPolicyBinding> = {
  resource: mutatingAdmissionPolicyBindings,
  defaults: (object) => mapMember(object, 'spec', (spec) => mapMember(spec, 'matchResources', defaultMatch)),
  ...withCountedSpec<MutatingAdmissionPolicyBinding>(),
  validate: (object) => [...mutatingBindingErrors('spec', object.spec ?? {})],
  unconditionalUpdate: false,
  columns: [nameColumn, text('PolicyName', 'The policy that is bound.', ({ spec }) => spec.policyName ?? ''), text('ParamRef', 'The parameters.', paramRefText), ageColumn],
};
